"""Kind `set`: the card game in which, in the other world, the rule of one feature is turned round. Knows no prompt."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.tasks.persons import FIRST, HELD_OUT_FIRST
from harness.tasks.worlds.problem import DEFAULT, Ask, Kind, Problem, Question

Card = tuple[int, int, int, int]
"""A value (0, 1, 2) of each feature."""

FEATURES = ("number", "shading", "colour", "shape")
VALUES = (
    ("one", "two", "three"),
    ("solid", "striped", "open"),
    ("red", "green", "purple"),
    ("oval", "diamond", "squiggle"),
)
_HELD_OUT = (
    VALUES[0],
    ("dotted", "hatched", "filled"),
    ("blue", "orange", "white"),
    ("star", "heart", "square"),
)
"""What the cards of worked examples show."""
WORLDS = (DEFAULT, "twisted")
_BOARD = 8
_RULE, _TWISTED = "all three the same or all three different", "exactly two the same and one different"


def is_set(cards: Sequence[Card], twisted: int | None) -> bool:
    """Whether three cards are a set; `twisted` is the feature whose rule is turned round, None in the default world.
    By the words of the rule: how many different values there are."""
    kinds = [len(set(values)) for values in zip(*cards, strict=True)]
    return all((kind == 2) == (feature == twisted) for feature, kind in enumerate(kinds))


def is_set_by_sums(cards: Sequence[Card], twisted: int | None) -> bool:
    """The same by arithmetic: three values sum to a multiple of 3 if and only if they are all alike or all
    different."""
    rests = [sum(values) % 3 for values in zip(*cards, strict=True)]
    return all((rest != 0) == (feature == twisted) for feature, rest in enumerate(rests))


def draw(ask: Ask) -> Problem:
    """Two cards, and eight on offer, of which one makes a set in either world. The eight are four pairs that differ in
    the turned feature alone, so that the two that are right do not stand out."""
    rng = ask.rng
    shows = _HELD_OUT if ask.held_out else VALUES
    feature = rng.randrange(int(ask.held_out), len(FEATURES))
    given = [_card(rng), _card(rng)]
    while given[0] == given[1]:
        given[1] = _card(rng)
    third = tuple(-(a + b) % 3 for a, b in zip(*given, strict=True))
    board = _pair(rng, third, feature)
    while len(board) < _BOARD:
        more = _pair(rng, _card(rng), feature)
        if not any(card in board or card in given or _fits(given, card, feature) for card in more):
            board += more
    right = {DEFAULT: board[0], "twisted": board[1]}
    people = list(HELD_OUT_FIRST) if ask.held_out else rng.sample(FIRST, _BOARD)
    rng.shuffle(people)
    holder = dict(zip(board, people, strict=True))
    parts = {
        "given": " and ".join(said(card, shows) for card in given),
        "cards": "\n".join(f"- {holder[card]}: {said(card, shows)}" for card in rng.sample(board, _BOARD)),
    }
    main = Question(parts, {world: holder[right[world]] for world in WORLDS}, tuple(sorted(people)))
    values = rng.choice(_PATTERNS[ask.turn % 2])
    shown = rng.sample([shows[feature][value] for value in _permuted(rng, values)], 3)
    fits = len(set(values)) != 2
    check = {DEFAULT: "allowed" if fits else "forbidden", "twisted": "forbidden" if fits else "allowed"}
    asked = {"feature": FEATURES[feature], "values": f"{shown[0]}, {shown[1]} and {shown[2]}"}
    rules = {world: _rules(feature if world == "twisted" else None) for world in WORLDS}
    return Problem(main, Question(asked, check, ("allowed", "forbidden")), rules, len(FEATURES))


_PATTERNS = (((0, 0, 1), (0, 1, 1)), ((0, 0, 0), (0, 1, 2)))
"""Values of the check: in every other problem exactly two are the same."""


def _fits(given: list[Card], card: Card, feature: int) -> bool:
    return is_set([*given, card], None) or is_set([*given, card], feature)


def _card(rng: random.Random) -> Card:
    return rng.randrange(3), rng.randrange(3), rng.randrange(3), rng.randrange(3)


def _pair(rng: random.Random, card: Sequence[int], feature: int) -> list[Card]:
    """The card, and one that differs from it in the feature alone."""
    other = list(card)
    other[feature] = (card[feature] + rng.randint(1, 2)) % 3
    return [(card[0], card[1], card[2], card[3]), (other[0], other[1], other[2], other[3])]


def _permuted(rng: random.Random, values: Sequence[int]) -> list[int]:
    names = rng.sample(range(3), 3)
    return [names[value] for value in values]


def _rules(twisted: int | None) -> dict[str, str]:
    return {name: _TWISTED if i == twisted else _RULE for i, name in enumerate(FEATURES)}


def said(card: Card, shows: Sequence[Sequence[str]] = VALUES) -> str:
    """`two striped red ovals`."""
    words = [shows[feature][value] for feature, value in enumerate(card)]
    return " ".join(words) + "s" * (card[0] > 0)


SET = Kind("set", WORLDS, draw, sized=False)
