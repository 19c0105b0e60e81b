"""--budget-tokens: what a run may use at most, and how it goes on."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from mock_server import MockServer

from harness.errors import ModelError
from harness.pipeline import store
from harness.pipeline.budget import ESTIMATED
from harness.pipeline.config import RunConfig
from harness.pipeline.runner import Run
from harness.strategies.io import IO
from harness.types import Sampling
from tests.support import Echo, Parrot, SideBySide, Thrice, execute, failing, records
from tests.waiting import turns, until_async

CONFIG = RunConfig("echo", "parrot")

MOST = 2 + 10
"""Tokens that one request of Echo may take: its prompt, as estimated, and its max_tokens."""


class Counting(Parrot):
    """Its answers take all they may; knows how many requests were under way at once."""

    def __init__(self, **given) -> None:
        super().__init__(**given)
        self.now = self.peak = self.used = 0

    async def complete(self, request):
        self.now += 1
        self.peak = max(self.peak, self.now)
        await turns(5)
        self.now -= 1
        self.used += MOST
        return replace(await super().complete(request), prompt_tokens=2, completion_tokens=request.sampling.max_tokens)


@pytest.mark.parametrize("strategy", [IO(), Thrice(), SideBySide()])
@pytest.mark.parametrize("budget", [1, MOST, 3 * MOST, 100])
def test_a_run_uses_at_most_its_budget_and_one_request(tmp_path: Path, strategy, budget: int) -> None:
    """All answers are as long as they may be, and many requests could run at once."""
    config = replace(CONFIG, budget_tokens=budget)
    used = 0
    for _ in range(2):  # what a first try has used counts in the second
        model = Counting(max_connections=16)
        result = asyncio.run(execute(tmp_path, model, strategy, Echo(40), config))
        used += sum(sum(len(m.content) for m in r.messages) // 4 + 1 + 10 for r in model.asked)
        assert result.status == "incomplete"
        assert budget <= used < budget + 2 * MOST, "prompts of SideBySide are longer than MOST says"
        assert model.peak <= budget // MOST + 1, "a small budget lets fewer run side by side"
    assert model.asked == []


@pytest.mark.parametrize(("strategy", "calls"), [(IO(), 1), (SideBySide(), 6)])
def test_what_came_from_the_cache_does_not_count_also_not_when_the_run_is_resumed(
    tmp_path: Path, monkeypatch, strategy, calls: int
) -> None:
    monkeypatch.setattr("harness.pipeline.cache.platformdirs.user_cache_dir", lambda _: str(tmp_path / "cache"))
    config = replace(CONFIG, cache=True, budget_tokens=1000)
    paid = asyncio.run(execute(tmp_path / "a", Parrot(), strategy, Echo(2), config)).tokens_used
    assert paid == 2 * calls * 3
    assert {r["cached"] for r in records(tmp_path / "a").values()} == {0}
    for _ in range(2):  # from the cache, and then from the journal or the records
        assert asyncio.run(execute(tmp_path / "b", Parrot(), strategy, Echo(2), config)).tokens_used == 0
        assert {r["cached"] for r in records(tmp_path / "b").values()} == {calls}
    assert asyncio.run(execute(tmp_path / "a", Parrot(), strategy, Echo(2), config)).tokens_used == paid


def test_what_was_paid_and_has_no_record_counts(tmp_path: Path) -> None:
    config = replace(CONFIG, budget_tokens=1000)
    paid = asyncio.run(execute(tmp_path / "a", Parrot(), SideBySide(), Echo(2), config)).tokens_used
    asyncio.run(execute(tmp_path / "b", Parrot(), SideBySide(), Echo(2), config))
    (tmp_path / "a" / store.RECORDS).unlink()
    assert asyncio.run(execute(tmp_path / "a", Parrot(), SideBySide(), Echo(2), config)).tokens_used == paid
    writer = store.Writer(tmp_path / "b")
    assert Run("b", CONFIG, Echo(2), SideBySide(), Parrot(), writer, {"tokens_used": 50}).budget.used == 50
    writer.close()


def test_what_was_reserved_and_not_used_is_free_again(tmp_path: Path) -> None:
    """Answers of 3 tokens: a budget of 30 is enough for ten of them, though each may take 12."""
    model = Parrot(max_connections=16)
    assert asyncio.run(execute(tmp_path, model, IO(), config=replace(CONFIG, budget_tokens=31))).status == "complete"


def test_a_request_that_fails_gives_back_what_it_reserved(tmp_path: Path) -> None:
    model = Parrot(failing(2, ModelError("no answer", "transient")))
    result = asyncio.run(execute(tmp_path, model, IO(), config=replace(CONFIG, budget_tokens=MOST + 8)))
    assert (len(model.asked), result.tokens_used) == (10, 15)


def test_tokens_that_a_server_does_not_count_are_estimated_for_the_budget(tmp_path: Path) -> None:
    class Silent(Parrot):
        async def complete(self, request):
            answer = await super().complete(request)
            return replace(answer, text="four" * 9, prompt_tokens=None, completion_tokens=None)

    config = replace(CONFIG, budget_tokens=20)
    result = asyncio.run(execute(tmp_path, Silent(max_connections=1), IO(), config=config))
    assert (result.status, result.tokens_used) == ("incomplete", 20)
    assert result.remarks.notes == {ESTIMATED: 2}
    again = asyncio.run(execute(tmp_path, Silent(), IO(), config=config))
    assert again.tokens_used == 20


def test_an_answer_without_a_limit_is_asked_alone(tmp_path: Path) -> None:
    class Endless(Echo):
        sampling = Sampling()

    model = Counting(max_connections=16)
    model.complete = lambda request: Counting.complete(model, replace(request, sampling=Sampling(max_tokens=10)))
    asyncio.run(execute(tmp_path, model, IO(), Endless(), replace(CONFIG, budget_tokens=50)))
    assert model.peak == 1


def test_a_larger_budget_goes_on_and_is_kept(harness, tmp_path: Path) -> None:
    """What is said once, and can be followed: the same command with more tokens, also after another stop."""
    with MockServer() as server:
        asked = ("--task", "aiw", "--limit", "4", "--epochs", "1", "--model", "openai/m", "--base-url", server.base_url)
        code, _, err = harness("run", *asked, "--display", "none", "--budget-tokens", "1")
        run = next((tmp_path / "results").iterdir())
        assert (code, server.counters.requests) == (3, 1)
        assert err.count("--budget-tokens") == err.count("--resume") == 1
        assert f"harness run --resume {run.relative_to(tmp_path)} --budget-tokens MORE" in err
        code, _, err = harness("run", "--resume", run, "--display", "none")
        assert (code, server.counters.requests, "--budget-tokens MORE" in err) == (3, 1, True)
        assert harness("run", "--resume", run, "--budget-tokens", "100000", "--display", "none")[0] == 0
    assert json.loads((run / "run.json").read_text())["config"]["budget_tokens"] == 100000


def test_the_budget_ends_a_run_that_can_be_finished(tmp_path: Path) -> None:
    config = replace(CONFIG, budget_tokens=12)
    result = asyncio.run(execute(tmp_path, Parrot(max_connections=1), IO(), config=config))
    assert result.status == "incomplete"
    assert "budget of 12 tokens" in result.reason
    assert len(records(tmp_path)) == 4
    assert asyncio.run(execute(tmp_path, Parrot(), IO(), config=CONFIG)).status == "complete"


def test_what_an_earlier_try_spent_counts_for_the_budget(tmp_path: Path) -> None:
    config = replace(CONFIG, budget_tokens=12)
    asyncio.run(execute(tmp_path, Parrot(max_connections=1), IO(), config=config))
    again = Parrot(max_connections=1)
    assert asyncio.run(execute(tmp_path, again, IO(), config=config)).status == "incomplete"
    assert again.asked == []


def test_answers_under_way_when_the_budget_ends_are_waited_for(tmp_path: Path) -> None:
    """The first answer is longer than allowed and ends the budget when four are under way; the others come after it is
    recorded."""
    recorded: list = []

    class Slow(Parrot):
        async def complete(self, request):
            answer = replace(await super().complete(request), completion_tokens=100)
            first = request is self.asked[0]
            await until_async(lambda: len(self.asked) == 4 and (first or recorded), "the first answer is recorded")
            await turns()
            return answer

    model = Slow(max_connections=4)
    config = replace(CONFIG, budget_tokens=3 * MOST + 1)
    result = asyncio.run(execute(tmp_path, model, IO(), config=config, on_record=recorded.append))
    assert result.status == "incomplete"
    assert len(model.asked) == len(records(tmp_path)) == 4
