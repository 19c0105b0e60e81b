"""Planning tasks: matched worlds, instances as asked for, and agreement with published verdicts."""

import itertools
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.errors import DataError, HarnessError, UsageError
from harness.options import build
from harness.pddl.parse import parse_problem
from harness.pddl_domains import mystery, plain, randomised, rename
from harness.tasks.planning import domains, puzzles, towers
from harness.tasks.planning.cases import ABILITIES
from harness.tasks.planning.domain_tasks import Blocksworld, Depots, Gripper, Logistics, Sokoban
from harness.tasks.planning.instances import compiled, from_problem, greedy, validator_of, wander
from harness.tasks.planning.puzzle_tasks import Checkers, Hanoi, River
from harness.tasks.planning.task import Planning
from harness.types import Outcome, Sample
from tests.corpora import drawn_and_whole, rows
from tests.planning_search import fewest_steps

DISAGREEMENTS = json.loads((Path(__file__).parent / "planbench_disagreements.json").read_text(encoding="utf-8"))
TASKS: dict[str, type[Planning]] = {
    t.name: t for t in (Blocksworld, Checkers, Depots, Gripper, Hanoi, Logistics, River, Sokoban)
}
DRAW = {
    "blocksworld": lambda rng: domains.blocksworld(rng, rng.randint(2, 5)),
    "checkers": lambda rng: puzzles.checkers(rng, rng.randint(1, 4)),
    "depots": lambda rng: domains.depots(rng, rng.randint(1, 3)),
    "gripper": lambda rng: domains.gripper(rng, rng.randint(1, 4)),
    "hanoi": lambda rng: puzzles.hanoi(rng, rng.randint(1, 5)),
    "logistics": lambda rng: domains.logistics(rng, rng.randint(1, 2)),
    "river": lambda rng: puzzles.river(rng, *rng.choice(((1, 2), (2, 2), (3, 2), (2, 3), (4, 3)))),
    "sokoban": lambda rng: domains.sokoban(rng, 1, 4, 4, 3),
}
PATTERNS = {
    "blocksworld": domains.blocksworld_pattern,
    "checkers": puzzles.checkers_pattern,
    "depots": domains.depots_pattern,
    "gripper": domains.gripper_pattern,
    "hanoi": puzzles.hanoi_pattern,
    "logistics": domains.logistics_pattern,
    "river": puzzles.river_pattern,
    "sokoban": domains.sokoban_pattern,
}


def samples(limit: int, seed: int = 0, domain: str = "blocksworld", **options: str) -> tuple[Planning, list[Sample]]:
    task = build(TASKS[domain], options, f"task {domain}")
    return task, list(itertools.islice(task.samples(seed), limit))


def answer(task: Planning, sample: Sample, kind: str) -> float | None:
    return task.score(sample.params, task.baseline(kind, sample, random.Random(sample.id + kind))).value


# Instances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", TASKS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=8, deadline=None)
def test_a_drawn_goal_can_be_reached(domain: str, seed: int) -> None:
    instance = DRAW[domain](random.Random(seed))
    assert fewest_steps(validator_of(plain(domain), instance), set(instance.goal)) is not None


@pytest.mark.parametrize("domain", TASKS)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_the_plan_of_a_pattern_is_valid(domain: str, seed: int, size: int) -> None:
    instance, plan = PATTERNS[domain](random.Random(seed), size)
    assert validator_of(plain(domain), instance).validate(plan).valid


def test_the_example_of_the_lecture_notes_is_the_pattern_with_four_balls() -> None:
    instance, plan = domains.gripper_pattern(random.Random(0), 4)
    assert len({fact[2] for fact in instance.init if fact[0] == "at-ball"}) == 1
    assert len(plan) == 11 == fewest_steps(validator_of(plain("gripper"), instance), set(instance.goal))


