"""The most likely letter of a multiple-choice question."""

import asyncio
import math

import pytest

from harness.errors import UsageError
from harness.plugins import task
from harness.strategies.loglik import ASK, Loglik
from harness.types import Completion, TokenLogprob
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
