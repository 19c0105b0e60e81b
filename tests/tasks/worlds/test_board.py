"""Chess moves: each verdict is that of python-chess; what people may differ on is unclear, and in no sample."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.worlds import board

FEN = {"default": "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
       "swapped": "rbnqknbr/pppppppp/8/8/8/8/PPPPPPPP/RBNQKNBR w - - 0 1"}  # fmt: skip
SANS = [f"{p}{x}{f}{r}" for p in ("", "N", "B", "Q", "R") for x in ("", "x") for f in "abcdefgh" for r in range(1, 9)]
SANS = [san for san in SANS if not san.startswith("x")]
SANS += [f"{a}x{b}{r}" for a, b in ("ab", "ba", "de", "ed", "ef", "gh") for r in range(3, 7)]


@given(st.integers(0, 2**40), st.sampled_from(sorted(FEN)))
@settings(deadline=None, max_examples=25)
def test_every_verdict_is_that_of_python_chess(seed: int, world: str) -> None:
    """Along a random game of ten half-moves, every move that can be written is judged at every turn."""
    chess = pytest.importorskip("chess")
    rng, game, position = random.Random(seed), chess.Board(FEN[world]), board.start(world)
    for played in range(10):
        legal = {game.san(move) for move in game.legal_moves}
        found = {san: board.move(position, played % 2 == 0, san) for san in SANS}
        mine = {san for san, (verdict, _) in found.items() if verdict == "legal"}
        assert mine <= legal
        assert not {san for san, (verdict, _) in found.items() if verdict == "illegal"} & legal
        assert {san for san in legal & set(SANS) if not game.is_en_passant(game.parse_san(san))} <= mine
        if not mine:
            break
        san = rng.choice(sorted(mine))
        game.push_san(san)
        position = found[san][1]


@pytest.mark.parametrize(
    ("world", "moves", "verdict", "played"),
    [
        ("default", "e4 e5 Nf3 Nc6", "legal", 4),
        ("swapped", "e4 e5 Nf3 Nc6", "illegal", 2),
        ("swapped", "Ne3 Ne6 Nd5 d6", "legal", 4),
        ("default", "e4 e5 Ng3", "illegal", 2),
        ("default", "e4 d5 exd5 Qxd5", "legal", 4),
        ("default", "Bc4", "illegal", 0),
        ("default", "e4 e5 Bb5 d6", "illegal", 3),
        ("default", "e5", "illegal", 0),
        ("default", "e4 f6 Qh5", "unclear", 2),
        ("default", "e4 d5 ed5", "unclear", 2),
        ("default", "e4 d5 e5 f5 exf6", "unclear", 4),
        ("default", "Nf3 a6 d3 a5 Nd2 a4", "unclear", 4),
        ("default", "Nb1", "illegal", 0),
        ("default", "O-O", "unclear", 0),
    ],
)
def test_openings_by_hand(world: str, moves: str, verdict: str, played: int) -> None:
    assert board.opening(world, moves.split()) == (verdict, played)
