; Logistics without types: trucks drive within a city, airplanes fly between airports. Names as in the planning
; competition of 2000, so that its problems (and PlanBench's) load.
(define (domain logistics)
  (:requirements :strips)
  (:predicates (package ?x) (truck ?x) (airplane ?x) (location ?x) (airport ?x) (city ?x)
               (in-city ?x ?y) (at ?x ?y) (in ?x ?y))

  (:action load-truck
    :parameters (?x ?y ?z)
    :precondition (and (package ?x) (truck ?y) (location ?z) (at ?y ?z) (at ?x ?z))
    :effect (and (in ?x ?y) (not (at ?x ?z))))

  (:action load-airplane
    :parameters (?x ?y ?z)
    :precondition (and (package ?x) (airplane ?y) (location ?z) (at ?y ?z) (at ?x ?z))
    :effect (and (in ?x ?y) (not (at ?x ?z))))

  (:action unload-truck
    :parameters (?x ?y ?z)
    :precondition (and (package ?x) (truck ?y) (location ?z) (at ?y ?z) (in ?x ?y))
    :effect (and (at ?x ?z) (not (in ?x ?y))))

  (:action unload-airplane
    :parameters (?x ?y ?z)
    :precondition (and (package ?x) (airplane ?y) (location ?z) (at ?y ?z) (in ?x ?y))
    :effect (and (at ?x ?z) (not (in ?x ?y))))

  (:action drive-truck
    :parameters (?x ?y ?z ?w)
    :precondition (and (truck ?x) (location ?y) (location ?z) (city ?w) (at ?x ?y) (in-city ?y ?w) (in-city ?z ?w))
    :effect (and (at ?x ?z) (not (at ?x ?y))))

  (:action fly-airplane
    :parameters (?x ?y ?z)
    :precondition (and (airplane ?x) (airport ?y) (airport ?z) (at ?x ?y))
    :effect (and (at ?x ?z) (not (at ?x ?y)))))
