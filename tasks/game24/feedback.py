"""What is wrong with an answer, in words for the model that gave it: never an expression that is right."""

from __future__ import annotations

from collections.abc import Iterator

from harness.reading.expressions import Expression, NotAnExpressionError, NoValueError, parse
from harness.tasks.game24 import scoring, solver
from harness.types import Feedback, Params, Score


def key(answer: str) -> str | None:
    """An answer in normal form, with the value of each side that is not equal to it; None if it has none: it is no
    expression, has no value, or has operators that the game does not allow."""
    try:
        sides = [parse(side, implicit=True) for side in answer.split("=")]
        longest = max(sides, key=lambda side: len(side.numbers))
        others = dict.fromkeys(scoring.shown(side.value()) for side in sides if side.value() != longest.value())
        return " = ".join([solver.normal_form(longest), *others])
    except (NotAnExpressionError, NoValueError):
        return None


def feedback(params: Params, score: Score, level: str) -> Feedback:
    """From the numbers, the target and the answer that was read. `all-errors` names every fault, `first-error` one."""
    reason = score.detail.get("reason")
    if score.value == 1 or score.answer is None or level == "binary":
        return Feedback.of(score)
    puzzle = scoring.puzzle_of(params)
    if reason == "claimed_unsolvable":
        return Feedback(False, f"{puzzle.target} can be made from these numbers.")
    try:
        sides = [parse(side, implicit=True) for side in score.answer.split("=")]
    except NotAnExpressionError:
        return Feedback.of(score)
    found = list(_faults(puzzle, sides)) or ["The answer is wrong."]
    return Feedback(False, " ".join(found if level == "all-errors" else found[:1]))


def _faults(puzzle: scoring.Puzzle, sides: list[Expression]) -> Iterator[str]:
    wanted = sorted(puzzle.numbers, key=int)
    made = next((side for side in sides if sorted(side.numbers) == sorted(wanted)), None)
    if made is None:
        made = max(sides, key=lambda side: len(side.numbers))
        yield f"It must use each of {' '.join(puzzle.numbers)} once, and it uses {' '.join(made.numbers)}."
    if not made.operators <= scoring.ALLOWED:
        yield "It uses something other than + - * / and parentheses."
    try:
        value = made.value()
    except NoValueError as error:
        yield f"It has no value: {error}."
        return
    if value != puzzle.target:
        yield f"It comes to {scoring.shown(value)}, not to {puzzle.target}."
        return
    try:
        equal = all(side.value() == value for side in sides)
    except NoValueError:
        equal = False
    if not equal:
        yield "The two sides of the equation are not equal."