@given(st.integers(0, 2**31), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_the_search_for_towers_finds_the_fewest_steps(seed: int, blocks: int) -> None:
    instance = domains.blocksworld(random.Random(seed), blocks)
    validator = validator_of(plain("blocksworld"), instance)
    held = wander(random.Random(seed), validator, instance.init, 3)  # a block is in the hand after an odd number
    for start in (instance, instance.starting(validator.validate(held).state)):
        if start.solved():
            continue
        towers_there, in_hand = towers.from_facts(start.init)
        plan = towers.shortest(towers_there, start.goal, in_hand)
        there = validator_of(plain("blocksworld"), start)
        assert plan is not None
        assert there.validate(plan).valid
        assert len(plan) == fewest_steps(there, set(start.goal))


def test_configurations_are_drawn_uniformly() -> None:
    """Three blocks have 13 configurations; chi-square with 12 degrees of freedom, 32.9 is its 0.999 quantile."""
    rng = random.Random(1)
    counts = Counter(towers.draw(rng, "abc") for _ in range(13_000))
    assert len(counts) == 13
    assert sum((n - 1000) ** 2 / 1000 for n in counts.values()) < 32.9


@pytest.mark.parametrize("domain", TASKS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_validity_does_not_depend_on_names(domain: str, seed: int) -> None:
    rng = random.Random(seed)
    base, instance = plain(domain), DRAW[domain](rng)
    validator = validator_of(base, instance)
    plans = [greedy(validator, instance), wander(rng, validator, instance.init, 4)]
    plans += [(*plans[0], *plans[1]), plans[1][1:]]
    expected = [(v.valid, v.reason, v.step) for v in map(validator.validate, plans)]
    for world in (mystery(base), randomised(base, seed)):
        objects = world.other_objects(list(instance.objects), seed)
        there = compiled(world, world.rename(instance.pddl(base.domain.name), objects))
        names = {**world.names, **objects}
        renamed = [[tuple(names.get(term, term) for term in step) for step in plan] for plan in plans]
        assert [(v.valid, v.reason, v.step) for v in map(there.validate, renamed)] == expected


@pytest.mark.parametrize("domain", TASKS)
def test_applicable_steps_are_those_that_can_be_taken(domain: str) -> None:
    instance = DRAW[domain](random.Random(3))
    validator = validator_of(plain(domain), instance)
    names = list(instance.objects)
    possible = {
        (action.name, *arguments)
        for action in plain(domain).domain.actions.values()
        if len(names) ** len(action.parameters) < 50_000
        for arguments in itertools.product(names, repeat=len(action.parameters))
        if validator.apply(instance.init, (action.name, *arguments)) is not None
    }
    checked = {
        action.name for action in plain(domain).domain.actions.values() if len(names) ** len(action.parameters) < 50_000
    }
    assert {step for step in validator.applicable(instance.init) if step[0] in checked} == possible


# Samples ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", TASKS)
def test_the_default_set_needs_no_planner_and_its_oracle_is_optimal(domain: str, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "unified_planning", None)
    task, made = samples(30, domain=domain, prompt="nl,pddl")
    for sample in made:
        score = task.score(sample.params, task.baseline("oracle", sample, random.Random(0)))
        assert (score.value, score.detail["optimal"]) == (1, True)


def test_a_group_is_one_instance_under_other_names() -> None:
    _, made = samples(60)
    back = {used: name for name, used in mystery(plain("blocksworld")).names.items()}
    for _, group in itertools.groupby(made, key=lambda s: s.group):
        rows = list(group)
        assert [s.condition for s in rows] == [
            f"plan_generation/{world}/nl" for world in ("plain", "mystery", "random")
        ]
        assert len({s.params["optimal_cost"] for s in rows}) == 1
        assert len({len(s.messages[0].content.splitlines()) for s in rows}) == 1
        assert parse_problem(
            rename(str(rows[1].params["problem"]), back), plain("blocksworld").domain
        ) == parse_problem(
            str(rows[0].params["problem"]).replace("unnamed", "blocksworld"), plain("blocksworld").domain
        )


def test_no_instance_comes_twice_and_a_small_world_ends() -> None:
    _, made = samples(1000, blocks="2", rename="plain", solvable="yes")
    problems = [s.params["problem"] for s in made]
    assert len(set(problems)) == len(problems) == 6 - 2  # three configurations, two goals, less those that hold


@pytest.mark.parametrize("length", ["4", "8-10"])
def test_the_length_of_the_shortest_plan_is_as_asked(length: str) -> None:
    _, made = samples(30, length=length, rename="plain")
    low, _, high = length.partition("-")
    assert {int(str(s.params["optimal_cost"])) for s in made} <= set(range(int(low), int(high or low) + 1))
    assert len(made) == 30


def test_the_goal_is_never_true_at_the_start_unless_asked_for() -> None:
    for trivial, expected in (("false", False), ("true", True)):
        _, made = samples(120, rename="plain", trivial=trivial, blocks="3")
        solved = [compiled(plain("blocksworld"), str(s.params["problem"])).validate([]).valid for s in made]
        assert any(solved) == expected


def test_where_no_plan_exists_saying_so_is_right_and_nothing_else_is() -> None:
    task, made = samples(60, solvable="yes,no", rename="plain,mystery")
    assert {s.condition.count("unsolvable") for s in made} == {0, 1}
    for sample in made:
        assert '"no plan exists"' in sample.messages[0].content
        assert answer(task, sample, "oracle") == 1
        gives_up = task.score(sample.params, "I think that no plan exists.")
        assert gives_up.value == float(sample.params["solvable"] == "no")
        if sample.params["solvable"] == "no" and sample.params["world"] == "plain":
            validator = compiled(plain("blocksworld"), str(sample.params["problem"]))
            goal = set(from_problem(validator.problem, "").goal)
            assert fewest_steps(validator, goal) is None


def test_an_example_in_the_names_of_the_sample_stands_before_it() -> None:
    for style in ("one_shot", "state_tracking"):
        task, made = samples(12, style=style, prompt="nl,pddl")
        for sample in made:
            assert answer(task, sample, "oracle") == 1
            text = sample.messages[0].content
            assert text.count("Plan:") >= 1
            if sample.params["world"] != "plain":
                assert "block" not in text.replace("blocks4", "")


def test_a_tracked_plan_is_read_from_an_answer_in_the_same_form() -> None:
    task, made = samples(6, style="state_tracking", rename="plain", ability="plan_optimality")
    for sample in made:
        text = sample.messages[0].content
        example = text[text.index("Facts 1:") : text.index("Here is another problem")]
        assert task.score(sample.params, example).outcome is Outcome.WRONG  # a plan, though for another problem


def test_few_shot_examples_are_in_the_names_and_about_the_ability_of_the_sample() -> None:
    task, made = samples(
        12, ability="plan_generation,plan_verification", rename="plain,mystery,random", prompt="nl,pddl"
    )
    for sample in made[:12]:
        for shot in itertools.islice(task.examples(sample, random.Random(0)), 2):
            assert ("Answer: " in shot.answer) == (sample.params["ability"] == "plan_verification")
            rules = sample.messages[-1].content.split("\n\n")[1]
            assert rules in shot.prompt, "the actions have the sample's own names"
            assert shot.prompt not in sample.messages[-1].content


def test_few_shot_examples_are_the_same_instances_in_every_world() -> None:
    task, made = samples(3, rename="plain,mystery,random")
    lengths = [
        [len(e.answer.splitlines()) for e in itertools.islice(task.examples(s, random.Random(3)), 4)] for s in made
    ]
    assert lengths[0] == lengths[1] == lengths[2]
    assert all(task.examples(s, random.Random(3)) for s in made)


def test_a_folder_s_instances_have_no_few_shot_examples(tmp_path: Path) -> None:
    task, made = samples(1, instances=folder(tmp_path, p1_pddl=P1))
    with pytest.raises(UsageError, match="folder"):
        next(iter(task.examples(made[0], random.Random(0))))


# Users' own files -------------------------------------------------------------------------------------------------


def folder(tmp_path: Path, **files: str) -> str:
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return str(tmp_path)


P1 = """(define (problem p) (:domain blocksworld) (:objects a b)
  (:init (handempty) (ontable a) (ontable b) (clear a) (clear b)) (:goal (and (on a b))))"""


def test_problems_in_a_folder_are_asked_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    where = folder(tmp_path, p10_pddl=P1.replace("(on a b)", "(on b a)"), p2_pddl=P1)
    task, made = samples(9, instances=where)
    assert [s.group for s in made] == ["p2"] * 3 + ["p10"] * 3
    assert task.limit == 6
    assert all(answer(task, s, "oracle") == 1 for s in made)


def test_a_folder_may_bring_its_own_domain(tmp_path: Path) -> None:
    domain = plain("blocksworld").pddl.replace("blocksworld", "tables")
    where = folder(
        tmp_path,
        domain_pddl=domain,
        p1_pddl=P1.replace("blocksworld", "tables"),
        wording_yaml="actions:\n  stack: lay {0} over {1}",
    )
    monkey = build(Blocksworld, {"instances": where}, "task")
    validator = compiled(monkey.base, P1.replace("blocksworld", "tables"))
    assert monkey.base.sentence(("stack", "a", "b")) == "lay a over b"
    assert validator.validate([("pick-up", "a"), ("stack", "a", "b")]).valid


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no .pddl problems"),
        ({"p1_pddl": "(define"}, "p1.pddl"),
        ({"p1_pddl": P1.replace("(on a b)", "(or (on a b) (on b a))")}, "must be a list of facts"),
        ({"p1_pddl": P1, "domain_pddl": "(define (domain"}, "never closed"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        samples(1, instances=folder(tmp_path, **files))


def answer_text(task: Planning, sample: Sample) -> str:
    return task.baseline("oracle", sample, random.Random(0))


# Scores -----------------------------------------------------------------------------------------------------------


def test_the_verdict_says_what_was_wrong() -> None:
    task, (sample, *_) = samples(1)
    score = task.score(sample.params, "1. Put down the red block")
    assert (score.outcome, score.detail["reason"], score.detail["step"]) == (Outcome.WRONG, "precondition", 1)
    assert score.detail["missing"] == ["(holding a)"]


def test_a_cut_plan_is_truncated_unless_it_was_complete() -> None:
    task, (sample, *_) = samples(1)
    plan = answer_text(task, sample)
    cut = ["Let me think", plan, f"```\n{plan}", plan[:-4], f"{plan}\n\nWait, this does not work. Let me try"]
    whole = [f"```\n{plan}\n```", f"[PLAN]\n{plan}\n[PLAN END]", f"{plan}\n\nThis rea"]
    assert [task.score(sample.params, text, "length").outcome for text in cut] == [Outcome.TRUNCATED] * len(cut)
    assert [task.score(sample.params, text, "length").outcome for text in whole] == [Outcome.CORRECT] * len(whole)


def test_a_cut_plan_that_goes_round_in_circles_is_no_plan() -> None:
    task, (sample, *_) = samples(1)
    text = "\n".join(f"{i}. Pick up the red block" for i in range(1, 90))
    score = task.score(sample.params, text, "length")
    assert (score.outcome, score.detail["reason"]) == (Outcome.UNPARSED, "loop")


@pytest.mark.parametrize(
    "options",
    [
        {"rename": "plane"},
        {"prompt": "german"},
        {"blocks": "1"},
        {"blocks": "13"},
        {"rename": ""},
        {"length": "4-"},
        {"length": "x"},
        {"ability": "juggling"},
        {"style": "one_shot", "ability": "replanning"},
        {"solvable": "no", "ability": "plan_optimality"},
        {"solvable": "yes,no", "ability": "landmarks"},
        {"instances": "here", "blocks": "5"},
        {"instances": "/nowhere"},
    ],
)
def test_wrong_options_are_explained(options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        samples(1, **options)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"domain": "chess"},
        {"domain": "blocksworld"},
        {"domain": "blocksworld", "problem": "("},
        {"domain": "random_blocksworld", "problem": ""},
        {"domain": "own", "problem": ""},
        {"domain": "blocksworld", "problem": P1, "ability": "plan_verification", "plan": "nonsense"},
        {"domain": "blocksworld", "problem": P1, "ability": "plan_optimality"},
    ],
)
def test_params_that_are_no_problem_are_data_errors(params) -> None:
    with pytest.raises(DataError):
        Blocksworld().score(params, "1. pick up the red block\n2. stack the red block on the blue block")


@given(st.text(max_size=300), st.sampled_from(sorted(ABILITIES)))
@settings(max_examples=200, deadline=None)
def test_any_response_gets_an_outcome(text: str, ability: str) -> None:
    params = {"domain": "blocksworld", "problem": P1, "ability": ability, "plan": "(pick-up a)", "optimal_cost": 2}
    assert Blocksworld().score(params, text).outcome in Outcome


TWO_TOWERS = """(define (problem p) (:domain blocksworld-4ops) (:objects a b c d)
  (:init (handempty) (ontable a) (on b a) (ontable c) (ontable d) (clear b) (clear c) (clear d))
  (:goal (and (on a b) (on c d))))"""
RESPONSES = [json.loads(line) for line in (Path(__file__).parent / "plan_responses.jsonl").open(encoding="utf-8")]


@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: row["response"][:40])
def test_plans_as_models_write_them(row: dict) -> None:
    """The same plan in prose, tables, JSON, with pronouns and remarks, corrected; and others that must not count."""
    score = Blocksworld().score({"domain": "blocksworld", "problem": TWO_TOWERS}, row["response"])
    assert score.outcome.value in row["outcome"], score.detail


