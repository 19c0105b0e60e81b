"""The most likely letter of a multiple-choice question."""

import asyncio
import math

import pytest

from harness.errors import UsageError
from harness.pipeline.store import read_records
from harness.plugins import task
from harness.strategies.loglik import ASK, ASK_TEXT, Loglik, texts
from harness.types import Completion, Message, Response, TokenLogprob
from tests.strategies.scripted import Scripted
from tests.support import Echo, Parrot, execute

PROMPT = "Which is it?\n\nA) one\nB) two\nC) three"


def reply(*tokens: tuple[str, float]) -> Completion:
    (first, share), *_ = tokens
    top = tuple((token, math.log(p)) for token, p in tokens)
    return Completion(first, stop_reason="length", logprobs=(TokenLogprob(first, math.log(share), top),))


def solve(made: Completion, prompt: str = PROMPT):
    session = Scripted(lambda *_: made, prompt=prompt)
    return session, asyncio.run(Loglik().solve(session))


def test_the_letter_of_the_most_mass_is_the_answer_however_it_is_spelt() -> None:
    session, found = solve(reply(("The", 0.3), ("A", 0.25), (" B", 0.2), ("(B", 0.1), ("C", 0.05), ("D", 0.1)))
    assert found.text == "Answer: B"
    assert found.stop_reason == "stop", "one token was asked for: the answer was not cut"
    assert found.detail["probabilities"] == pytest.approx({"A": 0.25 / 0.6, "B": 0.5, "C": 0.05 / 0.6}, abs=1e-6)
    assert session.asked[0][-1].content == f"{PROMPT}\n\n{ASK}"


def test_without_a_letter_there_is_no_answer() -> None:
    _, found = solve(reply(("The", 0.9), ("It", 0.1)))
    assert (found.text, found.detail) == ("The", {})


def test_what_it_can_not_do_is_said() -> None:
    with pytest.raises(UsageError, match="no log-probabilities"):
        solve(Completion("A"))
    with pytest.raises(UsageError, match="no options"):
        solve(reply(("A", 1.0)), "Which is it?")


def test_a_run_scores_it_as_any_answer(tmp_path) -> None:
    class Likely(Parrot):
        async def complete(self, request):
            assert (request.sampling.max_tokens, request.sampling.logprobs) == (1, 20)
            self.asked.append(request)
            return reply(("B", 0.6), ("A", 0.4))

    hub = task("hub", {"forms": "published"})
    result = asyncio.run(execute(tmp_path, Likely(), Loglik(), hub))
    targets = [sample.target for sample in hub.samples(0)]
    assert result.progress.done == len(targets)
    with pytest.raises(UsageError, match="no options"):
        asyncio.run(execute(tmp_path / "b", Likely(), Loglik(), Echo(1)))


# By the whole text ------------------------------------------------------------------------------------------------

LONG = "Which is it?\n\nA) a long option\nB) one\nC) two\n\nThink of it."
LIKELY = {"a long option": (-1.0,) * 4, "one": (-1.0, -2.5), "two": (-3.0,)}


class Tells(Scripted):
    """How likely the given texts are, by LIKELY."""

    async def ask(self, messages, *, given, **_):
        self.asked.append((messages[-1].content, given))
        return [Completion(given, logprobs=tuple(TokenLogprob("", p) for p in LIKELY[given]))]


def by_text(per: str = "text") -> Response:
    session = Tells(lambda *_: "", prompt=LONG)
    found = asyncio.run(Loglik("text", per).solve(session))
    assert session.asked == [(f"{LONG}\n\n{ASK_TEXT}", text) for text in LIKELY]
    return found


def test_the_likeliest_text_is_the_answer_by_its_sum_or_per_byte() -> None:
    assert by_text().text == "Answer: C"
    assert by_text("byte").text == "Answer: A", "its thirteen bytes cost less each"
    detail = by_text().detail
    assert detail["sums"] == {"A": -4.0, "B": -3.5, "C": -3.0}
    assert detail["per_byte"] == pytest.approx({"A": -4 / 13, "B": -3.5 / 3, "C": -1.0}, abs=1e-6)
    assert by_text("byte").detail == detail


def test_an_option_goes_on_until_the_next_one_or_an_empty_line() -> None:
    assert texts("A) is here\nB) one\n two\nC. three\n\nmore") == {"A": "is here", "B": "one\n two", "C": "three"}
    assert texts("A) of the question\n\nA) one\nB) two") == {"A": "one", "B": "two"}


def test_an_option_without_a_text_is_not_the_likeliest() -> None:
    session = Tells(lambda *_: "", prompt="A) \nB) one\nC) two")
    assert set(asyncio.run(Loglik("text").solve(session)).detail["sums"]) == {"B", "C"}


def test_a_text_that_does_not_fit_is_no_answer() -> None:
    class Full(Tells):
        async def ask(self, messages, **_):
            return [Completion("", "length", error="too long")]

    found = asyncio.run(Loglik("text").solve(Full(lambda *_: "", prompt=LONG)))
    assert (found.text, found.stop_reason) == ("", "length")


def test_the_example_set_can_be_asked_of_the_package_s_model_in_both_ways(harness, tmp_path) -> None:
    asked = ("run", "-t", "hub", "-m", "tiny", "--strategy", "loglik", "--display", "none", "-T", "forms=published")
    for how in ((), ("-S", "by=text"), ("-S", "by=text", "-S", "per=byte")):
        code, _, err = harness(*asked, *how, "--out", tmp_path / str(len(how)))
        assert code == 0, err
        [run] = (tmp_path / str(len(how))).iterdir()
        found = list(read_records(run))
        assert found
        assert {record["outcome"] for record in found} <= {"correct", "wrong", *(() if how else ("unparsed",))}
        for record in found:
            if how:
                told = record["detail"]["strategy"]
                assert set(told) == {"sums", "per_byte"}
                decides = told["per_byte" if len(how) > 2 else "sums"]
                assert record["response"] == f"Answer: {max(decides, key=decides.get)}"
                assert record["calls"] == len(decides)


def test_a_model_that_tells_no_likelihood_is_refused_by_text_alone(harness) -> None:
    asked = ("run", "-t", "hub", "-m", "openai/m", "--base-url", "http://127.0.0.1:9/v1", "--strategy", "loglik")
    code, _, err = harness(*asked, "-S", "by=text")
    assert code == 2
    assert "asks how likely given texts are, and openai/m can't tell" in err
    assert harness(*asked, "--dry-run")[0] == 0
    assert "per=byte is for whole texts" in harness(*asked, "-S", "per=byte")[2]


def test_the_answer_of_a_prompt_is_given_as_it_stands_there() -> None:
    session = Tells(lambda *_: "", prompt="What is it?")
    session.messages = (*session.messages, Message("assistant", "one"))
    found = asyncio.run(Loglik("answer").solve(session))
    assert session.asked == [("What is it?", "one")]
    assert found.text == "log-probability -3.500000 of 2 tokens"
    with pytest.raises(UsageError, match="does not end with an answer"):
        asyncio.run(Loglik("answer").solve(Tells(lambda *_: "", prompt=LONG)))
