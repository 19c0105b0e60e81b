"""Strategies that draw several samples: a vote on their answers, or a judge that accepts one."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.errors import AidError, FatalModelError, UsageError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.results import attempts
from harness.strategies.best_of_n import BestOfN
from harness.strategies.cot import CoT
from harness.strategies.self_consistency import SelfConsistency
from harness.types import Completion
from tests.strategies.chances import CONFIG, Chancy, Verified, recorded, records, right_with, share, within
from tests.support import Echo, Parrot, execute

# Chain of thought -------------------------------------------------------------------------------------------------


def test_two_calls_are_two_requests_and_the_second_has_the_transcript(tmp_path: Path) -> None:
    model = Parrot(lambda text: "thinking aloud" if "step by step" in text else "0")
    asyncio.run(execute(tmp_path, model, CoT(extract="two-call"), Echo(1)))
    first, second = model.asked
    assert [m.role for m in second.messages] == ["user", "assistant", "user"]
    assert second.messages[0] == first.messages[0]
    assert second.messages[1].content == "thinking aloud"
    assert (records(tmp_path)[0]["outcome"], records(tmp_path)[0]["calls"]) == ("correct", 2)


def test_one_call_stays_one_request(tmp_path: Path) -> None:
    model = Parrot()
    asyncio.run(execute(tmp_path, model, CoT(), Echo(3)))
    assert len(model.asked) == 3


def test_a_prompt_that_the_server_refuses_is_not_asked_a_second_time(tmp_path: Path) -> None:
    class Filtered(Parrot):
        async def complete(self, request):
            self.asked.append(request)
            return Completion("", "content_filter", error="not this")

    model = Filtered()
    asyncio.run(execute(tmp_path, model, CoT(extract="two-call"), Echo(1)))
    assert (len(model.asked), records(tmp_path)[0]["outcome"]) == (1, "refused")


# Votes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "wrong", "k", "expected"), [(0.4, 3, 5, 0.5094), (0.4, 1, 15, 0.2131)])
def test_votes_help_if_errors_are_spread_and_hurt_if_one_wrong_answer_is_shared(
    tmp_path: Path, p: float, wrong: int, k: int, expected: float
) -> None:
    """The exact shares: a majority of k, of one right answer and of equally likely wrong ones, ties shared."""
    n = 1000
    asyncio.run(execute(tmp_path, Chancy(right_with(p, wrong)), SelfConsistency(k), Echo(n), CONFIG))
    assert within(share(tmp_path), expected, n)
    assert {r["calls"] for r in records(tmp_path)} == {k}


class Told(Parrot):
    """Answers with the words that it was given, one after another."""

    def __init__(self, *answers: str | Completion) -> None:
        super().__init__(max_connections=1)
        self.answers = list(answers)

    async def complete(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Completion) else Completion(answer, prompt_tokens=2, completion_tokens=1)


@dataclass(frozen=True)
class Spoken(Echo):
    """No answer is read from "hm"; answers are compared without case."""

    def read(self, params, response, stop_reason="stop"):
        return None if response == "hm" or stop_reason == "length" else response


def vote(directory: Path, *answers: str | Completion) -> dict:
    asyncio.run(execute(directory, Told(*answers), SelfConsistency(len(answers)), Spoken(1), CONFIG))
    return records(directory)[0]


def test_the_response_is_the_first_sample_with_the_winning_answer(tmp_path: Path) -> None:
    record = vote(tmp_path, "other", "Seven ", "seven", "hm", "SEVEN")
    assert record["response"] == "Seven "
    assert record["detail"]["strategy"] == {"k": 5, "voted": 4, "votes": 3, "tied": 1}


def test_of_a_tie_the_first_to_come_wins_and_the_tie_is_noted(tmp_path: Path) -> None:
    record = vote(tmp_path, "hm", "b", "a", "a", "b")
    assert (record["response"], record["detail"]["strategy"]["tied"]) == ("b", 2)
    nodes = [n for n in store.read_nodes(tmp_path) if n["role"] == "vote"]
    assert [(n["answer"], n["votes"], n["first"], n["won"], n["tied"]) for n in nodes] == [
        ("b", 2, 1, True, True),
        ("a", 2, 2, False, True),
    ]
    [table] = attempts.of_run(recorded(tmp_path), Spoken(1))
    assert table.rows[0][1].startswith("1.000")


def test_samples_without_an_answer_do_not_vote(tmp_path: Path) -> None:
    record = vote(tmp_path, "hm", "hm", Completion("a", "length"), "b")
    assert (record["response"], record["detail"]["strategy"]["voted"]) == ("b", 1)
    assert vote(tmp_path / "none", "hm", "hm")["response"] == "hm"


def test_a_vote_at_temperature_0_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    for strategy in (SelfConsistency(3), BestOfN(3)):
        model = Parrot()
        with pytest.raises(UsageError, match="at temperature 0 the answers are all the same"):
            asyncio.run(execute(tmp_path, model, strategy, Verified(2), RunConfig("echo", "parrot")))
        assert model.asked == []


def test_a_vote_that_was_cut_off_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    class Dies(Chancy):
        async def complete(self, request):
            if len(self.asked) == 7:
                raise FatalModelError("gone", "not_found")
            return await super().complete(request)

    whole, cut, rest = (kind(right_with(0.4)) for kind in (Chancy, Dies, Chancy))
    cut.max_connections = 1
    asyncio.run(execute(tmp_path / "whole", whole, SelfConsistency(5), Echo(4), CONFIG))
    asyncio.run(execute(tmp_path / "cut", cut, SelfConsistency(5), Echo(4), CONFIG))
    asyncio.run(execute(tmp_path / "cut", rest, SelfConsistency(5), Echo(4), CONFIG))
    assert len(cut.asked) + len(rest.asked) == len(whole.asked) == 20
    same = [[(r["id"], r["response"], r["detail"]) for r in records(tmp_path / name)] for name in ("whole", "cut")]
    assert same[0] == same[1]


def test_a_budget_holds_inside_a_vote(tmp_path: Path) -> None:
    """Each answer takes three tokens: after 21 of them nothing more is begun, and a larger budget asks for the rest."""
    first, rest = Chancy(right_with(0.4)), Chancy(right_with(0.4))
    first.max_connections = 1
    result = asyncio.run(execute(tmp_path, first, SelfConsistency(5), Echo(4), replace(CONFIG, budget_tokens=21)))
    assert (result.status, len(first.asked)) == ("incomplete", 7)
    assert asyncio.run(execute(tmp_path, rest, SelfConsistency(5), Echo(4), CONFIG)).status == "complete"
    assert len(rest.asked) == 13


# Best of n ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["verifier", "oracle"])
def test_best_of_n_solves_what_any_of_n_samples_solves(tmp_path: Path, by) -> None:
    """1 - 0.93 ** 10 = 0.5160."""
    n = 1000
    asyncio.run(execute(tmp_path, Chancy(right_with(0.07)), BestOfN(10, by), Verified(n), CONFIG))
    assert within(share(tmp_path), 0.5160, n)
    assert {r["aid"] for r in records(tmp_path)} == {by}
    accepted = Counter(r["detail"]["strategy"]["accepted"] > 0 for r in records(tmp_path))
    assert accepted[True] == round(share(tmp_path) * n)


def test_a_verifier_does_not_get_by_with_the_stored_answer(tmp_path: Path) -> None:
    """Echo's feedback needs the stored answer: the verifier's strategy is refused before anything is asked."""
    model = Parrot()
    with pytest.raises(AidError, match="declares the aid 'verifier', and asked for feedback") as error:
        asyncio.run(execute(tmp_path, model, BestOfN(3), Echo(2), CONFIG))
    assert "needs the aid 'oracle' with task echo" in error.value.hint
    assert model.asked == []
    assert asyncio.run(execute(tmp_path, model, BestOfN(3, "oracle"), Echo(2), CONFIG)).status == "complete"


def test_a_task_without_feedback_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    class Silent(Verified):
        def feedback(self, params, response, level, stop_reason="stop"):
            return None

    model = Parrot()
    with pytest.raises(UsageError, match="the task has no feedback"):
        asyncio.run(execute(tmp_path, model, BestOfN(3), Silent(2), CONFIG))
    assert model.asked == []
