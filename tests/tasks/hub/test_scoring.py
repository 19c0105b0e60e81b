"""Readers of letters, labels, numbers and texts; the rules of other harnesses; answers that are hostile."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.options import build
from harness.tasks.hub import reading, scoring
from harness.tasks.hub.task import Hub
from harness.types import Outcome

OPTIONS = ("the red stone", "the blue stone", "both of them", "neither of them")
CHOICE = {"kind": "choice", "options": OPTIONS, "answer": "B", "order": (0, 1, 2, 3)}
NUMBER = {"kind": "number", "options": (), "answer": "1250"}


def outcome(params: dict, text: str, rule: str = "ours", stop_reason="stop") -> str:
    return scoring.by(rule, params, text, stop_reason).outcome.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", "correct"),
        ("b", "correct"),
        ("(B)", "correct"),
        ("B) the blue stone", "correct"),
        ("B. the blue stone", "correct"),
        ("Option B", "correct"),
        ("The blue stone.", "correct"),
        ("Answer: the blue stone", "correct"),
        ("I choose B.", "correct"),
        ("Option B is correct, because it is blue.", "correct"),
        ("A is wrong and C is too, so the answer is B.", "correct"),
        ("Answer: A\n\nWait, it is blue.\n\nAnswer: B", "correct"),
        ("A stone is red.\nSo option B fits.", "correct"),
        ("Answer: C", "wrong"),
        ("Answer: B\n\nOn reflection, the answer is D.", "wrong"),
        ("Answer: B or C", "unparsed"),
        ("Both A and B are possible.", "unparsed"),
        ("A nice question.", "unparsed"),
        ("I like stones.", "unparsed"),
        ("Answer: Z", "unparsed"),
        ("", "unparsed"),
        ("I'm sorry, but I can't help with that.", "refused"),
    ],
)
def test_the_last_letter_that_is_committed_to_counts(text: str, expected: str) -> None:
    assert outcome(CHOICE, text) == expected


def test_a_cut_answer_is_truncated_and_a_filtered_one_refused() -> None:
    assert outcome(CHOICE, "Let me look at the first", stop_reason="length") == "truncated"
    assert outcome(CHOICE, "Answer: B", stop_reason="content_filter") == "refused"
    assert outcome(CHOICE, "Answer: B", "inspect", "content_filter") == "refused"


@pytest.mark.parametrize(
    ("text", "expected", "strict", "flexible"),
    [
        ("#### 1,250", "correct", True, True),
        ("Answer: $1,250.", "correct", False, True),
        ("Answer: 1250.0", "correct", False, False),
        ("It is 1250, so the answer is 1250.", "correct", False, True),
        ("#### 12\n\nSo we have 1250 sacks.", "wrong", False, True),
        ("Answer: 1251", "wrong", False, False),
        ("Answer: many", "unparsed", False, False),
    ],
)
def test_numbers_are_compared_by_value_and_lm_eval_s_two_verdicts_stand_beside(
    text, expected, strict, flexible
) -> None:
    score = scoring.by("ours", NUMBER, text, "stop")
    assert score.outcome.value == expected
    assert (score.detail["strict"], score.detail["flexible"]) == (strict, flexible)
    assert scoring.by("lm-eval", NUMBER, text, "stop").value == float(flexible)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("inspect", "ANSWER: A\nNo.\nANSWER: B", "correct"),
        ("inspect", "ANSWER: B\nand ANSWER: C in passing", "correct"),  # a line of its own first
        ("inspect", "I say answer: b here", "correct"),
        ("inspect", "The blue stone", "wrong"),  # there is no unparsed answer
        ("simple-evals", "Answer: A\n...\nAnswer: B", "wrong"),  # an early guess wins
        ("simple-evals", "answer : $B$", "correct"),
        ("simple-evals", "B", "wrong"),
        ("lm-eval", "the answer is (B)", "correct"),
        ("lm-eval", "the answer is A, no, the answer is B", "wrong"),
        ("lm-eval", "Answer: B", "wrong"),
    ],
)
def test_rules_of_other_harnesses_are_read_strictly(rule: str, text: str, expected: str) -> None:
    assert outcome(CHOICE, text, rule) == expected


def test_a_rule_that_reads_no_such_answers_says_so() -> None:
    with pytest.raises(DataError, match="inspect reads no answers of the kind number"):
        scoring.by("inspect", NUMBER, "7", "stop")


@pytest.mark.parametrize(
    "params",
    [
        {"kind": "choice", "options": OPTIONS},
        {"kind": "choice", "answer": "A", "options": 7},
        {"kind": "choice", "answer": "A"},
        {"kind": "choice", "answer": "A", "options": ["x"] * 27},
        {"kind": "label", "answer": "A", "options": []},
    ],
)
def test_params_without_an_answer_are_an_error(params: dict) -> None:
    with pytest.raises(DataError, match=r"params\."):
        scoring.by("ours", params, "A", "stop")


@pytest.mark.parametrize(
    ("right", "text", "expected"),
    [
        ("(A)", "Answer: (A)", "correct"),
        ("(A)", "Answer: A", "correct"),
        ("-4", "Answer: -4", "correct"),
        ("-4", "Answer: 4", "wrong"),
        (") } ]", "Let me see.\nAnswer: ) } ]", "correct"),
        (") } ]", "Answer: ) ] }", "wrong"),
        ("apple fig pear", "Answer: apple, fig, pear", "correct"),
        ("apple fig pear", "Answer: fig apple pear", "wrong"),
        ("son-in-law", "Answer: son in law", "correct"),
    ],
)
def test_texts_are_compared_by_their_words(right: str, text: str, expected: str) -> None:
    assert outcome({"kind": "text", "options": (), "answer": right}, text) == expected


@pytest.mark.parametrize("answer", ["True", "Neither", "entailment", "stronger", "unknown", "yes"])
def test_labels_are_read_as_words(answer: str) -> None:
    labels = {"yes": ("yes", "no")}.get(answer, (answer, "other"))
    params = {"kind": "yes_no" if answer == "yes" else "label", "options": labels, "answer": answer}
    assert outcome(params, f"Because of this, the answer is {answer}.") == "correct"
    assert outcome(params, f"Answer: {labels[1]}") == "wrong"


NLI, TWO = ("contradiction", "entailment", "neutral"), ("entailment", "not_entailment")


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        (NLI, "There is no entailment and no contradiction. Neutral.", "neutral"),
        (NLI, "Answer: neutral (no entailment)", "neutral"),
        (NLI, "There is no entailment; it is a contradiction.", "contradiction"),
        (NLI, "No: entailment.", "entailment"),
        (NLI, "No, it is entailment.", "entailment"),
        (NLI, "Answer: no entailment", None),
        (NLI, "Answer: not entailment", None),
        (NLI, "Answer: there is no contradiction", None),
        (NLI, "Non-entailment", None),
        (NLI, "There is no entailment.", None),
        (TWO, "Answer: no entailment", "not_entailment"),
        (TWO, "Answer: non-entailment", "not_entailment"),
        (TWO, "There is no entailment.", "not_entailment"),
        (TWO, "Answer: not entailment", "not_entailment"),
        (TWO, "Answer: entailment", "entailment"),
    ],
)
def test_a_label_that_is_denied_is_not_the_answer(labels: tuple[str, ...], text: str, label: str | None) -> None:
    params = {"kind": "label", "options": labels, "answer": labels[0]}
    score = scoring.ours(params, text, "stop")
    assert (score.answer if label else score.outcome) == (label or Outcome.UNPARSED)


PIECES = st.sampled_from(["#### ", "####", "1,250", "1250", "$1,250.", "-3", " is ", "\n", ".", ",", "the answer 7"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_strict_and_flexible_agree_with_the_two_patterns_themselves(text: str) -> None:
    """As lm-eval's filters do it: every match, the first or the last of them, and what its metric ignores."""

    def plain(found: str) -> str:
        return re.sub(r"\.$", "", re.sub(r"\$", "", re.sub(",", "", found)))

    strict = re.findall(r"#### (\-?[0-9\.\,]+)", text)
    flexible = ["".join(m) for m in re.findall(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", text)]
    assert scoring.strict_and_flexible(text, "1250") == {
        "strict": bool(strict) and plain(strict[0]) == "1250",
        "flexible": bool(flexible) and plain(flexible[-1]) == "1250",
    }


SETS = ("example", "gsm8k", "snli", "strategyqa", "bbh")


@given(st.sampled_from(SETS), st.text(max_size=300), st.sampled_from(["stop", "length", "content_filter"]))
def test_no_text_is_too_odd(name: str, text: str, stop_reason) -> None:
    made = task(name)
    for sample in list(made.samples(0))[:2]:
        assert made.score(sample.params, text, stop_reason).outcome in Outcome
        read = made.read(sample.params, text, stop_reason)
        assert read is None or isinstance(made.answer_key(read), str)


def task(name: str) -> Hub:
    file = Path(__file__).parents[2] / "fixtures" / "hub" / f"{name}.jsonl"
    return build(Hub, {"set": name, **({} if name == "example" else {"file": str(file)})}, "task hub")


@pytest.mark.parametrize("piece", ["Answer: ", "B or ", "(B", "####", "1,", "not ", "option A ", "$", "{", "] }"])
@pytest.mark.parametrize("name", SETS)
def test_long_texts_end(name: str, piece: str) -> None:
    made = task(name)
    sample = next(made.samples(0))
    for rule in ("ours", "inspect", "simple-evals", "lm-eval"):
        if rule == "ours" or made.of.kind == "choice":
            scoring.by(rule, sample.params, piece * 30_000, "stop")


def test_what_is_read_does_not_depend_on_what_is_right() -> None:
    made = task("example")
    sample = next(made.samples(0))
    texts = ("Answer: C", "The answer is the lamp.", "C, I think", "Answer: many")
    for text in texts:
        assert len({made.read({**sample.params, "answer": letter}, text) for letter in "ABCD"}) == 1


def test_the_same_number_has_the_same_key() -> None:
    made = task("gsm8k")
    assert made.answer_key("1,250") == made.answer_key("1250.0") != made.answer_key("1251")
    assert reading.folded("Son-in-law.") == reading.folded("son in law")
    assert json.dumps(reading.folded("−4")) == '"-4"'


DIFFERENT = [
    ("x > 2", "x < 2"), ("(0,1)", "[0,1)"), ("a + b", "a - b"), ("5%", "5"), ("C++", "C"), ("C#", "C"), ("A∩B", "A∪B"),
    ("¬p", "p"), ("x²", "x2"), ("a * b", "a b"), ("a ≤ b", "a < b"), ("20°", "20"), ("a/b", "a b"), ("x - 1", "x 1"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_differ_in_a_symbol_are_two(one: str, other: str) -> None:
    assert reading.folded(one) != reading.folded(other)
    reader = reading.letter_reader((one, other, "neither"))
    for line, letter in ((one, "A"), (other, "C" if other == "C" else "B"), (f"**{one}**", "A"), (f"A) {one}", "A")):
        found = reader.alone(line)
        assert (line, found and found.value) == (line, letter)
    asked = {"kind": "choice", "answer": "A", "options": (one, other, "neither")}
    if other != "C":  # that is a letter too
        assert scoring.ours(asked, f"Answer: {other}", "stop").value == 0
    assert scoring.ours(asked, f"Answer: {one}", "stop").value == 1
    params = {"kind": "text", "answer": one, "options": ()}
    for form in ("Answer: {}", "**Answer: {}**", "{}", "Answer: {}."):
        assert scoring.ours(params, form.format(other), "stop").value != 1, form
        assert scoring.ours(params, form.format(one), "stop").value == 1, form


def test_options_of_the_same_words_are_read_as_they_are_written_or_not_at_all() -> None:
    reader = reading.letter_reader(("do it!", "do it?", "rest"))
    read = {text: found and found.value for text in ("Do it!", "do it?", "do it") for found in [reader.alone(text)]}
    assert read == {"Do it!": "A", "do it?": "B", "do it": None}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(A)", "A"),
        ("[Paris]", "paris."),
        ("e-mail", "E mail"),
        ("1⁄2", "½"),
        ("x²", "x^2"),
        ("$5$", "5"),
        ("✅ Rome", "Rome"),
    ],
)
def test_spellings_of_one_answer_are_equal(one: str, other: str) -> None:
    assert reading.folded(one) == reading.folded(other)
