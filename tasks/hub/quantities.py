"""The numbers of a word problem: which of them may be others, and what its words say without digits.

Cautious on purpose: a number of which it is not sure that another one makes sense stays as it is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from harness.reading.numbers import TENS, UNITS

NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
"""A number as problems and their solutions write it."""
MOST_NUMBERS, MOST_DIGITS, LONGEST = 30, 15, 5_000
"""Numbers, characters of each, and characters of the longest question that is looked at."""


class Quantity(NamedTuple):
    """A number at a place of the question. `kept` ones stay; of a `hundredth` (a percentage, cents) a solution may use
    the hundredth part; `limit` is the most that it can be in its unit, if it is not beyond that."""

    start: int
    text: str
    kept: bool
    hundredth: bool = False
    limit: Fraction | None = None

    @property
    def value(self) -> Fraction:
        """Exact."""
        return value_of(self.text)


@lru_cache(maxsize=4096)
def value_of(text: str) -> Fraction:
    """The value of a NUMBER, exact."""
    return Fraction(text.replace(",", ""))


def places(text: str) -> int:
    """Decimal places of a NUMBER."""
    return len(text.partition(".")[2])


def written(value: Fraction, like: str) -> str | None:
    """A value as another number is written: as many decimal places, commas if it has some; None if it needs more
    places."""
    scaled = value * 10 ** places(like)
    if scaled.denominator != 1:
        return None
    digits = str(abs(scaled.numerator)).rjust(places(like) + 1, "0")
    whole, part = (digits[: -places(like)], digits[-places(like) :]) if places(like) else (digits, "")
    whole = f"{int(whole):,}" if "," in like else whole
    whole = "" if like.lstrip("-").startswith(".") and whole == "0" else whole
    return f"{'-' if value < 0 else ''}{whole}{'.' if part else ''}{part}"


# What the question says ---------------------------------------------------------------------------------------------

_NUMBER = re.compile(rf"(?<![\w.,])(?:{NUMBER})")
_UNITS = "year|month|week|day|hour|minute|foot|feet|inch|yard|mile|pound|ounce|gallon|liter|litre|meter|metre|acre|cent"
_HYPHENED = re.compile(rf"-(?:{_UNITS})s?\b", re.I)
_UNIT = re.compile(r"\s?(?:mm|cm|m|km|mg|g|kg|ml|l|lbs?|oz|ft|mi|mph|kph|sq)\b\.?", re.I)
_HUNDREDTH = re.compile(r"\s?%|[\s-](?:percent|per cent|cents?)\b|\s?¢", re.I)
_PERCENT = re.compile(r"\s?%|[\s-](?:percent|per cent)\b", re.I)
_STAYS_BEHIND = re.compile(
    r"\w|\s?[/:*^=+]|-|\s\d+/\d|\.\d|,\d|\s?(?:a\.?m|p\.?m)\b|\s?o['’]?clock|\s(?:and|&)\s(?:a|one)[\s-]half"
    r"|\s(?:hundred|thousand|million|billion|dozen)"
    r"|[\s-](?:legs?|wheels?|sides?|eyes?|ears?|hands?|paws?|wings?|corners?|quarters|halves|thirds|fourths|fifths)\b",
    re.I,
)
"""What behind a number says that no other one may stand there: a fraction, a time, an ordinal, legs."""
_STAYS_BEFORE = re.compile(
    r"[/:^=+*#-]\s?$|\b(?:grade|room|chapter|level|page|route|highway|flight|exercise|question|number|no\.|day|week|"
    r"step|class|apartment|act|part|volume|version|january|february|march|april|may|june|july|august|september|"
    r"october|november|december|the|all|these|those|other|remaining|same|its)\s$",
    re.I,
)
_YEAR = re.compile(r"1[89]\d\d|20\d\d")
_FACTS = {
    "day": (7, 28, 29, 30, 31, 365, 366), "month": (12,), "week": (4, 52), "hour": (24,), "minute": (60,),
    "second": (60,), "cent": (100,), "%": (100,), "percent": (100,), "inch": (12,), "feet": (3, 5280), "ounce": (16,),
    "gram": (1000,), "meter": (1000,), "metre": (1000,), "milliliter": (1000,), "letter": (26,), "card": (52,),
    "degree": (90, 180, 360),
}  # fmt: skip
"""Numbers of a unit that are known and not chosen: 12 months, 60 minutes."""
_LIMITS = {"hour": 24, "minute": 60, "second": 60, "day": 7, "month": 12, "%": 100, "percent": 100}


def quantities(question: str) -> list[Quantity] | None:
    """The numbers of a question in their order; None if there are none, or too many or too long
    ones."""
    found = list(_NUMBER.finditer(question)) if len(question) <= LONGEST else []
    if not 0 < len(found) <= MOST_NUMBERS or any(len(m[0]) > MOST_DIGITS for m in found):
        return None
    return [_quantity(question, m) for m in found]


def _quantity(question: str, m: re.Match[str]) -> Quantity:
    before, after, value = question[max(0, m.start() - 20) : m.start()], question[m.end() :][:40], value_of(m[0])
    unit = _unit(after)
    attached = _UNIT.match(after) is not None or _HYPHENED.match(after) is not None
    money = before.endswith(("$", "€", "£"))
    kept = (
        (value <= 1 and "." not in m[0])
        or not value
        or re.match(r"0\d", m[0]) is not None
        or (not attached and _STAYS_BEHIND.match(after) is not None and not _HUNDREDTH.match(after))
        or _STAYS_BEFORE.search(before) is not None
        or (not money and _YEAR.fullmatch(m[0]) is not None)
        or value in _FACTS.get(unit, ())
    )
    limit = _LIMITS.get(unit)
    return Quantity(
        m.start(), m[0], kept, _HUNDREDTH.match(after) is not None,
        Fraction(limit) if limit is not None and value <= limit else None,
    )  # fmt: skip


def _unit(after: str) -> str:
    """The unit behind a number, if it is one of those that matter here."""
    m = re.match(r"\s?(%)|[\s-]([a-z]+)", after.casefold())
    word = (m[1] or m[2]) if m else ""
    return "inch" if word in ("inch", "inches") else word.removesuffix("s")


def percents(question: str, numbers: Sequence[Quantity]) -> list[Quantity]:
    """Those that are percentages."""
    return [q for q in numbers if _PERCENT.match(question, q.start + len(q.text))]


_HALF = Fraction(1, 2)
_WORDS: dict[str, tuple[Fraction | int, ...]] = {word: (number,) for number, word in enumerate(UNITS)}
_WORDS |= {word: (10 * n,) for n, word in enumerate(TENS, 2)}
_WORDS |= {
    "hundred": (100,), "thousand": (1000,), "million": (10**6,), "dozen": (12,), "score": (20,), "couple": (2,),
    "pair": (2,), "both": (2,), "twin": (2,), "triplet": (3,), "half": (2, _HALF), "halve": (2, _HALF),
    "halved": (2, _HALF), "twice": (2,), "double": (2,), "doubled": (2,), "doubling": (2,), "thrice": (3,),
    "triple": (3,), "tripled": (3,), "quadruple": (4,), "first": (1,), "second": (2,), "third": (3,), "fourth": (4,),
    "fifth": (5,), "sixth": (6,), "seventh": (7,), "eighth": (8,), "ninth": (9,), "tenth": (10,),
    "quarter": (4, Fraction(1, 4), 25), "percent": (100, Fraction(1, 100)), "%": (100, Fraction(1, 100)),
    "cent": (100, Fraction(1, 100)), "¢": (100, Fraction(1, 100)), "penny": (Fraction(1, 100), 100),
    "nickel": (5, Fraction(1, 20)), "dime": (10, Fraction(1, 10)), "weekend": (2,), "weekday": (5,), "square": (4,),
    "rectangle": (2,), "rectangular": (2,), "perimeter": (2,), "triangle": (3,), "bicycle": (2,), "bike": (2,),
    "tricycle": (3,), "average": (2,),
}  # fmt: skip
"""Numbers that a word may bring into a solution."""
_UNIT_WORDS = {
    "day": "days daily morning evening night afternoon nightly weekday", "week": "weeks weekly", "hour": "hours hourly",
    "month": "months monthly", "year": "years yearly annual annually", "minute": "minutes", "second": "seconds",
    "foot": "feet", "inch": "inches", "yard": "yards", "mile": "miles", "pound": "pounds lb lbs", "ounce": "ounces oz",
    "kg": "kilogram kilograms kilo kilos", "gram": "grams g", "km": "kilometer kilometers kilometre kilometres",
    "meter": "meters metre metres m", "cm": "centimeter centimeters centimetre centimetres", "gallon": "gallons",
    "quart": "quarts", "pint": "pints", "cup": "cups", "liter": "liters litre litres l",
    "ml": "milliliter milliliters millilitre millilitres", "decade": "decades", "century": "centuries",
}  # fmt: skip
_UNIT_OF = {word: unit for unit, words in _UNIT_WORDS.items() for word in (unit, *words.split())}
_CONVERSIONS = {
    ("week", "day"): 7, ("month", "day"): 30, ("year", "day"): 365, ("day", "hour"): 24, ("hour", "minute"): 60,
    ("minute", "second"): 60, ("hour", "second"): 3600, ("month", "week"): 4, ("year", "week"): 52,
    ("year", "month"): 12, ("decade", "year"): 10, ("century", "year"): 100, ("foot", "inch"): 12, ("yard", "foot"): 3,
    ("yard", "inch"): 36, ("mile", "foot"): 5280, ("mile", "yard"): 1760, ("pound", "ounce"): 16, ("kg", "gram"): 1000,
    ("km", "meter"): 1000, ("meter", "cm"): 100, ("liter", "ml"): 1000, ("gallon", "quart"): 4, ("gallon", "pint"): 8,
    ("gallon", "cup"): 16, ("quart", "pint"): 2, ("quart", "cup"): 4, ("pint", "cup"): 2,
}  # fmt: skip
"""Numbers that two units may bring together, if the question has both."""
_WORD = re.compile(r"[a-z]+|[%¢]")
_COMPOUND = re.compile(rf"\b({'|'.join(TENS)})[- ]({'|'.join(UNITS[1:10])})\b")
_AND_A_HALF = re.compile(rf"(?<![\w.])({'|'.join([*UNITS, *TENS])}|\d{{1,4}})(?:\s[a-z]+)?\sand\s(?:a|one)[\s-]half\b")


def said(question: str, numbers: Sequence[Quantity]) -> frozenset[Fraction]:
    """What a solution may use beside the numbers that may change: 1, numbers that are kept, and those that words
    bring, such as 12 if there is a dozen, and 7 if there are weeks and days."""
    text = question.casefold()
    found = {Fraction(1), *(q.value for q in numbers if q.kept)}
    words = set(_WORD.findall(text))
    for word in words:
        for known in {word, word.removesuffix("s")}:
            found.update(map(Fraction, _WORDS.get(known, ())))
    units = {_UNIT_OF[word] for word in words if word in _UNIT_OF}
    found.update(Fraction(number) for pair, number in _CONVERSIONS.items() if units.issuperset(pair))
    found.update(Fraction(10 * TENS.index(m[1]) + 20 + UNITS.index(m[2])) for m in _COMPOUND.finditer(text))
    for m in _AND_A_HALF.finditer(text):
        found.update(Fraction(v) + _HALF for v in ([int(m[1])] if m[1].isdecimal() else _WORDS[m[1]]))
    return frozenset(found)


# Other numbers ------------------------------------------------------------------------------------------------------

TRIES = 30


def other(quantity: Quantity, rng: random.Random, far: bool = False) -> Fraction | None:
    """Another value in its place: as many digits before and behind the point, as many zeros at the end, not 1, within
    its limit; from a half to one and a half of it, if one is found there and it need not be `far`. None if none is
    found."""
    point = 10 ** places(quantity.text)
    own = int(quantity.value * point)
    zeros = len(str(own)) - len(str(own).rstrip("0"))
    step, whole = 10**zeros, len(quantity.text.replace(",", "").partition(".")[0].lstrip("0"))
    low, high = (10 ** (whole - 1) * point if whole else 1), 10**whole * point - 1
    if quantity.limit is not None:
        high = min(high, int(quantity.limit * point))
    near = (max(low, own - own // 2), min(high, own + own // 2))
    for least, most in ((low, high),) if far else (near, (low, high)):
        first, last = -(-least // step), most // step
        for _ in range(TRIES if first <= last else 0):
            n = rng.randint(first, last)
            if n % 10 and n * step not in (own, point):
                return Fraction(n * step, point)
    return None
