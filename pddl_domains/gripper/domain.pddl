; Gripper: a robot with two grippers carries balls between rooms. After the example of Helmert's introduction to PDDL
; (lecture notes, Toronto 2003), which has two rooms and four balls.
(define (domain gripper)
  (:requirements :strips)
  (:predicates (room ?x) (ball ?x) (gripper ?x) (at-robby ?x) (at-ball ?x ?y) (free ?x) (carry ?x ?y))

  (:action move
    :parameters (?x ?y)
    :precondition (and (room ?x) (room ?y) (at-robby ?x))
    :effect (and (at-robby ?y) (not (at-robby ?x))))

  (:action pick-up
    :parameters (?x ?y ?z)
    :precondition (and (ball ?x) (room ?y) (gripper ?z) (at-ball ?x ?y) (at-robby ?y) (free ?z))
    :effect (and (carry ?z ?x) (not (at-ball ?x ?y)) (not (free ?z))))

  (:action drop
    :parameters (?x ?y ?z)
    :precondition (and (ball ?x) (room ?y) (gripper ?z) (carry ?z ?x) (at-robby ?y))
    :effect (and (at-ball ?x ?y) (free ?z) (not (carry ?z ?x)))))
