"""The drawn corpora are as telling as their README says; what they tell is tested beside each task's scorer."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.corpora import DRAWN, rows

CONDITIONS: dict[str, tuple[int, Callable[[dict[str, Any]], object]]] = {
    "aiw": (25, lambda row: row["params"]["prompt_id"]),
    "arithmetic": (4, lambda row: (row["source"], row["params"]["base"])),
    "game24": (30, lambda row: row["params"]["index"]),
    "planbench": (5, lambda row: (row["source"], row["model"])),
}
"""How many there are in the whole corpus, and what they are."""


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_draw_has_100_to_200_lines_both_verdicts_and_all_conditions(name: str) -> None:
    drawn = rows(name, DRAWN)
    assert 100 <= len(drawn) <= 200
    assert {row["expect"]["correct"] for row in drawn} == {True, False}
    number, condition = CONDITIONS[name]
    assert len({condition(row) for row in drawn}) == number


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_draw_is_lines_of_the_whole_corpus_unchanged(name: str) -> None:
    whole = rows(name)
    assert all(row in whole for row in rows(name, DRAWN))


@pytest.mark.parametrize("name", CONDITIONS)
def test_no_line_is_drawn_twice(name: str) -> None:
    asked = [(row["params"], row["response"]) for row in rows(name, DRAWN)]
    assert all(asked.count(one) == 1 for one in asked)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_draw_has_its_licence_beside_it(name: str) -> None:
    about = (DRAWN / "README.md").read_text(encoding="utf-8")
    (licence,) = re.findall(rf"^\| {name}\.jsonl\.gz .*\(([^)]+)\) \|$", about, re.M)
    assert "Copyright" in (DRAWN / licence).read_text(encoding="utf-8")
