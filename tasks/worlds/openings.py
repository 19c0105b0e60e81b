"""Kind `chess`: is an opening legal, if knights and bishops start as usual, or have changed places? Knows no prompt."""

from __future__ import annotations

import random

from harness.tasks.worlds import board
from harness.tasks.worlds.problem import DEFAULT, Ask, Kind, Problem, Question

WORLDS = (DEFAULT, "swapped")
_SQUARES = {"N": "b1, g1, b8 and g8", "B": "c1, f1, c8 and f8"}
_RULES = {
    DEFAULT: {"knights": _SQUARES["N"], "bishops": _SQUARES["B"]},
    "swapped": {"knights": _SQUARES["B"], "bishops": _SQUARES["N"]},
}
_NAMES = {"R": "rook", "N": "knight", "B": "bishop", "Q": "queen", "K": "king"}
_PIECES = "PPPNNNBBBQ"
"""What is moved: a letter as often as it stands here."""


def draw(ask: Ask) -> Problem:
    """An opening of `length` half-moves that is legal in one world alone: in the default one in every other group."""
    world, other = WORLDS if ask.turn % 2 == 0 else WORLDS[::-1]
    count = ask.length + ask.held_out
    while True:
        moves = _played(ask.rng, world, count)
        if len(moves) == count and board.opening(other, moves)[0] == "illegal":
            break
    answers = {world: "legal", other: "illegal"}
    main = Question({"moves": numbered(moves)}, answers, ("illegal", "legal"))
    # Examples ask for pieces that stand in both worlds where they always do.
    files = "adeh" if ask.held_out else "bg" if ask.turn // 2 % 2 == 0 else "cf"
    square = ask.rng.choice(files) + ask.rng.choice("18")
    there = {world: _NAMES[board.BACK[world]["abcdefgh".index(square[0])]] for world in WORLDS}
    return Problem(main, Question({"square": square}, there, ("bishop", "knight")), _RULES, count)


def _played(rng: random.Random, world: str, count: int) -> list[str]:
    """Legal moves at random, none of which is unclear; fewer than `count` if that comes to an end."""
    position, moves = board.start(world), list[str]()
    for _ in range(20 * count):
        white = len(moves) % 2 == 0
        letter = rng.choice(_PIECES)
        piece = letter if white else letter.lower()
        square = rng.choice([s for s in range(64) if position[s] == piece] or [0])
        there = board.destinations(position, square) if position[square] == piece else []
        if not there:
            continue
        target = rng.choice(there)
        takes = "x" if position[target] else ""
        origin = "" if letter != "P" else board.name(square)[0] if takes else ""
        san = f"{'' if letter == 'P' else letter}{origin}{takes}{board.name(target)}"
        verdict, position = board.move(position, white, san)
        if verdict == "legal":
            moves.append(san)
            if len(moves) == count:
                break
    return moves


def numbered(moves: list[str]) -> str:
    """`1. e4 e5 2. Nf3 Nc6`."""
    pairs = [moves[i : i + 2] for i in range(0, len(moves), 2)]
    return " ".join(f"{number}. {' '.join(pair)}" for number, pair in enumerate(pairs, 1))


CHESS = Kind("chess", WORLDS, draw)
