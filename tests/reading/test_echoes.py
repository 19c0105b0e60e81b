"""Instructions that a response repeats, and where its own words begin."""

import re

import pytest

from harness.reading import commitment, echoes, numbers, yes_no

PROMPT = re.compile("^In a town", re.M)
ASKED = "In a town live 100 people.\nAre most of them tall?\nEnd with a line that says 'Answer: yes' or 'Answer: no'."


@pytest.mark.parametrize(
    "text",
    [
        "End with a line that says 'Answer: yes' or 'Answer: no'.",
        'Answer with yes or no. End with "Answer: yes" or "Answer: no".',
        'Let\'s think step by step, and end the response with a line "Answer: yes".',
        "Give the answer itself and nothing else.",
        '*End your answer with "Answer: no".*',
        "I end with a line that says 'Answer: yes' or 'Answer: no'.",
        "You asked me for 'Answer: yes' or 'Answer: no'.",
    ],
)
def test_an_instruction_is_no_answer(text: str) -> None:
    assert commitment.read(text, yes_no.READER)[0].value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Answer: no", "no"),
        (f"{ASKED}\n\nNo.", "no"),
        (f"{ASKED}\n\nMost are small, as 60 of 100 are. So no.", "no"),
        (f"{ASKED}\nAnswer: yes\n\n{ASKED}\nAnswer: no", "yes"),
        (f"Answer: yes\n\n{ASKED}\nAnswer: no", "yes"),
        (f"60 are small.\nAnswer: yes\n\n{ASKED}\n\nAnswer: no", "yes"),
        (f"So yes.\n\n{ASKED}\n\nAnswer: no", "yes"),
        (f"Some are tall.\nNo is the word for small.\n\n{ASKED}\n\nAnswer: yes", "yes"),
        ("I was told to say one word: no", "no"),
        ("My answer with an explanation: no, since 6 < 7.", "no"),
        ("I am settled now: no", "no"),
    ],
)
def test_the_answer_beside_a_repeated_prompt_is_read(text: str, value: str) -> None:
    assert commitment.read(text, yes_no.READER, PROMPT)[0].value == value


def test_a_prompt_that_begins_with_its_instructions_ends_with_the_last_question() -> None:
    prompt = re.compile("^Solve the problem", re.M)
    asked = 'Solve the problem. End with a line "Answer: NUMBER".\n\nAnna has 3 pears and eats 1. How many are left?'
    read = lambda text: commitment.read(text, numbers.reader(), prompt)[0].value  # noqa: E731
    assert read(asked) is None
    assert read(asked.replace("How many are left?", "So there are 7 pears.\n\nHow many are left?")) is None
    fact = "Delia makes 20 jugs of the drink, and that everything else in the text stays as it is"
    assert read(f"Imagine that {fact}. What is the answer to the question then?") is None
    assert read(f"{asked}\n\nAnna has 3 - 1 = 2 left.") == "2"
    assert read("Solve the problem: what is 1 + 1? End with the result.\n\nSo it is 2.\n\nIs that all?") == "2"
    assert read(f"{asked}\n\nIs it 3? No.\n\nAnswer: 2\n\nAnything else?") == "2"
    assert read(f"{asked}\n\nImagine that Anna eats 2, and all else stays as it is. How many are left then?") is None


def test_own_words_stand_behind_the_prompt_with_which_a_text_begins() -> None:
    assert echoes.own_words(f"{ASKED}\nNo.", PROMPT) == "\nNo."
    assert echoes.own_words(f"No.\n{ASKED}", PROMPT) == f"No.\n{ASKED}"
    assert echoes.own_words("In a town live many.", PROMPT) == "In a town live many."


def test_a_list_of_options_chooses_none() -> None:
    from harness.tasks.hub.reading import letter_reader

    reader = letter_reader(("jar", "lamp", "book"))
    assert commitment.read("What is between them?\n\nA) jar\nB) lamp\nC) book", reader)[0].value is None
    assert commitment.read("What is between them?\n\nA) jar\nB) lamp\nC) book\n\nB) lamp", reader)[0].value == "B"
    assert commitment.read("It is between jar and book:\n\nB) lamp", reader)[0].value == "B"
