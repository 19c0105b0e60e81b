"""Closed lists of answers, to which it may belong that the question can't be answered."""

import pytest

from harness.reading import choices, commitment
from harness.reading.values import Reader

YES_NO = choices.reader(("yes", "no"))
WORDS = choices.reader(("brave", "funny", "loyal", "hungry"))

CASES = [
    (YES_NO, "It is either yes or no or unknown.", None),
    (YES_NO, "either yes or no or unknown", None),
    (YES_NO, "Answer: yes, no or unknown", None),
    (YES_NO, "yes/no/unknown", None),
    (YES_NO, "Answer: yes/no/unknown", None),
    (YES_NO, "Answer: yes, no, unknown", None),
    (YES_NO, "yes, no or unknown", None),
    (YES_NO, "Answer: yes or unknown", None),
    (YES_NO, "unknown or no", None),
    (YES_NO, "Either unknown or yes.", None),
    (YES_NO, "Could be yes, no, or unknown.", None),
    (YES_NO, "Answer: unknown/yes", None),
    (YES_NO, "Answer: unknown", "unanswerable"),
    (YES_NO, "unknown", "unanswerable"),
    (YES_NO, "It can't be known, so unknown.", "unanswerable"),
    (YES_NO, "Answer: unknown, no document says so", "unanswerable"),
    (YES_NO, "Neither yes nor no: unknown.", "unanswerable"),
    (YES_NO, "Answer: Unknown (neither yes nor no follows)", "unanswerable"),
    (YES_NO, "It is neither yes nor no, so the answer is unknown.", "unanswerable"),
    (YES_NO, "No, it is not known for that.", "no"),
    (YES_NO, "Answer: no", "no"),
    (YES_NO, "Answer: yes, not unknown", "yes"),
    (WORDS, "brave/funny/loyal/unknown", None),
    (WORDS, "Answer: brave/funny/loyal/unknown", None),
    (WORDS, "brave, funny, loyal, hungry, unknown", None),
    (WORDS, "Answer: brave, funny or unknown", None),
    (WORDS, "One of: brave, funny, loyal, hungry or unknown", None),
    (WORDS, "Either brave or unknown", None),
    (WORDS, "Answer: unknown or brave", None),
    (WORDS, "Answer: unknown", "unanswerable"),
    (WORDS, "Either brave or funny would do, so unknown.", "unanswerable"),
    (WORDS, "It could be brave or funny, so it is unknown which: unknown", "unanswerable"),
    (WORDS, "Answer: brave", "brave"),
    (WORDS, "So it is brave.", "brave"),
]


@pytest.mark.parametrize(("reader", "text", "value"), CASES)
def test_one_of_a_list_is_read_and_a_list_of_all_is_not(reader: Reader, text: str, value: str | None) -> None:
    assert commitment.read(text, reader)[0].value == value
