; Crossing a river in couples (the jealous husbands of Alcuin's problems, about 800): a client may be in the company of
; other people's agents only if the client's own agent is there too. The state after a crossing is looked at when the
; next one is to begin, so that a plan can't go through a state that is not allowed.
(define (domain river)
  (:requirements :adl :typing)
  (:types client agent - person person - object bank - object)
  (:predicates (at ?x - person ?y - bank) (boat ?x - bank) (across ?x - bank ?y - bank)
               (works-for ?x - agent ?y - client) (roomy))

  (:action cross-alone
    :parameters (?x - person ?f - bank ?t - bank)
    :precondition (and (at ?x ?f) (boat ?f) (across ?f ?t)
      (forall (?b - bank ?c - client ?g - agent ?h - agent)
        (imply (and (at ?c ?b) (at ?g ?b) (works-for ?h ?c)) (at ?h ?b))))
    :effect (and (at ?x ?t) (boat ?t) (not (at ?x ?f)) (not (boat ?f))))

  (:action cross-together
    :parameters (?x - person ?y - person ?f - bank ?t - bank)
    :precondition (and (at ?x ?f) (at ?y ?f) (boat ?f) (across ?f ?t) (not (= ?x ?y))
      (forall (?b - bank ?c - client ?g - agent ?h - agent)
        (imply (and (at ?c ?b) (at ?g ?b) (works-for ?h ?c)) (at ?h ?b))))
    :effect (and (at ?x ?t) (at ?y ?t) (boat ?t) (not (at ?x ?f)) (not (at ?y ?f)) (not (boat ?f))))

  (:action cross-three
    :parameters (?x - person ?y - person ?z - person ?f - bank ?t - bank)
    :precondition (and (at ?x ?f) (at ?y ?f) (at ?z ?f) (boat ?f) (across ?f ?t) (roomy)
      (not (= ?x ?y)) (not (= ?x ?z)) (not (= ?y ?z))
      (forall (?b - bank ?c - client ?g - agent ?h - agent)
        (imply (and (at ?c ?b) (at ?g ?b) (works-for ?h ?c)) (at ?h ?b))))
    :effect (and (at ?x ?t) (at ?y ?t) (at ?z ?t) (boat ?t)
      (not (at ?x ?f)) (not (at ?y ?f)) (not (at ?z ?f)) (not (boat ?f)))))