def forms(target: str) -> dict[str, str]:
    """The same plan as models write plans, from its numbered list."""
    steps = [line.partition(". ")[2] for line in target.split("\n")]
    low = [step[:1].lower() + step[1:] for step in steps]
    pairs = [" and then ".join(low[i : i + 2]) for i in range(0, len(low), 2)]
    numbered = list(enumerate(steps, 1))
    return {
        "prose": "First, I " + ". Then I ".join(low) + ". This reaches the goal.",
        "one sentence": ", then ".join(low) + ".",
        "dashes": "\n".join(f"Step {i} - {step}" for i, step in numbered),
        "bold, explained": "\n".join(f"{i}. **{step}**\n   - this has to be done" for i, step in numbered),
        "table": "| Step | Action |\n|---|---|\n" + "\n".join(f"| {i} | {step} |" for i, step in numbered),
        "json": f"```json\n{json.dumps({'plan': steps})}\n```",
        "answer": "Let me see.\n\nAnswer: " + "; ".join(low),
        "robot": "\n".join(f"{i}. The robot will {step}." for i, step in enumerate(low, 1)),
        "remarks": "\n".join(f"{i}. {step} → done" for i, step in numbered),
        "twice": f"{target}\n\nFinal plan:\n{target}",
        "pairs": "\n".join(f"{i}. {pair}." for i, pair in enumerate(pairs, 1)),
        "upper case": "\n".join(step.upper() for step in steps),
    }


