; Jumping checkers on a row of cells: red ones go to the right and blue ones to the left, by a step into an empty cell or
; a jump over one checker of the other colour. Nothing goes back.
(define (domain checkers)
  (:requirements :strips :typing)
  (:types red-checker blue-checker - checker checker - object cell - object)
  (:predicates (at ?x - checker ?y - cell) (empty ?x - cell) (next ?x - cell ?y - cell))

  (:action slide-right
    :parameters (?x - red-checker ?f - cell ?t - cell)
    :precondition (and (at ?x ?f) (empty ?t) (next ?f ?t))
    :effect (and (at ?x ?t) (empty ?f) (not (at ?x ?f)) (not (empty ?t))))

  (:action slide-left
    :parameters (?x - blue-checker ?f - cell ?t - cell)
    :precondition (and (at ?x ?f) (empty ?t) (next ?t ?f))
    :effect (and (at ?x ?t) (empty ?f) (not (at ?x ?f)) (not (empty ?t))))

  (:action jump-right
    :parameters (?x - red-checker ?f - cell ?y - blue-checker ?m - cell ?t - cell)
    :precondition (and (at ?x ?f) (at ?y ?m) (empty ?t) (next ?f ?m) (next ?m ?t))
    :effect (and (at ?x ?t) (empty ?f) (not (at ?x ?f)) (not (empty ?t))))

  (:action jump-left
    :parameters (?x - blue-checker ?f - cell ?y - red-checker ?m - cell ?t - cell)
    :precondition (and (at ?x ?f) (at ?y ?m) (empty ?t) (next ?m ?f) (next ?t ?m))
    :effect (and (at ?x ?t) (empty ?f) (not (at ?x ?f)) (not (empty ?t)))))
