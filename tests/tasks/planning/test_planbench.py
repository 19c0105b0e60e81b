"""Result files of PlanBench become runs. The fixtures are written in its format, with rules cut short."""

import json
import re
from pathlib import Path

import pytest

from harness.errors import DataError, HarnessError
from harness.pipeline.store import read_records
from harness.results.importing import import_file
from harness.tasks.planning.planbench import read

START = "As initial conditions I have that, the red block is clear, the hand is empty, the red block is on top of the "
START += "blue block and the blue block is on the table.\n"
GOAL = "My goal is to have that the blue block is on top of the red block."
EXAMPLE = "[STATEMENT]\nAs initial conditions I have that, the orange block is clear, the hand is empty and the orange "
EXAMPLE += (
    "block is on the table.\nMy goal is to have that the orange block is clear.\n\nMy plan is as follows:\n\n[PLAN]\n"
)
ONE_SHOT = f"Rules.\n\n{EXAMPLE}[PLAN END]\n\n[STATEMENT]\n{START}{GOAL}\n\nMy plan is as follows:\n\n[PLAN]"
RIGHT = "unstack the red block from on top of the blue block\nput down the red block\npick up the blue block\n"
RIGHT += "stack the blue block on top of the red block\n[PLAN END]"
TRUTH = "(unstack a b)\n(put-down a)\n(pick-up b)\n(stack b a)\n"

NAMES = {"clear": "q1", "ontable": "q2", "handempty": "q3", "holding": "q4", "on": "q5"}
STATED = """I am playing with a set of objects.

To perform a1 action, the following facts need to be true: q1 object_0, q2 object_0, and q3
Once a1 is performed the following facts will be true: q4 object_0
Once a1 is performed the following facts will be false: q1 object_0, q2 object_0, and q3
To perform a2 action, the following facts need to be true: q1 object_1, and q4 object_0
Once a2 is performed the following facts will be true: q3, q1 object_0, and q5 object_0 object_1
Once a2 is performed the following facts will be false: q1 object_1, and q4 object_0

[STATEMENT]
As initial conditions I have that, q1 object_0, q1 object_1, q2 object_0, q2 object_1 and q3.
My goal is to have that q5 object_0 object_1.

What is the plan to achieve my goal? Just give the actions in the plan."""

PDDL = """[DOMAIN]
(define (domain carry) (:predicates (AT ?x ?y) (near ?x)) (:action GO :parameters (?x ?y ?z)
 :precondition (at ?x ?y) :effect (and (not (at ?x ?y)) (at ?x ?z))))

[QUERY PROBLEM]
(define(problem p) (:domain carry) (:objects t a b) (:init (AT t a) (near a)) (:goal (and (at t b)))
)
)

[PLAN]"""


def row(query: str, response: str, correct: object = True, truth: str = TRUTH) -> dict:
    asked = {"instance_id": 7, "query": query, "ground_truth_plan": truth}
    return asked | {"llm_raw_response": response, "llm_correct": correct}


def file(tmp_path: Path, rows: list[dict], task: str = "task_1_plan_generation", domain: str = "blocksworld") -> Path:
    path = tmp_path / "gpt-4_chat" / f"{task}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"task": task, "prompt_type": "oneshot", "domain": domain, "instances": rows}))
    return path


def outcome(tmp_path: Path, *args: object, **kwargs: object) -> list[tuple[str, str, object]]:
    (made,) = import_file("planbench", file(tmp_path, *args, **kwargs), {}, tmp_path / "runs")  # type: ignore[arg-type]
    return [(r["condition"], r["outcome"], r["detail"].get("optimal")) for r in read_records(made.directory)]


def test_the_last_problem_of_a_prompt_is_asked_about_and_the_plan_is_executed(tmp_path: Path) -> None:
    rows = [row(ONE_SHOT, RIGHT), row(ONE_SHOT, "put down the red block", "False") | {"instance_id": 8}]
    assert outcome(tmp_path, rows) == [
        ("plan_generation/plain/nl/one_shot", "correct", True),
        ("plan_generation/plain/nl/one_shot", "wrong", None),
    ]


def test_verdicts_are_counted_against_those_of_the_file(tmp_path: Path) -> None:
    rows = [row(ONE_SHOT, RIGHT), row(ONE_SHOT, RIGHT, False) | {"instance_id": 8}]
    (made,) = import_file("planbench", file(tmp_path, rows), {}, tmp_path / "runs")
    assert (made.agree, made.judged, made.config.model) == (1, 2, "imported/gpt-4_chat")


