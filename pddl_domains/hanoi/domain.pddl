; The tower of Hanoi: a disc lies on a peg or on a larger disc, and only the uppermost disc of a tower can be moved.
(define (domain hanoi)
  (:requirements :strips :typing)
  (:types disc peg - support support - object)
  (:predicates (on ?x - disc ?y - support) (clear ?x - support) (fits ?x - disc ?y - support))

  (:action move
    :parameters (?x - disc ?y - support ?z - support)
    :precondition (and (on ?x ?y) (clear ?x) (clear ?z) (fits ?x ?z))
    :effect (and (on ?x ?z) (clear ?y) (not (on ?x ?y)) (not (clear ?z)))))
