"""The atomic abilities: exact answers, as many yes as no, and twins that look alike to a shallow reader."""

import itertools
import os
import random
import subprocess
import sys
from collections import Counter

import pytest
from atomic import glimpsed
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import launch, plugins
from harness.errors import AidError, DataError, UsageError
from harness.pddl_domains import SHIPPED, plain
from harness.pipeline.config import RunConfig
from harness.tasks.planning import atomic, space
from harness.tasks.planning.asking import question_of
from harness.tasks.planning.atomic import ATOMIC, Asked
from harness.tasks.planning.domain_tasks import Blocksworld
from harness.tasks.planning.instances import after, validator_of
from harness.types import Outcome, Sample
from tests.planning_search import relaxed, states, truth
from tests.tasks.planning.test_task import DRAW, answer, samples

UNFIT = {("gripper", "landmarks")}
"""No fact must come about in gripper, which has two hands."""
ASKED = [
    (d, a)
    for d in ("blocksworld", "checkers", "gripper", "hanoi", "river", "sokoban")
    for a in ATOMIC
    if (d, a) not in UNFIT
]


@pytest.mark.parametrize(("domain", "ability"), ASKED)
def test_the_answer_is_true_in_the_names_of_every_world(domain: str, ability: str) -> None:
    """By other code, from the params alone."""
    _, made = samples(12, domain=domain, ability=ability)
    assert [truth(s.params) for s in made] == [s.params["answer"] == "yes" for s in made]


@pytest.mark.parametrize("domain", SHIPPED)
def test_half_of_the_answers_are_yes_in_every_condition_and_the_oracle_is_right(domain: str) -> None:
    abilities = [a for a in ATOMIC if (domain, a) not in UNFIT and (domain, a) != ("river", "landmarks")]
    task, made = samples(36 * len(abilities), domain=domain, ability=",".join(abilities), prompt="nl,pddl")
    answers = Counter((s.group, s.condition, s.params["answer"]) for s in made)
    assert set(answers.values()) == {1}
    assert len(answers) == 2 * len({(s.group, s.condition) for s in made})
    assert {answer(task, s, "oracle") for s in made} == {1.0}
    assert len({s.id for s in made}) == len(made)


def test_which_of_the_two_comes_first_says_nothing_and_is_the_same_in_every_world() -> None:
    _, made = samples(360, ability="progression")
    first = {s.group: s.params["answer"] for s in made if s.id.endswith("/1")}
    assert 15 < list(first.values()).count("yes") < 45
    assert all(s.params["answer"] == first[s.group] for s in made if s.id.endswith("/1"))


def twins(ability: str, domain: str = "blocksworld", limit: int = 120) -> list[tuple[Sample, Sample]]:
    made = samples(limit, domain=domain, ability=ability, rename="plain")[1]
    groups = [tuple(group) for _, group in itertools.groupby(made, key=lambda s: s.group)]
    return [(a, b) if a.params["answer"] == "yes" else (b, a) for a, b in groups]


@pytest.mark.parametrize("ability", ["progression", "reachability", "action_reachability", "validation", "landmarks"])
@pytest.mark.parametrize("domain", ["blocksworld", "logistics"])
def test_a_reader_who_looks_at_the_start_and_at_names_gets_one_of_each_two_right(domain: str, ability: str) -> None:
    task = plugins.task(domain, {})
    for yes, no in twins(ability, domain, 60):
        assert answer(task, yes, "shallow") != answer(task, no, "shallow")


@pytest.mark.parametrize(("ability", "floor"), [("applicability", 0.9), ("justification", 0.53), ("next_action", 0.53)])
def test_the_floors_of_the_other_abilities_are_as_the_readme_says(ability: str, floor: float) -> None:
    task, made = samples(200, ability=ability, rename="plain")
    assert sum(answer(task, s, "shallow") or 0 for s in made) / len(made) < floor


@pytest.mark.parametrize("ability", ["applicability", "validation", "justification", "landmarks", "next_action"])
@pytest.mark.parametrize("domain", ["blocksworld", "gripper", "hanoi", "logistics", "sokoban"])
def test_what_can_be_seen_at_a_glance_says_nothing_of_the_answer(domain: str, ability: str) -> None:
    """The name of an action, a last step that makes a fact of the goal true, two steps that take each other back, what
    the goal wants of an object."""
    if (domain, ability) not in UNFIT:
        assert glimpsed(samples(100, domain=domain, ability=ability, rename="plain")[1])[0] < 0.55