def test_what_was_not_answered_is_left_out(tmp_path: Path) -> None:
    assert len(list(read(file(tmp_path, [row(ONE_SHOT, ""), row(ONE_SHOT, RIGHT)]), {}))) == 1


def test_mystery_prompts(tmp_path: Path) -> None:
    query = "[STATEMENT]\nAs initial conditions I have that, object a craves object b, harmony, planet object b and "
    query += "province object a.\nMy goal is to have that object b craves object a.\n\nWhat is the plan?"
    plan = "feast object a from object b\nsuccumb object a\nattack object b\novercome object b from object a"
    found = outcome(tmp_path, [row(query, plan)], "task_1_plan_generation_zero_shot", "mystery_blocksworld_3")
    assert found == [("plan_generation/mystery/nl", "correct", True)]


def test_a_domain_under_random_names_is_read_from_its_rules(tmp_path: Path) -> None:
    rows = [row(STATED, "A1 object_0\nA2 object_0 object_1", truth="(a1 o0)\n(a2 o0 o1)\n")]
    found = outcome(tmp_path, rows, "task_1_plan_generation_zero_shot", "obfuscated_randomized_blocksworld")
    assert found == [("plan_generation/random/nl", "correct", True)]


def test_pddl_prompts_with_a_parenthesis_too_many(tmp_path: Path) -> None:
    rows = [row(PDDL, "(GO t a b)", truth="(go t a b)\n; cost = 1")]
    found = outcome(tmp_path, rows, "task_1_plan_generation_zero_shot_pddl", "logistics")
    assert found == [("plan_generation/plain/pddl", "correct", True)]


def test_logistics_in_sentences(tmp_path: Path) -> None:
    query = (
        "[STATEMENT]\nAs initial conditions I have that, location_0_0 is an airport, airplane_0 is at location_0_0, "
    )
    query += "package_0 is at location_0_0, truck_0 is at location_0_0, location_0_0 is in the city city_0 and "
    query += "location_0_1 is in the city city_0.\nMy goal is to have that package_0 is at location_0_1.\n\n[PLAN]"
    plan = "load package_0 into truck_0 at location_0_0\ndrive truck_0 from location_0_0 to location_0_1 in city_0\n"
    plan += "unload package_0 from truck_0 at location_0_1"
    assert outcome(tmp_path, [row(query, plan, truth="")], domain="logistics")[0][1] == "correct"


