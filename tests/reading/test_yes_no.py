"""What is read as yes, as no and as neither."""

import pytest

from harness.reading import commitment, yes_no


@pytest.mark.parametrize(
    "text",
    ["Answer: not yes", "The answer is not yes.", "Is the answer yes?", "Answer: not no", "Answer: yes, no",
     "Answer: yes / no", "Answer:\n- yes\n- no", "Answer: No effect", "Yes or no?", "Answer: either yes or no",
     "Answer: yes\n\nHmm, that is not true.", "Answer: no\n\nNo, that is wrong.", "Answer: no. That is wrong."],
)  # fmt: skip
def test_what_is_denied_asked_or_left_open_is_no_answer(text: str) -> None:
    assert commitment.read(text, yes_no.READER)[0].value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Answer: **No**, because yes would need more.", "no"),
        ("Answer: `No`, because yes would need more.", "no"),
        ('Answer: "No", because yes would need more.', "no"),
        ("Answer: (No), because yes would need more.", "no"),
        ("Answer: not yes, but no", "no"),
        ("So the answer is no, not yes.", "no"),
        ("I end with a line that says 'Answer: yes' or 'Answer: no'.\n\nAnswer: no", "no"),
        ("No causal effect, so yes", "yes"),
        ("Answer: yes, no doubt about it", "yes"),
        ("Answer:\n- yes", "yes"),
        ("Answer: no, it is not true.", "no"),
        ("Answer: **No**, that is not correct.", "no"),
        ("No, that is wrong.", "no"),
        ("Answer: no - it is not true", "no"),
        ("The answer is no, it is not true that they differ.", "no"),
        ("Answer: false, it is not valid.", "no"),
        ("Answer: yes, it is not true that they differ.", "yes"),
        ("Answer: no. Wait, that is wrong. Answer: yes", "yes"),
        ("That is false.", "no"),
        ("So the statement is true.", "yes"),
        ("Yes, it follows.\n\n(If it said the opposite, the answer would be no.)", "yes"),
    ],
)
def test_the_word_that_is_meant_is_read(text: str, value: str) -> None:
    assert commitment.read(text, yes_no.READER)[0].value == value
