"""Controls are audited before a model is asked: a rewording keeps what is right, and a change changes it."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from harness.results.audit import warnings
from harness.results.audit_controls import audit_controls, renamed
from harness.types import Message
from tests.support import Controlled


@dataclass(frozen=True)
class Flawed(Controlled):
    """With one fault, by what it is called."""

    flaw: str = ""

    def reworded(self, sample, placebo, rng):
        made = super().reworded(sample, placebo, rng)
        if made is None or placebo != "polite":
            return made
        if self.flaw == "nothing changes":
            return sample
        if self.flaw == "another target":
            return replace(made, target="7")
        if self.flaw == "other params":
            return replace(made, params={**made.params, "answer": -1})
        if self.flaw == "another condition":
            return replace(made, params={**made.params, "side": "b"})
        if self.flaw == "more numbers":
            return replace(made, messages=(Message("user", f"1 2 3 {made.messages[0].content}"),))
        return made

    def changed(self, sample, change, rng):
        made = super().changed(sample, change, rng)
        return made if self.flaw != "no change" else replace(made, params=sample.params, target=sample.target)


def warned(flaw: str) -> set[tuple[str, str]]:
    return {(f.level, f.feature) for f in warnings(audit_controls(Flawed(80, flaw=flaw), 0, 80))}


SIZES = {("placebo odd", "numbers"), ("placebo odd", "largest number"), ("placebo odd", "length")}


def test_a_placebo_that_changes_more_than_words_says_so_or_is_warned_of() -> None:
    """The odd word of the toy task is a number, and makes the prompt longer."""
    found = {(f.level, f.feature): f.verdict for f in audit_controls(Flawed(80), 0, 80)}
    assert warned("") >= SIZES
    assert found["placebo polite", "vocabulary"] == "by design"
    assert found["change more", "what was right is wrong"] == "equal"


@pytest.mark.parametrize(
    ("flaw", "where"),
    [
        ("nothing changes", ("placebo polite", "the prompt is another")),
        ("another target", ("placebo polite", "the target is kept, names aside")),
        ("other params", ("placebo polite", "its oracle is right")),
        ("other params", ("placebo polite", "what was right is right")),
        ("another condition", ("placebo polite", "the condition is kept")),
        ("more numbers", ("placebo polite", "numbers")),
        ("no change", ("change more", "what was right is wrong")),
    ],
)
def test_each_fault_is_found(flaw: str, where: tuple[str, str]) -> None:
    assert where in warned(flaw) - warned("")


def test_what_is_declared_is_by_design() -> None:
    class Declares(Controlled):
        differs: ClassVar = {"placebo odd": ("numbers", "largest number", "length")}

    found = {(f.level, f.feature): f.verdict for f in audit_controls(Declares(80), 0, 80)}
    assert {found[one] for one in SIZES} == {"by design"}


@pytest.mark.parametrize(
    ("target", "other", "same"),
    [
        ("7", "7", True),
        ("7", "8", False),
        ("stack red blue; stack red green", "stack ada bob; stack ada cy", True),
        ("red red", "ada bob", False),
        ("red blue", "ada ada", False),
        ("red 2", "ada 3", False),
        ("red", "red blue", False),
        ("drive t1 l1-1 l1-0", "drive t8 l8-8 l8-7", True),
        ("drive t1 l1-1 l1-0", "drive t8 l8-7 l8-7", False),
        ("7-1", "8-1", False),
        ("", "", True),
    ],
)
def test_when_a_target_is_the_same_but_for_its_names(target: str, other: str, same: bool) -> None:
    assert renamed(target, other) is same


@pytest.mark.parametrize(
    ("target", "other", "same"),
    [
        ("1. Disc 1 to peg 2\n2. Disc 2 to peg 3", "1. Disc 1 to peg 3\n2. Disc 2 to peg 7", True),
        ("1. Disc 1 to peg 2\n2. Disc 2 to peg 3", "1. Disc 1 to peg 7\n2. Disc 2 to peg 7", False),
        ("Disc 1 to peg 2", "Disc 1 to peg 8", False),
        ("Disc 1 to peg 2", "Disc 1 to disc 2", False),
        ("step 2", "step 3", False),
    ],
)
def test_a_number_is_a_part_of_a_name_if_the_prompts_say_so(target: str, other: str, same: bool) -> None:
    prompts = "Peg 2 and peg 3 have disc 1, disc 2.", "Peg 3 and peg 7 have disc 1, disc 2."
    assert renamed(target, other, prompts) is same
    assert not renamed(target, other)
