"""Reading a committed number out of free text: what counts, what does not, and that no text can hurt."""

import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reading import commitment, numbers
from harness.reading.outcome import Reading


def extract(text: str, letters: str = "") -> Reading:
    """What a text commits to, read as a count."""
    return commitment.read(text, numbers.reader(numbers.Counts(letters)))[0]


READ = [
    ("A: 7", "7"),
    ("**A:** 7", "7"),
    ("With Alice herself we get 7.", "7"),
    ("### Answer: 7", "7"),
    ("### Answer:\n\n**7**", "7"),
    ("### Answer: 7.0", "7"),
    ("Alice's brother has 7 sisters.", "7"),
    ("### Answer: Alice's brother has 6 sisters plus Alice, i.e. 7.", "7"),
    ("Let me check. Answer: first guess 6. Correction... ### Answer: 7", "7"),
    ("### Answer: Since Alice has 3 brothers, each brother has 7 sisters", "7"),
    ("The answer is 7.", "7"),
    ("### Answer: seven", "7"),
    ("### Answer: twenty-one", "21"),
    ("### Answer: none", "0"),
    ("### Answer: one", "1"),
    ("### Answer: Alice's brother has one sister.", "1"),
    ("### Answer: 1,000", "1000"),
    ("### Answer: 7.5", "7.5"),
    ("**Final:** \\boxed{7}", "7"),
    ("### Answer: $6+1=\\boxed{7}$", "7"),
    ("The final answer is: $\\boxed{\\text{7 sisters}}$", "7"),
    ("<think>### Answer: 3</think>\n### Answer: 7", "7"),
    ("### Answer: 7 sisters (Alice and her 6 sisters)", "7"),
    ("### Answer: 6 + 1 = 7", "7"),
    ("### Answer: 6 sisters + Alice = 7", "7"),
    (
        "Alice has 6 sisters. So her brother has six sisters plus Alice.\n\nTherefore each brother has **7 sisters**.",
        "7",
    ),
    ("7", "7"),
    ("**7**", "7"),
    ('"### Answer: 7"', "7"),
    ("#### Answer: 7\n\nLet me know if you need more help with the 3 brothers!", "7"),
    ("### Answer: 6\n\nWait, Alice is a girl too. So each brother has 7 sisters.", "7"),
    ('I will use the form "### Answer: ". Alice\'s brother has 4 sisters.', "4"),
    ("Answer: Alice's brother has 7 sisters, since Alice has 6 sisters and is a girl herself.", "7"),
    ("### Answer: Alice's brother has 7 sisters: Alice and her 6 sisters.", "7"),
    ("Each brother has Alice and her 6 sisters, so 7 sisters.", "7"),
    ("### Answer: Alice has 2 brothers.  **Explanation:** - Bob has 2 brothers, meaning there are 3 in total.", "2"),
    ("### Answer: Alice has 3 brothers and 6 sisters. Her brother therefore has 7 sisters.", "7"),
    ("The answer to this question is 7.", "7"),
    ("To sum up, 7 sisters.", "7"),
    ("### Answer: 7\n\nExplanation: The answer is 6 sisters + Alice.", "7"),
    ("### Answer: 7\n\nThe answer assumes that Alice is female. If Alice were male, the answer would be 6.", "7"),
    ("The obvious answer is 6, but this is wrong. Alice's brother has 7 sisters.", "7"),
    ("At first glance the answer is 6. However, Alice herself must be counted, giving 7.", "7"),
    ("Alice's brother has **7 sisters**.\n\nHere's why:\n- Alice has 6 sisters.\n- Alice counts.", "7"),
    ("Alice's brother has 6 sisters, plus Alice herself, for a total of 7 sisters.", "7"),
    ("He has 6 sisters in addition to Alice, so he has 7 sisters.", "7"),
    ("### Answer: 6. Wait, no - Alice is also a sister. So it's 7.", "7"),
    ("Answer: 6. Correction: 7.", "7"),
    ("### Answer: 6\n\nEdit: 7", "7"),
    ("### Answer: 7\n\nPlease wait for more questions.", "7"),
    ("### Answer: 7\n\nWait, let me double check: 6 sisters + Alice = 7. Yes, 7 is correct.", "7"),
    ("<Think>### Answer: 6</Think>\n7", "7"),
    ("The sisters: Alice, S1, S2, S3, S4, S5, S6. That's 7.", "7"),
    ("Alice's brother has exactly 7 sisters in total: 6 + Alice.", "7"),
    ("Alice's brother has no sisters.", "0"),
    ("Result: 7", "7"),
    ("I'd say 7.", "7"),
    ("### Answer\n7", "7"),
    ("**Final Answer**\n\n**7**", "7"),
    ("Answer = 7", "7"),
    ("### Answer: 7\n### Explanation: 6 sisters + Alice = 7; the 3 brothers do not matter.", "7"),
    ("1. Alice has 3 brothers\n2. Alice has 6 sisters\n3. Brother's sisters = 6 + 1 = 7", "7"),
]

