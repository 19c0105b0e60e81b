"""Are matched conditions matched? What differs and is not declared is found; what is equal is not called different."""

import itertools
import random
from dataclasses import dataclass
from typing import ClassVar

import pytest

from harness import plugins
from harness.results.audit import audit, render, warnings
from harness.types import Message, Sample


@dataclass(frozen=True)
class Sums:
    """`a + b` in a default world and another; the other may have larger numbers, or answers of one kind."""

    flaw: str = ""

    name: ClassVar[str] = "sums"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("world",)
    differs: ClassVar[dict[str, tuple[str, ...]]] = {"world": ("vocabulary",)}
    measures: ClassVar[dict[str, str]] = {}

    def samples(self, seed: int):
        rng = random.Random(seed)
        for i in range(100):
            for world in ("plain", "other"):
                a, b = rng.randint(10, 99), rng.randint(10, 99)
                if world == "other" and self.flaw == "larger":
                    a *= 37
                target = str((a + b) % 5) if not (world == "other" and self.flaw == "answers") else str((a + b) % 5 % 2)
                text = f"In the {world} world, {'what is' if world == 'plain' else 'tell me'} {a} and {b}?"
                yield Sample(f"{i}{world}", str(i), world, {"world": world}, (Message("user", text),), target)


def found(flaw: str) -> dict[str, str]:
    return {f.feature: f.verdict for f in audit(Sums(flaw), Sums(flaw).samples(0))}  # type: ignore[arg-type]


def test_matched_worlds_pass() -> None:
    verdicts = found("")
    assert verdicts["vocabulary"] == "by design"
    assert {verdicts[f] for f in ("numbers", "largest number", "answer", "answer in prompt")} == {"equal"}


def test_larger_numbers_in_a_variant_are_noticed() -> None:
    assert found("larger")["largest number"] == "differs"


def test_another_distribution_of_answers_is_noticed() -> None:
    assert found("answers")["answer"] == "differs"


def test_false_alarms_are_rare() -> None:
    """Of 40 seeds with matched worlds, at most a few warn of anything (5% of them are expected to)."""
    warned = [bool([f for f in warnings(audit(Sums(), Sums().samples(s))) if f.feature != "length"]) for s in range(40)]  # type: ignore[arg-type]
    assert sum(warned) <= 6


def test_answers_of_a_problem_count_once_however_many_prompts_ask_for_them() -> None:
    """Else the same chance difference, seen in ten prompts, would pass for ten times as much evidence."""

    @dataclass(frozen=True)
    class InPrompts(Sums):
        factors: ClassVar[tuple[str, ...]] = ("world", "prompt")

        def samples(self, seed: int):
            for sample in super().samples(seed):
                for prompt in map(str, range(10)):
                    params = {**sample.params, "prompt": prompt}
                    yield Sample(f"{sample.id}{prompt}", sample.group, prompt, params, sample.messages, sample.target)

    findings = audit(InPrompts(), InPrompts().samples(0))  # type: ignore[arg-type]
    [answer] = [f for f in findings if (f.factor, f.feature) == ("world", "answer")]
    assert (answer.pairs, answer.verdict) == (100, "equal")


def test_few_pairs_that_differ_are_not_called_equal() -> None:
    task = Sums("larger")
    verdicts = {f.feature: f.verdict for f in audit(task, itertools.islice(task.samples(0), 6))}  # type: ignore[arg-type]
    assert verdicts["largest number"] == "too few"


def test_the_table_names_what_differs() -> None:
    text = render(audit(Sums("larger"), Sums("larger").samples(0)))  # type: ignore[arg-type]
    assert "world: other against plain" in text
    assert "DIFFERS" in text


@pytest.mark.parametrize("name", plugins.installed("tasks"))
def test_our_own_tasks_are_matched_but_for_what_they_declare(name: str) -> None:
    task = plugins.task(name, {})
    assert [
        (f.factor, f.level, f.feature, f.effect) for f in warnings(audit(task, itertools.islice(task.samples(0), 300)))
    ] == []
