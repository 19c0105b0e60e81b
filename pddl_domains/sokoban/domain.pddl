; Sokoban: a worker pushes boxes, one at a time, from cell to cell; nothing can be pulled.
(define (domain sokoban)
  (:requirements :strips :typing)
  (:types cell box direction - object)
  (:predicates (worker ?x - cell) (box-at ?x - box ?y - cell) (clear ?x - cell)
               (next ?x - cell ?y - cell ?z - direction))

  (:action move
    :parameters (?x - cell ?y - cell ?z - direction)
    :precondition (and (worker ?x) (clear ?y) (next ?x ?y ?z))
    :effect (and (worker ?y) (clear ?x) (not (worker ?x)) (not (clear ?y))))

  (:action push
    :parameters (?b - box ?x - cell ?y - cell ?z - cell ?d - direction)
    :precondition (and (worker ?x) (box-at ?b ?y) (clear ?z) (next ?x ?y ?d) (next ?y ?z ?d))
    :effect (and (worker ?y) (box-at ?b ?z) (clear ?x) (not (worker ?x)) (not (box-at ?b ?y)) (not (clear ?z)))))
