"""Arithmetic expressions in hostile text: parsed by hand, evaluated exactly, bounded in size and time.

`parse` turns text into an Expression or raises NotAnExpressionError; `Expression.value` is its number, or raises
NoValueError; `plain_notation` writes LaTeX and typographic signs as plain ones. Nothing here is ever passed to eval,
and nothing recurses, so that no nesting is too deep. Knows no task.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

Number = int | Fraction | float

LONGEST = 2_000
"""Characters of the longest expression; a longer text is refused."""
LARGEST_BITS = 20_000
"""Bits of the largest number; an expression that needs a larger one on the way has no value."""


class NotAnExpressionError(ValueError):
    """The text is no arithmetic expression; the message says where it stops being one."""


class NoValueError(ArithmeticError):
    """The expression has no rational value, or one that is too large to compute; the message says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression in postfix order. `numbers` as written, from left to right; `operators` as in `parse`, with
    `neg` and `pos` for signs."""

    postfix: tuple[str, ...]
    numbers: tuple[str, ...]
    operators: frozenset[str]

    def value(self, exact: bool = True) -> Number:
        """The value. It is exact: an int if it is whole, else a Fraction (`2.4` is 12/5). If not `exact`, a number with
        a point is a floating-point number, and so is what is computed from it.

        Raises NoValueError for division by zero, for roots that are not rational, and for numbers that are too large.
        """
        stack: list[Number] = []
        for token in self.postfix:
            if token in _BINARY:
                right = stack.pop()
                stack[-1] = _checked(_binary(token, stack[-1], right))
            elif token in _UNARY:
                stack[-1] = _checked(_unary(token, stack[-1]))
            elif token.isdecimal():
                stack.append(int(token))
            else:
                stack.append(_decimal(token, exact))
        return stack[0]


_TOKEN = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[a-z]+|\*\*|//|!+|[-+*/%^()]|[^ \t\f]")
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "neg": 3, "pos": 3, "**": 4}
_BINARY = frozenset(["+", "-", "*", "/", "//", "%", "**"])
_FUNCTIONS = frozenset(["sqrt", "abs", "floor", "ceiling", "factorial"])
_POSTFIX = {"!": "factorial", "!!": "factorial2"}
_UNARY = _FUNCTIONS | {"neg", "pos", "factorial2"}


def parse(text: str, implicit: bool = False) -> Expression:
    """An expression of + - * / // % ** (also ^), signs, !, !!, parentheses, sqrt, abs, floor, ceiling and factorial.

    Precedence is Python's: ** binds to the right and before a sign on its left; a postfix ! binds most tightly.
    `implicit` also reads 5(10 - 4) and (1 + 2)(3 + 4) as products. Raises NotAnExpressionError.
    """
    if len(text) > LONGEST:
        raise NotAnExpressionError(f"longer than {LONGEST} characters")
    output: list[str] = []
    waiting: list[str] = []
    numbers: list[str] = []
    wants_operand = True
    for token in _TOKEN.findall(text):
        if not wants_operand:
            if token == "(" and implicit:
                _make_way(output, waiting, "*")
                wants_operand = True
            elif token == ")":
                _close(output, waiting)
                continue
            elif token in _POSTFIX:
                output.append(_POSTFIX[token])
                continue
            else:
                token = "**" if token == "^" else token
                if token not in _BINARY:
                    raise NotAnExpressionError(f"'{token[:20]}' where an operator should be")
                _make_way(output, waiting, token)
                wants_operand = True
                continue
        if token == "(":
            waiting.append(token)
        elif waiting and waiting[-1] in _FUNCTIONS:
            raise NotAnExpressionError(f"no parenthesis after {waiting[-1]}")
        elif token[0] in "0123456789" or (token[0] == "." and len(token) > 1):
            numbers.append(_literal(token))
            output.append(token)
            wants_operand = False
        elif token == "-" or token == "+":
            waiting.append("neg" if token == "-" else "pos")
        elif token in _FUNCTIONS:
            waiting.append(token)
        else:
            raise NotAnExpressionError(f"'{token[:20]}' where a number should be")
    if wants_operand:
        raise NotAnExpressionError("it ends where a number should be")
    while waiting:
        if waiting[-1] == "(":
            raise NotAnExpressionError("a parenthesis is not closed")
        output.append(waiting.pop())
    return Expression(tuple(output), tuple(numbers), frozenset(output).difference(numbers))


def _make_way(output: list[str], waiting: list[str], operator: str) -> None:
    """Put an operator on the waiting list, after those on it that bind at least as tightly have gone to the output."""
    level = _PRECEDENCE[operator]
    while waiting:
        top = _PRECEDENCE.get(waiting[-1], 0)
        if top < level or (top == level and operator == "**"):
            break
        output.append(waiting.pop())
    waiting.append(operator)


def _close(output: list[str], waiting: list[str]) -> None:
    while waiting:
        top = waiting.pop()
        if top == "(":
            if waiting and waiting[-1] in _FUNCTIONS:
                output.append(waiting.pop())
            return
        output.append(top)
    raise NotAnExpressionError("a parenthesis is closed that was not opened")


def _literal(token: str) -> str:
    """The token of a number. Raises NotAnExpressionError unless Python reads it, too: no leading zeros before a whole
    number, no exponent, and not too long."""
    if len(token) > 40 or "e" in token:
        raise NotAnExpressionError(f"'{token[:20]}' is not written as a number should be")
    if len(token) > 1 and token[0] == "0" and token.isdecimal() and token.strip("0"):
        raise NotAnExpressionError(f"'{token}' begins with a zero")
    return token


def _decimal(token: str, exact: bool) -> Number:
    return _whole(Fraction(token)) if exact else float(token)


# Values -----------------------------------------------------------------------------------------------------------


def _whole(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _checked(value: Number) -> Number:
    """The value. Raises NoValueError if it is too large."""
    if isinstance(value, int):
        too_large = value.bit_length() > LARGEST_BITS
    elif isinstance(value, Fraction):
        if value.denominator == 1:
            value = value.numerator
        too_large = max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_BITS
    else:
        too_large = not math.isfinite(value)
    if too_large:
        raise NoValueError("too large")
    return value


def _binary(operator: str, a: Number, b: Number) -> Number:
    try:
        if operator == "+":
            return a + b
        if operator == "-":
            return a - b
        if operator == "*":
            return a * b
        if operator == "**":
            return _power(a, b)
        if b == 0:
            raise NoValueError("division by zero")
        if operator == "//":
            return math.floor(a / b) if isinstance(a, float) or isinstance(b, float) else a // b
        if operator == "%":
            return a % b
        if isinstance(a, int) and isinstance(b, int):
            return _whole(Fraction(a, b))
        # A rational over a float is rounded twice, as the computer algebra system of the published rule does.
        return a * (1 / b) if isinstance(b, float) and not isinstance(a, float) else a / b
    except OverflowError:
        raise NoValueError("too large") from None


def _unary(operator: str, a: Number) -> Number:
    if operator in ("neg", "pos"):
        return -a if operator == "neg" else a
    if operator == "sqrt":
        return _power(a, Fraction(1, 2))
    if operator == "abs":
        return a if a >= 0 else -a
    if operator in ("floor", "ceiling"):
        return math.floor(a) if operator == "floor" else math.ceil(a)
    n = int(a)
    if a != n or not 0 <= n <= 1_000:
        raise NoValueError("the factorial of what is not a whole number up to 1000")
    return math.factorial(n) if operator == "factorial" else math.prod(range(n, 1, -2))


def _power(base: Number, exponent: Number) -> Number:
    if exponent == 0:
        return 1
    if isinstance(base, float) or isinstance(exponent, float):
        if (base < 0 and exponent != int(exponent)) or (base == 0 and exponent < 0):
            raise NoValueError("not a real number")
        return math.pow(base, exponent)
    if base == 0 and exponent < 0:
        raise NoValueError("division by zero")
    root = _root(Fraction(base), exponent.denominator) if exponent.denominator > 1 else Fraction(base)
    if root in (0, 1, -1):  # a huge exponent costs nothing here
        return -1 if root == -1 and exponent.numerator % 2 else abs(root.numerator)
    size = max(root.numerator.bit_length(), root.denominator.bit_length())
    if abs(exponent.numerator) * size > LARGEST_BITS:
        raise NoValueError("too large")
    return _whole(Fraction(root**exponent.numerator))


def _root(base: Fraction, degree: int) -> Fraction:
    """The real root of a number. Raises NoValueError if the number is negative or the root is not rational."""
    if base < 0:
        raise NoValueError("not a real number")
    return Fraction(_whole_root(base.numerator, degree), _whole_root(base.denominator, degree))


def _whole_root(n: int, degree: int) -> int:
    if n < 2:
        return n
    if degree > n.bit_length():
        raise NoValueError("not a rational number")
    low, high = 0, 1 << (n.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= n else (low, middle - 1)
    if low**degree != n:
        raise NoValueError("not a rational number")
    return low


# Notation ---------------------------------------------------------------------------------------------------------

_SIGNS = str.maketrans(
    {**dict.fromkeys("×⋅·∙∗✕✖⨯⨉＊", "*"), **dict.fromkeys("÷∕⁄／", "/"), **dict.fromkeys("−–‒﹣－", "-"),
     **dict.fromkeys("[（［", "("), **dict.fromkeys("]）］", ")"), "＋": "+", "＝": "=", "²": "^2", "³": "^3",
     "√": "sqrt",
     **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\u3000$`", " "),
     **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""), **{chr(0xFF10 + i): str(i) for i in range(10)}}
)  # fmt: skip
_LATEX = re.compile(r"\\([a-zA-Z]+|[^a-zA-Z])|[{}]")
_COMMANDS = {
    **dict.fromkeys(("times", "cdot", "ast", "*"), "*"),
    **dict.fromkeys(("neq", "ne"), "≠"),
    **{"div": "/", "sqrt": "sqrt", "-": "-", "\\": "\n"},
}
_FRACTIONS = frozenset(["frac", "dfrac", "tfrac", "cfrac"])
_BRACES = {"over": ("((", ")/"), "under": ("(", "))"), "box": ("\nAnswer: ", "\n"), "words": (" ", " ")}
_TIMES = re.compile(r"(?<=[0-9)]) ?[xX] ?(?=[0-9(])")


def plain_notation(text: str) -> str:
    """The text with typographic and LaTeX signs written as + - * / ( ), brackets as parentheses, and a box as a line
    that begins with `Answer:`. Words stay as they are; markdown's ** stays too. Takes linear time."""
    if not text.isascii() or "[" in text or "]" in text or "`" in text or "$" in text:
        text = text.translate(_SIGNS)
    if "\\" in text or "{" in text:
        text = _without_latex(text)
    if "x" in text or "X" in text:
        text = _TIMES.sub(" * ", text)
    return text


def _without_latex(text: str) -> str:
    written: list[str] = []
    kinds: list[str] = []
    awaited = "group"
    end = 0
    for found in _LATEX.finditer(text):
        between = text[end : found.start()]
        written.append(between)
        end = found.end()
        if between.strip():
            awaited = "group"
        if found.group() == "{":
            kinds.append(awaited)
            written.append(_BRACES.get(awaited, ("(", ")"))[0])
            awaited = "group"
        elif found.group() == "}":
            kind = kinds.pop() if kinds else "words"
            written.append(_BRACES.get(kind, ("(", ")"))[1])
            awaited = "under" if kind == "over" else "group"
        else:
            command = found.group(1)
            written.append(_COMMANDS.get(command, " "))
            awaited = "over" if command in _FRACTIONS else "box" if command in ("boxed", "fbox") else "words"
            if command in _COMMANDS:
                awaited = "group"
    written.append(text[end:])
    return "".join(written)
