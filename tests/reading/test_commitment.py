"""What a response commits to: some hundred short responses, and the value that a person reads in each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.reading import choices, commitment, names, numbers, opposites, yes_no
from harness.tasks.hub.reading import letter_reader
from harness.types import Task

SHORT = Path(__file__).with_name("short_responses.txt")


def cases() -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """(task, params, what is read, response)."""
    name, params = "", {}
    for line in SHORT.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            name, _, given_params = line[1:].partition(" ")
            params = json.loads(given_params)
        elif line and not line.startswith("#"):
            wanted, _, response = line.partition("|")
            yield name, params, wanted, response.replace("\\n", "\n").replace("\\\\", "\\")


TASKS: dict[str, Task] = {name: plugins.task(name, {}) for name in {case[0] for case in cases()}}


@pytest.mark.parametrize(("name", "params", "wanted", "response"), list(cases()))
def test_what_a_short_response_commits_to(name: str, params: dict[str, Any], wanted: str, response: str) -> None:
    score = TASKS[name].score(params, response)
    assert (score.answer or score.outcome.value[0]) == wanted


WORDS = [
    "7",
    "6",
    "Answer:",
    "the answer is",
    "wait,",
    "no,",
    "\n",
    "not",
    "or",
    "that is wrong",
    "\\boxed{",
    "}",
    "**",
]


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_text_gives_a_value_that_stands_in_it_or_a_reason(text: str) -> None:
    found, _ = commitment.read(text, numbers.reader())
    assert found.value in ("7", "6") if found.value is not None else found.reason
    assert found.value is None or found.value in text


@pytest.mark.parametrize("form", ["Answer: {}", "answer: {}.", "### Answer: {}", ' {{"answer": "{}"}}\n'])
@pytest.mark.parametrize(
    ("known", "reader"),
    [
        (("yes", "no"), yes_no.READER),
        (("legal", "illegal"), opposites.reader("legal", "illegal")),
        (("Thea Corisk", "Urban Ellerisk", "Urban"), names.reader(("Thea Corisk", "Urban Ellerisk", "Urban"))),
        (("mother-in-law", "mother", "unknown"), choices.reader(("mother-in-law", "mother"))),
        (tuple("ABCD"), letter_reader(("the jar", "the lamp", "a book", "nothing"))),
    ],
)
def test_an_answer_in_the_form_asked_for_is_what_is_read_with_a_close_look(known, reader, form) -> None:
    for answer in known:
        found = commitment.as_asked(form.format(answer), known)
        read = commitment.read(form.format(answer), reader)[0]
        assert found is not None
        assert found.value == read.value.replace(choices.UNANSWERABLE, "unknown")
        assert found.final


@pytest.mark.parametrize("text", ["Answer: maybe", "Answer: not yes", "yes", "Answer: yes or no", "Answer: yes!", ""])
def test_anything_else_is_looked_at_closely(text: str) -> None:
    assert commitment.as_asked(text, ("yes", "no")) is None
