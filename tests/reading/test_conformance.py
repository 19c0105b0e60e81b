"""What becomes of a response is the same in every installed task; and no style is read otherwise in one condition.

Each task says only what an answer looks like (`sample.target`); the cases are the same text for all.
"""

import itertools
import random

import pytest
from click.testing import CliRunner

from harness import plugins
from harness.cli import cli
from harness.reading.styles import styles_for
from harness.reading.values import sentences
from harness.results import evenness
from harness.types import Outcome, Sample, StopReason, Task
from tests.tasks import test_help

TASKS = sorted(plugins.installed("tasks"))

CASES: dict[str, tuple[str, StopReason, str]] = {
    "cut before the answer": ("Let me think about this step by step. First", "length", "truncated"),
    "cut after a marked answer": ("**Final answer:**\n{answer}\n\nTo see why, note that the fir", "length", "correct"),
    "cut in a list": ("**Final answer:**\n{half}", "length", "truncated"),
    "refusal": ("I'm sorry, but I can't help with that.", "stop", "refused"),
    "refusal of an AI": ("As an AI language model, I am unable to help with this request.", "stop", "refused"),
    "cut refusal": ("I'm sorry, but I can't help with", "length", "refused"),
    "filter": ("Let me", "content_filter", "refused"),
    "filter after an answer": ("**Final answer:**\n{answer}", "content_filter", "refused"),
    "taken back": ("**Final answer:**\n{answer}\n\nWait, that is wrong.", "stop", "unparsed"),
    "taken back and corrected": (
        "**Final answer:**\n{wrong}\n\nWait, that is wrong.\n\n**Final answer:**\n{answer}",
        "stop",
        "correct",
    ),
    "corrected for the worse": (
        "**Final answer:**\n{answer}\n\nWait, that is wrong.\n\n**Final answer:**\n{wrong}",
        "stop",
        "wrong",
    ),
    "two candidates": ("It is one of these two.\n\nOption A:\n{answer}\n\nOption B:\n{wrong}", "stop", "unparsed"),
    "run on to another question": (
        "**Final answer:**\n{answer}\n\nQuestion: And another one?\nAnswer:\n{wrong}",
        "stop",
        "correct",
    ),
    "run on to the next turn": (
        "**Final answer:**\n{answer}\n\nUser: Another one.\n\nAssistant:\n{wrong}",
        "stop",
        "correct",
    ),
    "loop": ("Let me look at this from the start again. " * 60, "length", "unparsed"),
    "loop of a few words": ("and then " * 400, "length", "unparsed"),
    "loop after a final answer": (
        "**Final answer:**\n{answer}\n\n" + "I hope this helps you. " * 60,
        "length",
        "correct",
    ),
    "empty": ("", "stop", "unparsed"),
    "blank": (" \n\n\t", "stop", "unparsed"),
    "empty and cut": ("", "length", "truncated"),
    "template tokens": ("<|im_start|>assistant\n{answer}<|im_end|><|endoftext|>", "stop", "correct"),
    "template tokens of others": ("<start_of_turn>model\n{answer}<end_of_turn>\n<eos>", "stop", "correct"),
    "thinking": ("<think>\n{wrong}\n</think>\n\n{answer}", "stop", "correct"),
    "thinking never closed": ("[THINK]\n{answer}", "stop", "unparsed"),
    "thinking cut": ("<seed:think>\n{answer}", "length", "truncated"),
}


def samples_of(task: Task, most: int) -> list[Sample]:
    """The first `most` samples of each condition."""
    found: dict[str, list[Sample]] = {}
    for sample in itertools.islice(task.samples(0), 400):
        found.setdefault(sample.condition, []).append(sample)
    return [sample for group in found.values() for sample in group[:most]]