@pytest.mark.parametrize("task", [kind() for kind in TASKS.values()], ids=lambda t: t.name)
def test_a_plan_reads_alike_in_every_form(task: Planning) -> None:
    """Right plans and wanderings, in all worlds."""
    for number, sample in enumerate(itertools.islice(task.samples(3 if task.name == "blocksworld" else 0), 12)):
        text = task.baseline("random" if number % 2 else "oracle", sample, random.Random(number))
        plan = task.score(sample.params, text)
        assert plan.answer
        for name, form in forms(text).items():
            assert task.score(sample.params, form).answer == plan.answer, (name, form)


@drawn_and_whole
def test_published_verdicts_are_met_but_for_those_looked_at(corpora: Path) -> None:
    """Each entry of the list says whose reading differs and how."""
    found = {}
    for row in rows("planbench", corpora):
        ours = Blocksworld().score(row["params"], row["response"]).outcome is Outcome.CORRECT
        if ours != row["expect"]["correct"]:
            found[row["model"], row["params"]["domain"], row["params"]["instance"]] = ours
    listed = {(d["model"], d["domain"], d["instance"]): d["ours"] for d in DISAGREEMENTS}
    assert found == listed
    assert all(d["why"] for d in DISAGREEMENTS)


@pytest.mark.parametrize("label", ["Answer: ", "**Answer:** ", "Plan: ", "The plan is: ", "Here is my plan: "])
@pytest.mark.parametrize("name", ["blocksworld", "hanoi", "gripper"])
def test_the_first_step_may_stand_behind_a_label(name: str, label: str) -> None:
    """It was lost: the plan began with its second step, and was wrong."""
    task = plugins.task(name, {"rename": "plain"})
    sample = next(iter(task.samples(0)))
    plan = task.baseline("oracle", sample, random.Random(0))
    assert plan.startswith("1. ")
    for written in (plan, plan.replace(". ", ") ")):
        assert task.score(sample.params, label + written).outcome == "correct", written
