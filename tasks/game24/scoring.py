"""Scoring Game of 24 responses: the published rule, and ours. Both need nothing but params.

params: `numbers` ("4 5 6 10", or a list), `target` (24 if missing), `solvable` ("yes" or "no"; if missing, an
exhaustive search decides).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from harness.errors import DataError
from harness.reading import commitment
from harness.reading.expressions import Expression, NotAnExpressionError, NoValueError, Number, parse
from harness.reading.outcome import Reading, judge
from harness.tasks.game24 import reading, solver
from harness.types import Params, Score, StopReason

_WHOLE = re.compile("[0-9]{1,6}").fullmatch
ALLOWED = frozenset(["+", "-", "*", "/", "neg", "pos"])


class Puzzle(NamedTuple):
    """The numbers as written in the puzzle, the target, and whether it can be made (None: params do not say)."""

    numbers: tuple[str, ...]
    target: int
    solvable: bool | None

    def can_be_made(self) -> bool:
        """Whether the target can be made; searches if `solvable` is None."""
        if self.solvable is not None:
            return self.solvable
        return solver.can_make(tuple(sorted(map(int, self.numbers))), self.target)


def puzzle_of(params: Params) -> Puzzle:
    """The puzzle that a sample's params describe. Raises DataError if they describe none."""
    given: object = params.get("numbers")  # our samples have text, but JSON lines may well have a list
    texts = re.findall(r"[^\s,]+", given) if isinstance(given, str) else given
    if not isinstance(texts, list):
        raise DataError(f"params.numbers: {given!r} is not a list of numbers", 'such as "4 5 6 10" or [4, 5, 6, 10]')
    numbers = tuple(map(str, texts))
    if not 2 <= len(numbers) <= solver.MOST_NUMBERS or not all(map(_WHOLE, numbers)):
        raise DataError(f"params.numbers: {given!r} is not two to {solver.MOST_NUMBERS} whole numbers")
    target, solvable = params.get("target", 24), params.get("solvable")
    if isinstance(target, bool) or not isinstance(target, int) or target < 0:
        raise DataError(f"params.target: {target!r} is not a whole number")
    if solvable not in (True, False, "yes", "no", None):
        raise DataError(f"params.solvable: {solvable!r} is neither yes nor no")
    return Puzzle(numbers, target, None if solvable is None else solvable in (True, "yes"))


def original(params: Params, response: str) -> Score:
    """The rule of the tree-of-thought repository (task game24, at sympy 1.12), defects included.

    It takes the last line, in lower case, without any `answer: `, up to the first `=`. The runs of digits in it must be
    the puzzle's numbers in any order, and its value must be the target. Operators and precedence are those of sympy's
    reading: ** and ^, //, %, !, and decimal numbers in floating point. Not read here, and so wrong: names of variables,
    complex numbers, operators on bits, and values that are rational only after roots that are not.

    The published puzzles all have solutions. For those of ours that have none, the same text must be `no solution` or
    `impossible`.
    """
    puzzle = puzzle_of(params)
    said = response.strip().rsplit("\n", 1)[-1][:100_000].lower().replace("answer: ", "").split("=", 1)[0].strip()
    if puzzle.solvable is False:
        claimed = said.rstrip(" .!") in ("no solution", "impossible")
        return Score.of(claimed, said[:200], reason="" if claimed else "solution_claimed")
    if sorted(re.findall(r"\d+", said)) != sorted(puzzle.numbers):
        return Score.of(False, said[:200], reason="wrong_numbers")
    try:
        # The published reading puts tokens together again without spaces, and fails at one before a factorial.
        code = re.sub(r"([*/])[ \t]+(?=\1)", r"\1", said.partition("#")[0])
        value = None if re.search(r"\s!", code) else parse(code).value(exact=False)
    except NotAnExpressionError:
        value = None
    except NoValueError as error:
        return Score.of(False, said[:200], reason="wrong_value", value=str(error))
    if value is None:
        return Score.of(False, said[:200], reason="not_an_expression")
    right = value == puzzle.target
    return Score.of(right, said[:200], reason="" if right else "wrong_value", value=shown(value))


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The answer that the response commits to, checked exactly.

    `detail.reason` is "" for a correct answer. For a wrong one it is claimed_unsolvable, or the first that holds of
    wrong_numbers, operator_not_allowed, wrong_value and unequal_sides. If nothing could be checked, it is
    not_an_expression or no_answer.
    """
    puzzle = puzzle_of(params)
    if response == _NONE_ASKED and stop_reason == "stop":  # in the form asked for: no need to look closely
        wrong = puzzle.can_be_made()
        return Score.of(not wrong, "no solution", reason="claimed_unsolvable" if wrong else "")
    found, offer = commitment.read(response, reading.reader(len(puzzle.numbers), puzzle.target), _PROMPT)
    if found.value is None or offer is None:
        reason = found.reason if found.reason in ("not_an_expression", "loop") else "no_answer"
        said = {"said": offer.sides[0]} if offer is not None and offer.sides else {}
        return judge(Reading(None, reason, declined=found.declined), False, stop_reason, response, **said)
    if offer.kind == "unsolvable":
        wrong = puzzle.can_be_made()
        detail = {"reason": "claimed_unsolvable" if wrong else ""}
        return judge(found, not wrong, stop_reason, response, answer="no solution", **detail)
    try:
        sides = [parse(side, implicit=True) for side in offer.sides]
    except NotAnExpressionError as error:
        chain = " = ".join(offer.sides)[:200]
        return judge(Reading(None, "not_an_expression"), False, stop_reason, response, said=chain, why=str(error))
    reason, value = _fault(puzzle, sides)
    if not reason and offer.denied:
        reason = "unequal_sides"
    # An expression with too few numbers, and no word behind it, was cut off.
    whole = offer.whole or bool(re.search(r"[\w\n]", response.rpartition(offer.sides[-1])[2]))
    found = Reading(found.value[:200], final=found.final and whole)
    return judge(found, not reason, stop_reason, response, reason=reason, value=value)


_NONE_ASKED = "Answer: no solution"
_PROMPT = re.compile(r"^(?:Make \d{1,3} from|Input: \d)", re.I | re.M)


def _fault(puzzle: Puzzle, sides: list[Expression]) -> tuple[str, str]:
    """(reason why a chain of equations is wrong, or ""; value of the side that uses the numbers).

    One side must use each number once and make the target, and the others must be equal to it.
    """
    wanted = sorted(map(int, puzzle.numbers))
    made = [side for side in sides if sorted(map(_number, side.numbers)) == wanted]
    if not made:
        return "wrong_numbers", ""
    if not made[0].operators <= ALLOWED:
        return "operator_not_allowed", ""
    try:
        value = made[0].value()
    except NoValueError as error:
        return "wrong_value", str(error)
    if value != puzzle.target:
        return "wrong_value", shown(value)
    try:
        # Decimals between the first and the last side are not checked: they are rounded as a help to the reader.
        equal = all(side.value() == value for side in sides if side not in sides[1:-1] or not _has_decimals(side))
    except NoValueError:
        equal = False
    return "" if equal else "unequal_sides", shown(value)


def _has_decimals(side: Expression) -> bool:
    return any("." in number for number in side.numbers)


def _number(text: str) -> int | Fraction:
    return int(text) if text.isdecimal() else Fraction(text)


def shown(value: Number) -> str:
    """A value for `detail`: a whole number, a fraction or a decimal number; "too large" for 200 bits or more."""
    if isinstance(value, float):
        return repr(value)
    return str(value) if max(value.numerator.bit_length(), value.denominator.bit_length()) < 200 else "too large"