@pytest.mark.parametrize(
    ("domain", "most"), [("blocksworld", 0.8), ("gripper", 0.8), ("hanoi", 0.9), ("logistics", 0.75)]
)
def test_no_other_glimpse_tells_which_steps_can_be_left_out(domain: str, most: float) -> None:
    """That they follow each other, what they are called, where they stand: see the figures of the README."""
    assert max(glimpsed(samples(160, domain=domain, ability="justification", rename="plain")[1])) < most


def test_what_is_left_out_of_blocksworld_s_plans_often_is_no_there_and_back() -> None:
    """Two steps that follow each other and take each other back can always be left out: nothing has to be thought of
    to see it."""
    idle = 0
    for yes, no in twins("justification"):
        asked = [question_of(s.params) for s in (yes, no)]
        assert asked[0].plan == asked[1].plan
        one, two = ([q.plan[i - 1] for i in q.steps or ()] for q in asked)
        assert len(set(one)) == len(set(two))
        idle += one[0][0] in ("stack", "put-down") or one[0][1:] == one[1][1:]
    assert idle < 40


def test_the_last_step_of_a_plan_that_fails_makes_a_fact_of_the_goal_true_too() -> None:
    for pair in twins("validation"):
        for asked in (question_of(s.params) for s in pair):
            assert asked.plan[-1] in [("stack", *fact[1:]) for fact in asked.problem.goal]


def test_a_first_step_and_one_that_is_none_have_the_same_name() -> None:
    for pair in twins("next_action"):
        assert len({(question_of(s.params).action or ())[0] for s in pair}) == 1


# What is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["depots", "hanoi", "checkers"])
def test_atomic_prompts_leave_nothing_to_guess(domain: str) -> None:
    for sample in samples(60, domain=domain, ability="progression,applicability")[1]:
        text = sample.messages[0].content
        rules, _, rest = text.partition("\n\nWhat an action does not mention stays as it is. ")
        assert "Every" not in rules
        assert "no longer true that" not in rules
        assert "At the start exactly these facts are true, and no others:\n- " in rest
        assert ("Kinds:\n- Every" in rest) == (domain != "checkers")
        assert "-checker" not in text


def test_a_step_from_a_place_to_itself_is_carried_out_as_the_prompt_says() -> None:
    """The fact that it deletes and adds is true afterwards; such steps are in the plans that are asked about."""
    base = plain("gripper")
    idle = 0
    for sample in samples(120, domain="gripper", ability="progression", rename="plain")[1]:
        asked = question_of(sample.params)
        validator, state = validator_of(base, asked.problem), asked.problem.init
        for step in asked.plan:
            state = after(validator, state, [step])
            idle += step[0] == "move" and step[1] == step[2]
            assert step[0] != "move" or ("at-robby", step[2]) in state
        assert "is true afterwards, even if the action also says that it is no longer" in sample.messages[0].content
    assert idle > 0


def test_the_two_ways_to_slide_have_names_of_their_own() -> None:
    world = plain("checkers")
    steps = [("slide-right", "red1", "cell1", "cell2"), ("slide-left", "blue1", "cell2", "cell1")]
    said = [world.sentence(step) for step in steps]
    assert said == ["slide to the right with red checker 1 from cell 1 to cell 2",
                    "slide to the left with blue checker 1 from cell 2 to cell 1"]  # fmt: skip


def test_both_facts_of_a_progression_were_true_or_neither_was() -> None:
    for pair in twins("progression"):
        asked = [question_of(s.params) for s in pair]
        assert len({q.problem.init.issuperset(q.facts) for q in asked}) == 1
        assert asked[0].plan == asked[1].plan
        assert asked[0].facts[0][0] == asked[1].facts[0][0]


def test_an_action_that_can_not_be_taken_has_the_name_of_one_that_can_and_lacks_one_condition() -> None:
    lacking = []
    for yes, no in twins("applicability"):
        one, two = question_of(yes.params), question_of(no.params)
        assert one.action is not None
        assert two.action is not None
        assert one.action[0] == two.action[0]
        lacking.append(len(validator_of(plain("blocksworld"), two.problem).lacking(two.problem.init, two.action)))
    assert lacking.count(1) > 0.6 * len(lacking)


