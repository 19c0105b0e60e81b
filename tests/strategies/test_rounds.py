"""Strategies that ask again: self-refine, LLM-Modulo, STaR; and what their log shows of them."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import FatalModelError
from harness.pipeline import store
from harness.results import attempts, traces
from harness.strategies.best_of_n import BestOfN
from harness.strategies.llm_modulo import AGAIN, LLMModulo
from harness.strategies.self_refine import REFINE, SelfRefine
from harness.strategies.star import STaR
from harness.types import CUT, Completion, Feedback, Outcome, Request, Score
from tests.strategies.chances import CONFIG, Chancy, Verified, recorded, records, right_with, share, within
from tests.support import Echo, Parrot, execute

# Self-refine --------------------------------------------------------------------------------------------------------


def refines(request: Request, right: str, rng: random.Random) -> str:
    """Right with 0.6 at first. Refining mends a wrong answer with 0.1, and breaks a right one with 0.2."""
    said = [m.content for m in request.messages if m.role == "assistant"]
    if request.messages[-1].content.endswith(REFINE):
        was_right = said[-2 if len(said) % 2 == 0 else -1] == right
        return right if rng.random() < (0.8 if was_right else 0.1) else "wrong"
    return "look again" if said else right if rng.random() < 0.6 else "wrong"


def test_refining_goes_to_where_mending_and_breaking_are_even(tmp_path: Path) -> None:
    """acc_k = e / (e + i) + (acc_0 - e / (e + i)) (1 - e - i) ** k: .52, .464, .4248 after .6, rebuilt from the log."""
    n = 1500
    asyncio.run(execute(tmp_path, Chancy(refines), SelfRefine(stop="rounds"), Echo(n), replace(CONFIG, seed=1)))
    [table] = attempts.of_run(recorded(tmp_path), Echo(n))
    assert table.header[2:6] == ("right -> right", "right -> wrong", "wrong -> right", "wrong -> wrong")
    for row, expected in zip(table.rows, (0.6, 0.52, 0.464, 0.4248), strict=True):
        assert within(float(row[-1].split()[0]), expected, n)
    assert [sum(map(int, row[2:8])) for row in table.rows[1:]] == [n] * 3
    kept, broken = (sum(int(row[place]) for row in table.rows[1:]) for place in (2, 3))
    assert within(broken / (kept + broken), 0.2, kept + broken)
    assert share(tmp_path) == pytest.approx(float(table.rows[-1][-1].split()[0]), abs=5e-4)
    assert {r["calls"] for r in records(tmp_path)} == {7}


def test_a_sample_that_has_ended_keeps_its_answer_in_the_rounds_after(tmp_path: Path) -> None:
    strategy = SelfRefine(feedback="oracle")
    asyncio.run(execute(tmp_path, Chancy(right_with(0.5)), strategy, Echo(200), CONFIG))
    [table] = attempts.of_run(recorded(tmp_path), Echo(200))
    assert [sum(map(int, row[2:8])) for row in table.rows[1:]] == [200] * 3
    assert {row[3] for row in table.rows[1:]} == {"0"}, "the key ends the loop at a right answer"
    assert int(table.rows[1][1]) == 200 - round(200 * float(table.rows[0][-1].split()[0]))


class Says(Parrot):
    """Answers in the order of `texts`, then with the last of them."""

    def __init__(self, *texts: str) -> None:
        super().__init__(max_connections=1)
        self.texts = texts

    async def complete(self, request):
        self.asked.append(request)
        return Completion(self.texts[min(len(self.asked), len(self.texts)) - 1], prompt_tokens=2, completion_tokens=1)


@pytest.mark.parametrize(
    ("strategy", "texts", "calls"),
    [
        (SelfRefine(), ("5", "Well, It Is Correct."), 2),
        (SelfRefine(), ("5", "no"), 7),
        (SelfRefine(stop="rounds"), ("5", "it is correct"), 7),
        (SelfRefine(stop="unchanged"), ("5", "look", "5"), 3),
        (SelfRefine(stop="unchanged", rounds=2), ("5", "look", "6", "look", "7"), 5),
        (SelfRefine(feedback="verifier"), ("5", "6", "0"), 3),
        (SelfRefine(feedback="oracle", rounds=5), ("5",), 6),
    ],
)
def test_refining_stops_as_its_options_say(tmp_path: Path, strategy: SelfRefine, texts: tuple, calls: int) -> None:
    model = Says(*texts)
    asyncio.run(execute(tmp_path, model, strategy, Verified(1), CONFIG))
    assert len(model.asked) == calls


def test_the_model_sees_all_rounds_or_the_last_one(tmp_path: Path) -> None:
    for memory, lengths in (("all", [1, 3, 5, 7, 9]), ("last", [1, 3, 5, 3, 5])):
        model = Says("no")
        asyncio.run(execute(tmp_path / memory, model, SelfRefine(rounds=2, memory=memory), Echo(1), CONFIG))
        assert [len(r.messages) for r in model.asked] == [1, 3, 5, *lengths[3:]]


@pytest.mark.parametrize(
    ("strategy", "aid"),
    [
        (SelfRefine(), "none"),
        (SelfRefine(stop="unchanged"), "reader"),
        (SelfRefine(feedback="verifier", stop="unchanged"), "verifier"),
        (SelfRefine(feedback="oracle"), "oracle"),
    ],
)
def test_the_aid_of_refining_is_whose_feedback_it_gets(tmp_path: Path, strategy: SelfRefine, aid: str) -> None:
    asyncio.run(execute(tmp_path, Says("no"), strategy, Verified(1), CONFIG))
    assert records(tmp_path)[0]["aid"] == strategy.aid == aid


@pytest.mark.parametrize(("most", "best"), [(1, "a"), (2, "a"), (3, "c")])
def test_a_sample_at_its_limit_of_calls_is_truncated_and_keeps_its_best_answer(tmp_path, most: int, best: str) -> None:
    """Also if that answer is right: it is not scored."""
    model = Says("a", "b", "c", "d")
    asyncio.run(execute(tmp_path, model, SelfRefine(stop="rounds", max_calls=most), Echo(1), CONFIG))
    [record] = records(tmp_path)
    assert (record["outcome"], record["value"], record["response"]) == ("truncated", None, "")
    assert record["detail"]["best_so_far"] == best
    assert len(model.asked) == most


def test_a_conversation_that_the_server_does_not_take_any_more_keeps_the_best_answer(tmp_path: Path) -> None:
    class Full(Says):
        async def complete(self, request):
            if len(request.messages) > 3:
                return Completion("", "length", error="too long")
            return await super().complete(request)

    for strategy in (SelfRefine(), LLMModulo()):
        directory = tmp_path / type(strategy).__name__
        asyncio.run(execute(directory, Full("a", "b"), strategy, Verified(1), CONFIG))
        [record] = records(directory)
        assert (record["outcome"], record["detail"]["strategy"]) == ("truncated", {"refused": "too long"})
        assert record["detail"]["best_so_far"] == {"SelfRefine": "a", "LLMModulo": "b"}[directory.name]


# LLM-Modulo -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feedback", ["none", "binary", "all-errors"])
def test_asking_anew_helps_an_independent_model_as_much_as_feedback(tmp_path: Path, feedback) -> None:
    """1 - 0.7 ** 10 = .9718 in 3.239 calls, with feedback or without."""
    n = 800
    strategy = LLMModulo(10, feedback)
    asyncio.run(execute(tmp_path, Chancy(right_with(0.3)), strategy, Verified(n), CONFIG))
    calls = [r["calls"] for r in records(tmp_path)]
    mean = sum(calls) / n
    spread = (sum((c - mean) ** 2 for c in calls) / (n - 1)) ** 0.5
    assert within(share(tmp_path), 0.9718, n)
    assert abs(mean - 3.239) <= 2.576 * spread / n**0.5
    [table] = attempts.of_run(recorded(tmp_path), Verified(n))
    assert [row[3] for row in table.rows[1:]] == ["0"] * 9, "what the verifier accepts stays right"


class Hinting(Verified):
    def feedback(self, params, response, level, stop_reason="stop"):
        return Feedback(response == str(params["answer"]), f"{level} of {response}")


def test_the_model_is_told_what_is_wrong_and_sees_its_answers(tmp_path: Path) -> None:
    model = Says("a", "b", "0")
    asyncio.run(execute(tmp_path, model, LLMModulo(), Hinting(1), CONFIG))
    assert [m.content for m in model.asked[-1].messages] == [
        "say 0", "a", f"first-error of a\n\n{AGAIN}", "b", f"first-error of b\n\n{AGAIN}"
    ]  # fmt: skip
    assert records(tmp_path)[0]["detail"]["strategy"] == {"rounds": 3, "accepted": True}


class Cut(Says):
    """All answers are right, and the first is cut off in the middle of what may still be taken back."""

    async def complete(self, request):
        made = await super().complete(request)
        return replace(made, stop_reason="length") if len(self.asked) == 1 else made


class Finishing(Verified):
    """An answer that was cut has no verdict."""

    def score(self, params, response, stop_reason="stop"):
        if stop_reason == "length":
            return Score.without_answer(Outcome.TRUNCATED)
        return super().score(params, response, stop_reason)


@pytest.mark.parametrize("strategy", [LLMModulo(), SelfRefine(feedback="verifier"), BestOfN(2)])
def test_an_answer_that_was_cut_is_not_accepted(tmp_path: Path, strategy) -> None:
    model = Cut("0")
    asyncio.run(execute(tmp_path, model, strategy, Finishing(1), CONFIG))
    [record] = records(tmp_path)
    assert (record["outcome"], record["stop_reason"], len(model.asked)) == ("correct", "stop", 2)
    assert isinstance(strategy, BestOfN) or model.asked[1].messages[-1].content.startswith(CUT)


def test_without_feedback_each_answer_is_asked_for_as_the_first(tmp_path: Path) -> None:
    model = Says("a")
    asyncio.run(execute(tmp_path, model, LLMModulo(3, "none"), Hinting(1), CONFIG))
    assert len({r.messages for r in model.asked}) == 1
    assert len({r.sampling.seed for r in model.asked}) == 3
    assert (records(tmp_path)[0]["outcome"], records(tmp_path)[0]["response"]) == ("wrong", "a")


def test_rounds_that_are_over_are_wrong_and_calls_that_are_over_are_truncated(tmp_path: Path) -> None:
    for strategy, outcome in ((LLMModulo(3), "wrong"), (LLMModulo(9, max_calls=3), "truncated")):
        model = Says("a")
        asyncio.run(execute(tmp_path / outcome, model, strategy, Hinting(1), CONFIG))
        assert (records(tmp_path / outcome)[0]["outcome"], len(model.asked)) == (outcome, 3)


# STaR -----------------------------------------------------------------------------------------------------------------


def test_hints_add_their_share_of_what_was_wrong(tmp_path: Path) -> None:
    """p + (1 - p) q = .65 with p = .3 and q = .5, of which 53.8% are hinted; the prompt that is kept has no hint."""

    def answer(request: Request, right: str, rng: random.Random) -> str:
        return right if rng.random() < (0.5 if "Hint:" in request.messages[-1].content else 0.3) else "wrong"

    n = 1500
    model = Chancy(answer)
    asyncio.run(execute(tmp_path, model, STaR(), Echo(n), CONFIG))
    found = records(tmp_path)
    hinted = [r for r in found if r["detail"]["strategy"]["hinted"]]
    kept = [r for r in found if r["outcome"] == "correct"]
    assert within(len(kept) / n, 0.65, n)
    assert within(len(hinted) / len(kept), 0.538, len(kept))
    assert all(r["outcome"] == "correct" and r["calls"] == 2 for r in hinted)
    assert not any("Hint:" in r["input"][-1]["content"] for r in found)
    assert {r["aid"] for r in found} == {"oracle"}
    counted = traces.write(recorded(tmp_path), "sft", tmp_path / "train.jsonl", held_out=0.0)
    assert (counted["lines"], counted["hinted"]) == (len(kept) - len(hinted), len(hinted))


def test_a_hint_shows_the_right_answer_only_after_a_wrong_one(tmp_path: Path) -> None:
    model = Says("wrong")
    asyncio.run(execute(tmp_path, model, STaR(), Echo(1), CONFIG))
    assert [r.messages[-1].content.endswith("\n0") for r in model.asked] == [False, True]
    assert records(tmp_path)[0]["response"] == "wrong"
    right = Says("0")
    asyncio.run(execute(tmp_path / "right", right, STaR(), Echo(1), CONFIG))
    assert len(right.asked) == 1


@pytest.mark.parametrize(
    ("strategy", "calls"), [(SelfRefine(stop="rounds"), 28), (LLMModulo(5, "binary"), 20), (STaR(), 8)]
)
def test_a_sample_that_was_cut_off_goes_on_where_it_was(tmp_path: Path, strategy, calls: int) -> None:
    class Dies(Says):
        async def complete(self, request):
            if len(self.asked) == 5:
                raise FatalModelError("gone", "not_found")
            return await super().complete(request)

    cut, rest = Dies("a"), Says("a")
    asyncio.run(execute(tmp_path, cut, strategy, Verified(4), CONFIG))
    assert asyncio.run(execute(tmp_path, rest, strategy, Verified(4), CONFIG)).status == "complete"
    assert len(cut.asked) + len(rest.asked) == sum(r["calls"] for r in records(tmp_path)) == calls


def test_a_run_that_resumes_has_each_round_once_in_its_log(tmp_path: Path) -> None:
    for _ in range(2):
        asyncio.run(execute(tmp_path, Says("a"), LLMModulo(3), Hinting(2), CONFIG))
    assert len(list(store.read_nodes(tmp_path))) == 6
