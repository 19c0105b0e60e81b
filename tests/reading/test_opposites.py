"""What is read as legal, as illegal and as neither."""

import pytest

from harness.reading import commitment, opposites

READER = opposites.reader("legal", "illegal")

LEGAL = [
    "None of its moves is illegal.",
    "The opening is not illegal.",
    "Answer: not illegal",
    "It isn't forbidden.",
    "No move is illegal.",
    "There is no illegal move, so the opening is legal.",
    "Legal.",
    "legal",
    "**Legal**",
    "It would be illegal in normal chess, but here it is legal.",
    "In normal chess it is illegal. Here it is legal.",
    "It is legal, although it would be illegal in normal chess.",
    "All of its moves are legal.",
    "I do not think that one of the moves is illegal.",
    "At first it seems illegal, but it is legal.",
    "All moves are legal.",
    "So the opening is legal, not illegal.",
    "Answer: legal, since none of the moves is illegal",
    "There is no doubt that it is legal.",
    "It's legal. In normal chess it would be illegal.",
    "I don't see a single illegal move, so Answer: legal",
    "No. Nothing illegal here.",
    "1. Nc3 is legal. b5 is legal. 2. d4 is legal. So every move is legal.",
    "By the usual rules it is legal.",
]
ILLEGAL = [
    "In normal chess, it is legal, but here it is illegal.",
    "One of its moves is illegal.",
    "It's not legal.",
    "Not all moves are legal.",
    "All moves are legal except 2...h5.",
    "1. Nc3 is legal, but 2. Bd3 is illegal.",
    "2. Bd3 is not possible, so the opening is illegal.",
    "The first three moves are legal and the last one is illegal.",
    "Illegal: the bishop stands on b1.",
    "In normal chess it would be legal, but here it is illegal.",
    "It cannot be legal.",
    "Answer: not legal",
    "The opening is invalid.",
    "It is illegal, not legal.",
    "There is no way that this is legal.",
    "Answer: illegal (2. Bd3)",
    "Answer: illegal, although all other moves are legal",
]
NEITHER = [
    "Is it legal or illegal?",
    "legal or illegal",
    "Answer: legal or illegal",
    "Answer: legal, illegal",
    "The first move is legal.",
    "I wonder whether it is illegal.",
    "Answer: both",
    "It depends.",
]


@pytest.mark.parametrize("text", LEGAL)
def test_a_whole_without_anything_illegal_is_legal(text: str) -> None:
    assert commitment.read(text, READER)[0].value == "legal"


@pytest.mark.parametrize("text", ILLEGAL)
def test_a_whole_with_one_illegal_part_is_illegal(text: str) -> None:
    assert commitment.read(text, READER)[0].value == "illegal"


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_asked_or_left_open_or_said_of_a_part_is_no_answer(text: str) -> None:
    assert commitment.read(text, READER)[0].value is None


@pytest.mark.parametrize(("said", "denied"), [("allowed", "forbidden"), ("forbidden", "allowed")])
def test_a_pair_of_other_words_is_read_in_its_own(said: str, denied: str) -> None:
    reader = opposites.reader("allowed", "forbidden")
    assert commitment.read(f"It is {said}.", reader)[0].value == said
    assert commitment.read(f"It isn't {said}.", reader)[0].value == denied
    assert commitment.read("Answer: illegal", reader)[0].value == "forbidden"
