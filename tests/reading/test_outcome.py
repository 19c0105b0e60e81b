"""The one place that says what becomes of a response: refused, cut, looping, read."""

import pytest

from harness.reading.outcome import Reading, ends_in_loop, is_refusal, judge
from harness.types import Outcome

SEVEN = Reading("7")
FINAL = Reading("7", final=True)
NONE = Reading(None, "no answer was found")


@pytest.mark.parametrize(
    ("found", "stop_reason", "outcome"),
    [
        (SEVEN, "stop", Outcome.CORRECT),
        (FINAL, "stop", Outcome.CORRECT),
        (SEVEN, "length", Outcome.TRUNCATED),
        (FINAL, "length", Outcome.CORRECT),
        (FINAL, "content_filter", Outcome.REFUSED),
        (NONE, "stop", Outcome.UNPARSED),
        (NONE, "length", Outcome.TRUNCATED),
        (Reading(None, "", declined=True), "stop", Outcome.REFUSED),
    ],
)
def test_outcome_of_a_reading(found: Reading, stop_reason: str, outcome: Outcome) -> None:
    assert judge(found, True, stop_reason, "The answer is 7.").outcome is outcome  # type: ignore[arg-type]


def test_right_counts_only_if_there_is_a_value() -> None:
    assert judge(NONE, True, "stop", "Hello.").outcome is Outcome.UNPARSED
    assert judge(SEVEN, False, "stop", "7").outcome is Outcome.WRONG


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "As an AI language model, I am unable to answer this.",
        "Sorry, I cannot comply with this request.",
        "I must respectfully decline.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Je suis désolé, mais je ne peux pas répondre.",
        "抱歉，我不能回答这个问题。",
        "申し訳ありませんが、お答えできません。",
        "Извините, я не могу помочь с этим.",
    ],
)
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text", ["The answer is 7.", "I can help with that! 7.", "", "Sorry for the delay: 7.", "I'm sorry. " + "x " * 900]
)
def test_what_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "So it goes. " * 20,
        "".join(f"{n}. Put down the red block\n{n + 1}. Pick up the red block\n" for n in range(1, 60, 2)),
        "".join(f"Step {n}: look at it again\n" for n in range(40)),
        "".join(f"The block is on block number {n}, and we look at block {n + 7}\n" for n in range(40)) + "The blo",
        "and " * 100,
    ],
)
def test_a_loop_is_seen(text: str) -> None:
    assert ends_in_loop("Let me think.\n" + text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Let me think about this step by step. First of all, Alice has brothers, and each of them has sisters.",
        "1. Pick up the red block\n2. Stack the red block on the blue block\n3. Pick up the green block\n4. Stack it",
        "no no no",
    ],
)
def test_what_is_no_loop(text: str) -> None:
    assert not ends_in_loop(text)


def test_a_loop_that_was_cut_is_no_truncation() -> None:
    score = judge(NONE, False, "length", "and then " * 100)
    assert (score.outcome, score.detail["reason"]) == (Outcome.UNPARSED, "loop")
    assert judge(FINAL, True, "length", "Answer: 7\n" + "and then " * 100).outcome is Outcome.CORRECT