UNREAD = [
    "",
    "   \n",
    "I am not sure.",
    "<think> 7 7 7",
    "### Answer: X",
    "### Answer: at least 3",
    "### Answer: 5 or 6",
    "### Answer: between 5 and 6",
    "### Answer: 4-6 cousins",
    "### Answer: 6\n\nWait, that's wrong.",
    "### Answer: It cannot be determined, it may be 3.",
    "### Answer: 2**9",
    "### Answer: 6 + 1",
    "### Answer: x + y + 5",
    "### Answer: 7th",
]


@pytest.mark.parametrize(("text", "answer"), READ)
def test_the_last_committed_answer_is_read(text: str, answer: str) -> None:
    assert extract(text).value == answer


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_not_an_answer_is_not_guessed(text: str) -> None:
    found = extract(text)
    assert found.value is None
    assert found.reason


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("### Answer: M+1", "M+1"),
        ("### Answer: $1+M$", "M+1"),
        ("Alice's brother has M + 1 sisters.", "M+1"),
        ("### Answer: M", "M"),
        ("### Answer: N + M", "M+N"),
        ("### Answer: M + 1 sisters (M sisters plus Alice).", "M+1"),
    ],
)
def test_sums_with_letters_are_brought_to_one_form(text: str, answer: str) -> None:
    assert extract(text, "MN").value == answer


@given(
    st.integers(0, 10**9),
    st.sampled_from(["### Answer: {}", "The answer is {}.", "\\boxed{{{}}}", "x\n\n{}\n\nAnswer: {}"]),
)
def test_any_number_in_the_asked_form_is_read(number: int, form: str) -> None:
    assert extract(form.format(number, number)).value == str(number)


@given(st.integers(0, 99), st.text(max_size=200))
def test_thinking_never_changes_the_answer(number: int, thought: str) -> None:
    answer = f"### Answer: {number}"
    closed = thought.replace("<", "").replace(">", "")
    assert extract(f"<think>{closed}</think>{answer}") == extract(answer)


@given(st.text(), st.sampled_from(["", "MN"]))
def test_any_text_gives_an_answer_or_a_reason(text: str, letters: str) -> None:
    found = extract(text, letters)
    assert (found.value is None) == bool(found.reason)


@given(st.text(alphabet="answer: 7\n*#.()+=so<think>{}\\boxed M1-", max_size=300))
def test_near_misses_give_an_answer_or_a_reason(text: str) -> None:
    for letters in ("", "M"):
        found = extract(text, letters)
        assert (found.value is None) == bool(found.reason)


@pytest.mark.parametrize("piece", hostile.NUMBERS)
def test_a_megabyte_of_anything_is_read_in_linear_time(piece: str) -> None:
    """No clock here: quadratic work on a megabyte would not end within the test run."""
    text = piece * (1_000_000 // len(piece))
    extract(text)
    extract(text, "MN")
