"""Pairs of numerals: matched ones, which every compared base can read, and those of the published files.

Knows numerals and seeds; no prompt, no scoring.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator
from hashlib import blake2b

from harness.seeds import derive
from harness.tasks.arithmetic.numerals import DIGITS, numeral, result

SIGNS = {"add": "+", "sub": "-", "mul": "*"}

PUBLISHED_ITEMS = 1000
"""Pairs in each of the published files."""


def matched(operation: str, digits: int, bases: tuple[int, ...], seed: int) -> Iterator[str]:
    """Expressions such as `76+14` that are legal in every base and whose answers differ between any two of them.

    So one answer is right in one base only, and a remembered one (the decimal sum) passes in base 10 alone.
    Each unordered pair comes at most once, in an order that the seed chooses. In a difference the larger numeral stands
    first, in a sum or product either may. Ends when all pairs have come.
    """
    low = min(bases)
    first, count = low ** (digits - 1), low**digits - low ** (digits - 1)
    key = derive("arithmetic", operation, digits, low, seed).to_bytes(8, "big")
    for index in range(count * count):
        a, b = divmod(_permuted(index, count * count, key), count)
        # Keep one of a+b and b+a: the one with the larger first, or the other if a bit of the pair's hash is set.
        flipped = operation != "sub" and _hash(key, min(a, b), max(a, b)) & 1
        if a < b if not flipped else a > b:
            continue
        expression = f"{numeral(first + a, low)}{SIGNS[operation]}{numeral(first + b, low)}"
        if len({result(expression, base) for base in bases}) == len(bases):
            yield expression


def _permuted(index: int, size: int, key: bytes) -> int:
    """The place of `index` in a keyed permutation of range(size): a random order that needs no list of what was drawn.

    A Feistel network over the next even number of bits, applied again until the value falls inside the range.
    """
    half = (max(size - 1, 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for turn in range(4):
            left, right = right, left ^ (_hash(key, turn, right) & mask)
        index = left << half | right
        if index < size:
            return index


def _hash(key: bytes, a: int, b: int) -> int:
    return int.from_bytes(blake2b(b"%d,%d" % (a, b), key=key, digest_size=8).digest(), "big")


def counted(expression: str, base: int) -> str:
    """The numeral that the counting control asks about for a pair: the pair's first numeral and one more digit.

    As published, half of the numerals end in 0 (no carry) and half in the base's last digit (a carry). The pair decides
    which, the same for every base.
    """
    left = expression[: -(len(expression) // 2 + 1)]
    return left + ("0" if derive("counting", expression) & 1 else DIGITS[base - 1])


# As published ---------------------------------------------------------------------------------------------------------


def published_pair(rng: random.Random, digits: int, base: int) -> str:
    """One draw of the published sampler. No first digit is 0; outside base 10 the pair has a letter, or its answer
    differs from the decimal sum."""
    while True:
        left, right = ("".join(rng.choice(DIGITS[1 if i == 0 else 0 : base]) for i in range(digits)) for _ in range(2))
        pair = f"{left}+{right}"
        if base == 10 or not (left + right).isdecimal() or result(pair, base) != str(int(left) + int(right)):
            return pair


def published(digits: int, base: int) -> Iterator[str]:
    """The 1,000 pairs of a published file, in its order (drawn with replacement: some come twice).

    The published files come from seed 0 of Python's generator, so they are made again here and not shipped.
    """
    rng = random.Random(0)
    for _ in range(PUBLISHED_ITEMS):
        yield published_pair(rng, digits, base)


@functools.cache
def published_set(digits: int, base: int) -> frozenset[str]:
    """The published pairs, in both orders."""
    pairs = list(published(digits, base))
    return frozenset(pairs + ["+".join(reversed(pair.split("+"))) for pair in pairs])


def endless(rng: random.Random, digits: int, base: int) -> Iterator[str]:
    """Draws of the published sampler without end."""
    while True:
        yield published_pair(rng, digits, base)


def carries(expression: str, base: int) -> int:
    """Columns of a sum that come to the base or more, with what is carried into them; 0 for other operations."""
    if "+" not in expression:
        return 0
    carry = found = 0
    left, right = (numeral[::-1] for numeral in expression.split("+"))
    for a, b in itertools.zip_longest(left, right, fillvalue="0"):
        carry = int(a, 36) + int(b, 36) + carry >= base
        found += carry
    return found


def published_demonstrations(digits: int, base: int) -> Iterator[list[str]]:
    """The 32 in-context examples of each published pair; none has the same two numerals as the pair."""
    rng = random.Random(0)
    for pair in published(digits, base):
        chosen: list[str] = []
        while len(chosen) < 32:
            drawn = published_pair(rng, digits, base)
            if set(drawn.split("+")) != set(pair.split("+")):
                chosen.append(drawn)
        yield chosen


def published_counting(base: int) -> Iterator[str]:
    """The 200 numerals of the published counting control: prefixes 0 to 99, each with its first and last digit."""
    for value in range(100):
        prefix = numeral(value, base) if value else ""
        yield from (prefix + "0", prefix + DIGITS[base - 1])
