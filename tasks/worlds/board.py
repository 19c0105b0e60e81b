"""A chess board and the legality of a move, as far as openings of a few moves need it. Knows no prompt.

Written for this project: the package python-chess is GPL-3.0, and this project is Apache-2.0 and must not need it. The
tests hold every verdict against that package.
"""

from __future__ import annotations

import re
from typing import Literal

Verdict = Literal["legal", "illegal", "unclear"]

BACK = {"default": "RNBQKBNR", "swapped": "RBNQKNBR"}
"""The pieces of the back rank from a to h in each world."""


def _on_board(file: int, rank: int) -> bool:
    return 0 <= file < 8 and 0 <= rank < 8


def _rays(square: int) -> list[list[int]]:
    """The squares in each of eight directions, lines first and then diagonals."""
    found = []
    for df, dr in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1)):
        file, rank, ray = square % 8 + df, square // 8 + dr, []
        while _on_board(file, rank):
            ray.append(8 * rank + file)
            file, rank = file + df, rank + dr
        found.append(ray)
    return found


_JUMPS = [(df, dr) for df in (-2, -1, 1, 2) for dr in (-2, -1, 1, 2) if abs(df) != abs(dr)]
RAYS = [_rays(square) for square in range(64)]
KNIGHT = [
    [8 * (s // 8 + dr) + s % 8 + df for df, dr in _JUMPS if _on_board(s % 8 + df, s // 8 + dr)] for s in range(64)
]
_SLIDES = {"R": range(4), "B": range(4, 8), "Q": range(8)}
_SAN = re.compile(r"(?:([NBRQ])(x?)|([a-h])(x))?([a-h])([1-8])")


def name(square: int) -> str:
    """`e4`."""
    return "abcdefgh"[square % 8] + str(square // 8 + 1)


def start(world: str) -> list[str]:
    """The board before the first move: 64 squares from a1 to h8, small letters are black, "" is empty."""
    back = list(BACK[world])
    return [*back, *"PPPPPPPP", *[""] * 32, *"pppppppp", *map(str.lower, back)]


def destinations(board: list[str], square: int) -> list[int]:
    """Where the piece on a square may go, if nothing is said of its king. No castling, promotion or en passant; a king
    stays where it is."""
    piece, white = board[square].upper(), board[square].isupper()
    if piece == "N":
        reached = KNIGHT[square]
    elif piece == "P":
        return _pawn(board, square, white)
    else:
        reached = []
        for direction in _SLIDES.get(piece, ()):
            for there in RAYS[square][direction]:
                reached.append(there)
                if board[there]:
                    break
    return [there for there in reached if not board[there] or board[there].isupper() != white]


def _pawn(board: list[str], square: int, white: bool) -> list[int]:
    step, home = (8, 1) if white else (-8, 6)
    ahead = square + step
    found = []
    if not board[ahead]:
        found.append(ahead)
        if square // 8 == home and not board[ahead + step]:
            found.append(ahead + step)
    sides = [ahead + side for side in (-1, 1) if 0 <= square % 8 + side < 8]
    return found + [there for there in sides if board[there] and board[there].isupper() != white]


def _reaching(board: list[str], target: int, piece: str) -> list[int]:
    """The squares of the pieces of this kind (a letter in its colour's case) that may go to the target, looked for from
    there."""
    letter = piece.upper()
    if letter == "P":
        white = piece.isupper()
        step = -8 if white else 8
        near = [target + step, target + 2 * step, target + step - 1, target + step + 1]
        return [s for s in near if 0 <= s < 64 and board[s] == piece and target in _pawn(board, s, white)]
    if letter == "N":
        return [square for square in KNIGHT[target] if board[square] == piece]
    found = []
    for direction in _SLIDES[letter]:
        first = next((square for square in RAYS[target][direction] if board[square]), None)
        if first is not None and board[first] == piece:
            found.append(first)
    return found


def attacked(board: list[str], square: int, by_white: bool) -> bool:
    """Whether a piece of the colour attacks the square."""
    own = str.upper if by_white else str.lower
    if any(board[there] == own("N") for there in KNIGHT[square]):
        return True
    for direction, ray in enumerate(RAYS[square]):
        slider = own("R" if direction < 4 else "B")
        for there in ray:
            if board[there]:
                if board[there] in (slider, own("Q")) or (there == ray[0] and board[there] == own("K")):
                    return True
                break
    below = square // 8 + (-1 if by_white else 1)
    if not 0 <= below < 8:
        return False
    return any(
        _on_board(square % 8 + side, below) and board[8 * below + square % 8 + side] == own("P") for side in (-1, 1)
    )


def after(board: list[str], origin: int, target: int) -> list[str]:
    """The board after a move."""
    changed = board.copy()
    changed[origin], changed[target] = "", board[origin]
    return changed


def move(board: list[str], white: bool, san: str) -> tuple[Verdict, list[str]]:
    """(verdict, board after it) on a move such as `Nf3`, `e4` or `exd5`; the board is as before unless it is legal.

    A move is unclear, and in no sample, if people may differ on how it is written or whether it counts: two pieces can
    make it, its x is missing or has nothing to take, or it gives check, which would have to be marked.
    """
    m = _SAN.fullmatch(san)
    if m is None:
        return "unclear", board
    letter, takes = m[1] or "P", bool(m[2] or m[4])
    target = 8 * (int(m[6]) - 1) + "abcdefgh".index(m[5])
    held = board[target]
    if held and held.isupper() == white:
        return "illegal", board
    origins = _reaching(board, target, letter if white else letter.lower())
    if m[3]:
        origins = [s for s in origins if "abcdefgh"[s % 8] == m[3] and s % 8 != target % 8]
    elif letter == "P":
        origins = [s for s in origins if s % 8 == target % 8]
    king = board.index("K" if white else "k")
    safe = [s for s in origins if not attacked(after(board, s, target), king, not white)]
    if takes != bool(held):
        # Without a piece that may go there it is illegal however it is written; but a pawn may take en passant.
        return ("illegal" if not origins and letter != "P" else "unclear"), board
    if not safe:
        return "illegal", board
    changed = after(board, safe[0], target)
    if len(safe) > 1 or attacked(changed, changed.index("k" if white else "K"), white):
        return "unclear", board
    return "legal", changed


def opening(world: str, moves: list[str]) -> tuple[Verdict, int]:
    """(verdict, number of legal half-moves) on an opening from the start: that of its first move that is not legal, or
    legal."""
    board = start(world)
    for played, san in enumerate(moves):
        verdict, board = move(board, played % 2 == 0, san)
        if verdict != "legal":
            return verdict, played
    return "legal", len(moves)