def filled(template: str, answer: str, wrong: str) -> str:
    half = answer[: len(answer) // 2] if "\n" in answer else ""
    return template.replace("{answer}", answer).replace("{wrong}", wrong).replace("{half}", half)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", TASKS)
def test_conformance(name: str, case: str) -> None:
    template, stop_reason, outcome = CASES[case]
    task = plugins.task(name, {})
    for sample in samples_of(task, 2):
        wrong = evenness.wrong_answer(task, sample)
        if not wrong or ("{half}" in template and "\n" not in sample.target):
            continue  # a list of one item has no wrong answer to show, an answer of one line no half
        text = filled(template, sample.target, wrong)
        score = task.score(sample.params, text, stop_reason)
        assert score.outcome is Outcome(outcome), (sample.condition, text, score)
        if outcome == "unparsed" and "loop" in case:
            assert score.detail["reason"] == "loop"


@pytest.mark.parametrize("name", TASKS)
def test_every_common_style_is_read_as_meant_in_every_condition(name: str) -> None:
    task = plugins.task(name, {})
    rows = evenness.read_styles(task, samples_of(task, 2))
    assert [row for row in rows if row.meant < row.n] == []
    assert len({row.condition for row in rows}) > 1
    assert len({row.style for row in rows}) > 25


OPTIONS = [
    ("arithmetic", {"shots": "2"}),
    ("arithmetic", {"operation": "mul"}),
    ("aiw", {"prompt": "all"}),
    ("aiw", {"family": "procedural"}),
    ("reversal", {"set": "fictional_both"}),
    ("multihop", {"documents": "8,12", "support": "true"}),
    ("game24", {"prompt": "zero_shot,cot"}),
    ("worlds", {"prompt": "all", "length": "8"}),
    ("edits", {"how": "model", "things": "3"}),
    ("length", {"kind": "aiw", "lengths": "300"}),
    ("length", {"kind": "keyvalue", "lengths": "300"}),
    ("length", {"kind": "multihop", "lengths": "300"}),
    ("ladder", {"form": "number"}),
    ("ladder", {"kind": "boolean"}),
    ("ladder", {"kind": "equivalence"}),
    ("blocksworld", {"prompt": "nl,pddl", "solvable": "yes,no"}),
    ("blocksworld", {"ability": "atomic", "rename": "plain,mystery"}),
]
"""Options that change how the answer or the question is written."""


@pytest.mark.parametrize(("name", "chosen"), OPTIONS)
def test_styles_are_read_alike_under_other_options(name: str, chosen: dict[str, str]) -> None:
    task = plugins.task(name, chosen)
    assert evenness.uneven(evenness.read_styles(task, samples_of(task, 1))) == []


READ_TO_THE_END = {
    "an edited model": "its prompts are bare questions, and a response may put the same question to itself",
    "original": "the published rule takes the last number of the whole text",
    "original of game24": "the published rule takes the last line of the whole text",
}
"""Those of test_help.TASKS in which another question and its answer behind the answer count, and why."""


@pytest.mark.parametrize("name", [name for name in test_help.TASKS if name not in READ_TO_THE_END])
def test_an_answer_is_not_lost_to_the_next_question_and_its_answer(name: str) -> None:
    """A model that is not stopped goes on with a prompt like ours, of the same condition, and answers that too."""
    task, samples = test_help.made(name)
    rng = random.Random(0)
    compared = 0
    for sample in samples:
        others = [other for other in samples if other.target != sample.target]
        for other in others[:2]:
            text = f"{task.baseline('oracle', sample, rng)}\n\n{other.messages[-1].content}\n"
            score = task.score(sample.params, text + task.baseline("oracle", other, rng))
            assert score.value == 1, (sample.condition, other.condition, score)
            compared += 1
    assert compared


def echoes(name: str, prompt: str) -> list[str]:
    """What a response may repeat of a prompt: all of it, its last paragraph, line and sentence."""
    lines = prompt.strip().split("\n")
    found = [prompt, prompt.strip().split("\n\n")[-1]]
    if name == "hub" and lines[-1][:2] in ("C)", "D)"):
        return found  # its last line is an option: whoever writes it has chosen it
    return [*found, lines[-1], sentences(prompt)[-1]]


@pytest.mark.parametrize("name", [name for name in test_help.TASKS if name != "original of game24"])
def test_a_response_that_only_repeats_its_prompt_gives_no_answer(name: str) -> None:
    """The published rule of game24 reads any last line."""
    task, samples = test_help.made(name)
    for sample in samples:
        for text in echoes(name, sample.messages[-1].content):
            score = task.score(sample.params, text)
            assert score.outcome is Outcome.UNPARSED, (sample.condition, text[-300:], score)


@pytest.mark.parametrize("name", [name for name in test_help.TASKS if not name.startswith("original")])
def test_an_answer_behind_the_repeated_prompt_is_read(name: str) -> None:
    task, samples = test_help.made(name)
    for sample in samples:
        text = f"{sample.messages[-1].content}\n\n{task.baseline('oracle', sample, random.Random(0))}"
        score = task.score(sample.params, text)
        assert score.outcome is Outcome.CORRECT, (sample.condition, text[-300:], score)


def test_a_style_that_one_condition_alone_is_read_in_is_found() -> None:
    rows = [
        evenness.Row("bold", "base 9", 3, 4, "unparsed, not correct"),
        evenness.Row("bold", "base 10", 4, 4, ""),
        evenness.Row("plain", "base 9", 0, 4, "unparsed, not correct"),
        evenness.Row("plain", "base 10", 0, 4, "unparsed, not correct"),
    ]
    assert evenness.uneven(rows) == ["bold"]
    assert "base 9 (3 of 4: unparsed, not correct)" in evenness.render_rows(rows)


def test_the_styles_of_lists_and_of_lines_are_all_written() -> None:
    for answer in ("7", "1. Pick up a.\n2. Stack a on b."):
        for style in styles_for(answer, "8" if answer == "7" else "1. Pick up b."):
            text, _ = evenness.expectation(style, answer, "8", True)
            assert "{" not in text.replace('{"', "").replace("{\\text{", "").replace("boxed{", ""), style.name


def test_a_user_sees_how_styles_are_read() -> None:
    shown = CliRunner().invoke(cli, ["audit", "arithmetic", "--reading", "--limit", "8", "--fail"])
    assert shown.exit_code == 0
    assert "read unevenly between conditions: none" in shown.output
    assert "as asked" in shown.output


def test_reading_that_is_uneven_fails_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [evenness.Row("bold", "base 9", 0, 1, "unparsed, not correct"), evenness.Row("bold", "base 10", 1, 1, "")]
    monkeypatch.setattr(evenness, "read_styles", lambda task, samples: rows)
    shown = CliRunner().invoke(cli, ["audit", "arithmetic", "--reading", "--fail"])
    assert shown.exit_code == 100
    assert "read unevenly between conditions: bold" in shown.output


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("No plan exists.", "correct"),
        ("Answer: No plan exists.\n\nHmm, that's wrong.", "unparsed"),
        ("No plan exists.\n\nQuestion: Another one?\nAnswer:\n1. Pick up the red block.", "correct"),
        ("I don't know.", "refused"),
    ],
)
def test_a_claim_that_no_plan_exists_is_an_answer_like_others(response: str, outcome: str) -> None:
    task = plugins.task("blocksworld", {"solvable": "no"})
    for sample in samples_of(task, 1):
        assert task.score(sample.params, response).outcome is Outcome(outcome)