def test_a_plan_that_fails_is_as_long_as_one_that_works() -> None:
    for yes, no in twins("validation"):
        assert len(question_of(yes.params).plan) == len(question_of(no.params).plan)


# Two ways to the same answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", [d for d in SHIPPED if d != "river"])
@given(seed=st.integers(0, 2**31))
@settings(max_examples=4, deadline=None)
def test_the_delete_relaxation_agrees_where_it_must(domain: str, seed: int) -> None:
    """What can come about can if nothing is ever made false. What must come about even then, must."""
    instance = DRAW[domain](random.Random(seed))
    validator = validator_of(plain(domain), instance)
    found = space.explored(validator, instance.init)
    assert found is not None
    assert found.facts.keys() <= relaxed(validator, instance.init)
    changing = [f for f in found.facts if f[0] in validator.changing and f not in instance.init]
    for fact in random.Random(seed).sample(sorted(changing), min(len(changing), 8)):
        if not relaxed(validator, instance.init, frozenset({fact})).issuperset(instance.goal):
            assert fact in found.landmarks(0, instance.goal)


@pytest.mark.parametrize("domain", SHIPPED)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=3, deadline=None)
def test_all_states_are_found_with_their_steps(domain: str, seed: int) -> None:
    instance = DRAW[domain](random.Random(seed))
    validator = validator_of(plain(domain), instance)
    found = space.explored(validator, instance.init)
    assert found is not None
    assert set(found.states) == set(states(validator, instance.init))
    for i in random.Random(seed).sample(range(len(found.states)), min(len(found.states), 10)):
        assert sorted(step for step, _ in found.steps[i]) == sorted(validator.applicable(found.states[i]))
        assert all(validator.apply(found.states[i], step) == found.states[j] for step, j in found.steps[i])


def test_a_space_is_shared_by_the_problems_whose_states_it_holds() -> None:
    spaces = space.Spaces()
    base = plain("blocksworld")
    validators = [validator_of(base, DRAW["blocksworld"](random.Random(7))) for _ in range(2)]
    assert spaces.of(base.pddl, validators[0]) is spaces.of(base.pddl, validators[1])
    swapped = [validator_of(plain("checkers"), DRAW["checkers"](random.Random(i))) for i in range(12)]
    for validator in swapped:
        found = spaces.of(plain("checkers").pddl, validator)
        assert found is not None
        assert set(found.states) == set(states(validator, validator.problem.init))


ABOUT = """
from itertools import islice
from harness import plugins
for domain in ("gripper", "hanoi"):
    print(list(islice(plugins.task(domain, {"ability": "applicability,next_action"}).samples(3), 24)))
"""


def test_questions_are_the_same_in_every_process() -> None:
    """Sets are gone through in another order in each process; a run that is resumed must ask the same again."""
    said = set()
    for seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-P", "-c", ABOUT]
        said.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(said) == 1
    assert b"next_action" in said.pop()