@pytest.mark.parametrize(
    ("response", "right"),
    [
        ("The above plan is invalid. The following action at step 1 has unmet preconditions:\nstack the blue block on "
         "top of the red block\nThe unmet precondition is:\nthe hand is currently holding blue block", "correct"),
        ("The above plan is invalid. This is the unmet goal condition:\nthe blue block is on the red block", "wrong"),
        ("The above plan is valid.", "wrong"),
    ],
)  # fmt: skip
def test_verdicts_on_plans_in_their_words(tmp_path: Path, response: str, right: str) -> None:
    query = (
        f"Rules.\n\n[STATEMENT]\n{START}{GOAL} \nMy plan is as follows:\n\n[PLAN]\nstack the blue block on top of the "
    )
    query += "red block\n[PLAN END]\n\n[VERIFICATION]"
    found = outcome(tmp_path, [row(query, response, truth="The above plan is invalid.")], "task_3_plan_verification")
    assert found[0][:2] == ("plan_verification/plain/nl/one_shot", right)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "not a result file"),
        ("{", "not valid JSON"),
        ('{"domain": "blocksworld", "instances": []}', "can't be imported"),
        (json.dumps({"domain": "b", "task": "task_6_replanning", "instances": []}), "task_6"),
        (json.dumps({"domain": "blocksworld", "task": "task_1", "instances": [row("no problem", "x")]}), "instance 7"),
        (json.dumps({"domain": "blocksworld", "task": "task_1", "instances": []}), "no answers"),
        (json.dumps({"domain": "chess", "task": "task_1", "instances": [row(ONE_SHOT, "x")]}), "chess"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(HarnessError, match=re.escape(message)):
        import_file("planbench", path, {}, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_collected_aiw_responses_are_runs_of_each_model(tmp_path: Path) -> None:
    prompt = "Alice has 3 brothers and she also has 6 sisters. How many sisters does Alice's brother have? "
    prompt += 'Solve this problem and provide the final answer in following form: "### Answer: ".'
    rows = [
        {"model": m, "prompt": prompt, "model_response": f"### Answer: {a}", "right_answer": 7.0, "correct": a == 7}
        for m, a in (("x/one", 7), ("x/one", 6), ("two", 7))
    ]
    path = tmp_path / "collected.json"
    path.write_text(
        json.dumps([*rows, {"model": "two", "prompt": ["a", "b"], "model_response": "", "right_answer": "null"}])
    )
    made = import_file("aiw", path, {}, tmp_path / "runs")
    assert [(m.config.model, m.tally.contrasts.total.samples, m.agree, m.judged) for m in made] == [
        ("imported/x/one", 2, 2, 2),
        ("imported/two", 1, 1, 1),
    ]
    with pytest.raises(DataError):
        import_file("aiw", file(tmp_path, []), {}, tmp_path / "runs")


# Back-prompting -----------------------------------------------------------------------------------------------------


def dialogue(*plans: str, open_end: bool = False) -> list[dict]:
    turns = [{"role": "system", "content": "You plan."}, {"role": "user", "content": ONE_SHOT}]
    for plan in plans:
        turns += [{"role": "assistant", "content": plan}, {"role": "user", "content": "That plan is invalid."}]
    return turns if open_end else turns[:-1]


def backprompted(tmp_path: Path, rows: list[dict], task: str = "t1", domain: str = "blocksworld/generated_basic"):
    (made,) = import_file("planbench", file(tmp_path, rows, task, domain), {}, tmp_path / "runs")
    return made, list(read_records(made.directory))


def test_of_a_log_of_back_prompting_the_last_plan_is_scored_and_the_rounds_are_counted(tmp_path: Path) -> None:
    rows = [{"instance_id": 1, "messages": dialogue("put down the red block", RIGHT), "steps": 2, "correct": True}]
    rows += [{"instance_id": 2, "messages": dialogue(RIGHT, "put down the red block"), "steps": 2, "correct": False}]
    made, records = backprompted(tmp_path, rows)
    assert [(r["outcome"], r["calls"], r["aid"]) for r in records] == [
        ("correct", 2, "verifier"),
        ("wrong", 2, "verifier"),
    ]
    assert (made.agree, made.judged, made.config.strategy) == (2, 2, "backprompting")
    assert [turn["role"] for turn in records[0]["input"]] == ["system", "user"]


def test_a_critique_that_was_not_answered_leaves_the_plan_before_it(tmp_path: Path) -> None:
    _, records = backprompted(tmp_path, [{"instance_id": 1, "messages": dialogue(RIGHT, open_end=True)}])
    assert (records[0]["outcome"], records[0]["calls"]) == ("correct", 1)


def test_tokens_of_all_rounds_are_added_up_if_every_round_has_them(tmp_path: Path) -> None:
    used = [{"response_object": {"usage": {"prompt_tokens": 10 * n, "completion_tokens": n}}} for n in (1, 2)]
    row = {"messages": dialogue(RIGHT, RIGHT), "act_correct": True}
    rows = [row | {"instance_id": 1, "step_wise_dict": dict(zip("01", used, strict=True))}]
    rows += [row | {"instance_id": 2, "step_wise_dict": {"0": used[0], "1": {}}}]
    task = "task_1_plan_generation_backprompting_zero_shot"
    _, records = backprompted(tmp_path, rows, task, "blocksworld_new")
    assert [(r["prompt_tokens"], r["completion_tokens"]) for r in records] == [(30, 3), (None, None)]


def test_plans_that_a_verifier_helped_never_stand_in_one_row_with_others(tmp_path: Path, harness) -> None:
    backprompted(tmp_path, [{"instance_id": 1, "messages": dialogue(RIGHT), "correct": True}])
    import_file("planbench", file(tmp_path, [row(ONE_SHOT, RIGHT)]), {}, tmp_path / "runs")
    runs = sorted((tmp_path / "runs").iterdir())
    code, _, err = harness("table", *runs, "--by", "condition")
    assert (code, "would mix the strategy" in err) == (2, True)
    assert "backprompting (aid: verifier)" in harness("leaderboard", *runs)[1]


@pytest.mark.parametrize("messages", [7, [7], [{}], [{"role": "user"}], [{"role": "assistant", "content": "x"}]])
def test_a_dialogue_of_another_form_was_not_answered(tmp_path: Path, messages: object) -> None:
    with pytest.raises(DataError, match="no answers are in it"):
        backprompted(tmp_path, [{"instance_id": 1, "messages": messages}])