def test_questions_do_not_depend_on_what_was_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems with the same objects share a space, which whoever came first has explored."""
    asked = []
    for before in (0, 1, 2):
        monkeypatch.setattr(atomic, "SPACES", space.Spaces())
        for seed in range(before):
            samples(2, ability="applicability", seed=seed + 7)
        asked.append(samples(12, ability="landmarks,next_action,applicability")[1])
    assert asked[0] == asked[1] == asked[2]


# What is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("domain", "ability"), sorted(UNFIT))
def test_what_does_not_fit_a_domain_is_said(domain: str, ability: str) -> None:
    with pytest.raises(UsageError, match=ability):
        samples(1, domain=domain, ability=ability)


def test_an_instance_with_too_many_states_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "explored", lambda validator, start: None)
    monkeypatch.setattr(atomic, "SPACES", space.Spaces())
    with pytest.raises(UsageError, match="states"):
        samples(1, ability="reachability")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("Answer: yes", "correct"), ("**Answer:** No.", "wrong"), ("No, wait. The answer is yes.", "correct"),
     ("yes and no", "unparsed"), ("I like blocks.", "unparsed"), ("I'm sorry, but I can't help with that.", "refused")],
)  # fmt: skip
def test_a_verdict_is_read_as_yes_or_no(text: str, outcome: str) -> None:
    params = {"domain": "blocksworld", "ability": "landmarks", "answer": "yes"}
    assert Blocksworld().score(params, text).outcome.value == outcome


@given(st.text(max_size=300), st.sampled_from(sorted(ATOMIC)))
@settings(max_examples=100, deadline=None)
def test_any_text_gets_an_outcome(text: str, ability: str) -> None:
    assert Blocksworld().score({"domain": "blocksworld", "ability": ability, "answer": "no"}, text).outcome in Outcome
    with pytest.raises(DataError):
        Blocksworld().score({"domain": "blocksworld", "ability": ability}, text)


def test_few_shot_examples_ask_the_same_and_are_answered() -> None:
    task, made = samples(12, ability="progression,landmarks", rename="mystery", prompt="nl,pddl")
    for sample in made:
        for shot in itertools.islice(task.examples(sample, random.Random(0)), 3):
            assert shot.answer in ("Answer: yes", "Answer: no")
            assert shot.prompt.split("\n\n")[0] == sample.messages[0].content.split("\n\n")[0]


def test_a_verdict_s_feedback_takes_the_answer_key() -> None:
    """Right or wrong, on a question of yes or no, is the answer: a verifier's aid does not get it."""
    aids = {a: plugins.task("blocksworld", {"ability": a}).feedback_aid
            for a in ("plan_generation", "plan_execution", "plan_verification", "landmarks", "all")}  # fmt: skip
    assert aids == {"plan_generation": "verifier", "plan_execution": "verifier", "plan_verification": "oracle",
                    "landmarks": "oracle", "all": "oracle"}  # fmt: skip


@pytest.mark.parametrize("ability", ["plan_verification", "landmarks"])
def test_llm_modulo_is_refused_where_its_feedback_would_be_the_answer(ability: str, tmp_path) -> None:
    options = {"ability": ability}
    config = RunConfig("blocksworld", "baseline/shallow", task_options=options, strategy="llm-modulo", limit=2)
    with pytest.raises(AidError, match="declares the aid"):
        launch.start(config, tmp_path)


def test_instances_keep_their_own_states_apart() -> None:
    """Two Sokoban rooms have other walls, so no states in common."""
    asked = [Asked(random.Random(i), DRAW["sokoban"](random.Random(i)), (), plain("sokoban")) for i in range(2)]
    assert not set(asked[0].space.states) & set(asked[1].space.states)


def test_a_shallow_reader_answers_alike_in_every_world() -> None:
    task, made = samples(240, ability="atomic")
    by_question: dict[tuple[str, str, str], set[str]] = {}
    for s in made:
        key = (s.group, str(s.params["ability"]), s.id[-1])
        by_question.setdefault(key, set()).add(task.baseline("shallow", s, random.Random(0)))
    assert {len(answers) for answers in by_question.values()} == {1}


@pytest.mark.parametrize(("domain", "ability"), sorted(UNFIT))
def test_atomic_leaves_out_what_a_domain_lacks_and_the_ability_by_name_is_refused(domain: str, ability: str) -> None:
    limit = 2 * (len(ATOMIC) - 1)
    _, made = samples(limit, domain=domain, ability="atomic", rename="plain")
    assert {s.params["ability"] for s in made} == set(ATOMIC) - {ability}
    with pytest.raises(UsageError, match=f"there is no {ability}") as error:
        samples(1, domain=domain, ability=f"validation,{ability}")
    assert "progression" in error.value.hint


@pytest.mark.parametrize("ability", [[], 7, {}])
def test_an_ability_of_another_form_is_an_error(ability: object) -> None:
    task, (sample,) = samples(1)
    with pytest.raises(DataError, match=r"params\.ability"):
        task.score({**sample.params, "ability": ability}, "yes")
    with pytest.raises(DataError, match=r"params\.ability"):
        task.feedback({**sample.params, "ability": ability}, "", "verdict")
    assert task.steps({**sample.params, "ability": ability}, "", 1) is None
    assert task.judge({**sample.params, "ability": ability}, "") is None
