"""The pipeline: lazily, bounded, resumable to the call, and never dropping what arrived."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.errors import DataError, FatalModelError, ModelError, UsageError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.results.parquet import write_parquet
from harness.results.records import Tally
from harness.results.tables import tabulate
from harness.strategies.cot import CoT
from harness.strategies.io import IO
from harness.types import (
    Completion,
    Message,
    Params,
    Request,
    Sample,
    Sampling,
    Score,
    TokenLogprob,
)
from tests.support import Echo, Parrot, SideBySide, Thrice, execute, failing, records
from tests.waiting import HANG, turns, until_async

CONFIG = RunConfig("echo", "parrot")


def comparable(directory: Path) -> dict:
    return {
        k: {f: v for f, v in r.items() if f not in ("latency_s", "run_id", "cached")}
        for k, r in records(directory).items()
    }


def test_every_sample_becomes_one_record(tmp_path: Path) -> None:
    result = asyncio.run(execute(tmp_path, Parrot(), IO()))
    assert result.status == "complete"
    assert len(records(tmp_path)) == 10
    assert {r["outcome"] for r in records(tmp_path).values()} == {"correct"}


def test_the_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO()))
    columns = (
        "run_id task task_version model strategy aid id group condition epoch params input target response outcome "
        "value answer detail stop_reason calls prompt_tokens completion_tokens thinking_tokens latency_s error"
    ).split()
    record = records(tmp_path)["s0", 1]
    assert list(record)[: len(columns)] == columns


def test_limit_counts_samples_and_epochs_repeat_them(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), config=replace(CONFIG, limit=3, epochs=4)))
    assert sorted(records(tmp_path)) == [(f"s{i}", e) for i in range(3) for e in range(1, 5)]


class Endless(Echo):
    limit = 1000


def test_an_endless_task_is_drawn_lazily(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), Endless(), replace(CONFIG, limit=25)))
    assert len(records(tmp_path)) == 25


def test_no_more_requests_at_once_than_the_model_takes(tmp_path: Path) -> None:
    """The first wait until there are as many as may be, and then for a while, so that one too many could come."""

    class Slow(Parrot):
        now = peak = 0

        async def complete(self, request):
            self.now += 1
            self.peak = max(self.peak, self.now)
            await until_async(lambda: self.peak >= 3, "three requests are under way")
            await turns()
            self.now -= 1
            return await super().complete(request)

    model = Slow(max_connections=3)
    asyncio.run(execute(tmp_path, model, Thrice(), Echo(40)))
    assert model.peak == 3


def test_repeats_have_seeds_of_their_own_and_the_same_ones_next_time(tmp_path: Path) -> None:
    def seeds(directory: Path) -> dict:
        model = Parrot()
        asyncio.run(execute(directory, model, IO(), config=replace(CONFIG, epochs=3)))
        return {(r.origin.sample.id, r.origin.epoch): r.sampling.seed for r in model.asked}

    first, second = seeds(tmp_path / "a"), seeds(tmp_path / "b")
    assert first == second
    assert len(set(first.values())) == 30


def test_user_options_go_over_the_tasks_protocol(tmp_path: Path) -> None:
    model = Parrot()
    asyncio.run(execute(tmp_path, model, IO(), config=replace(CONFIG, limit=1, sampling=Sampling(temperature=0.7))))
    assert (model.asked[0].sampling.temperature, model.asked[0].sampling.max_tokens) == (0.7, 10)


def test_system_message_and_examples_stand_before_the_sample(tmp_path: Path) -> None:
    model = Parrot()
    config = replace(CONFIG, limit=1, system_message="Be terse.", num_fewshot=2)
    asyncio.run(execute(tmp_path, model, IO(), config=config))
    assert [m.role for m in model.asked[0].messages] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_a_task_without_examples_refuses_few_shot_prompts(tmp_path: Path, monkeypatch) -> None:
    """A run that says num_fewshot 2 and shows none would be a wrong number."""
    monkeypatch.setattr(Echo, "examples", lambda self, sample, rng: iter(()))
    with pytest.raises(UsageError, match="--num-fewshot 2: it has 0 worked examples"):
        asyncio.run(execute(tmp_path, Parrot(), IO(), config=replace(CONFIG, limit=1, num_fewshot=2)))


def test_cot_puts_its_request_under_the_prompt(tmp_path: Path) -> None:
    model = Parrot(lambda text: "x")
    asyncio.run(execute(tmp_path, model, CoT(), config=replace(CONFIG, limit=1)))
    assert model.asked[0].messages == (Message("user", "say 0\n\nLet's think step by step."),)


def test_a_failed_request_is_recorded_and_the_run_goes_on(tmp_path: Path) -> None:
    tally = Tally(Echo())
    refusing = Parrot(failing(3, ModelError("no answer", "transient")))
    result = asyncio.run(execute(tmp_path, refusing, IO(), on_record=tally.add))
    assert result.status == "incomplete"
    failed = [r for r in records(tmp_path).values() if r["outcome"] == "api_error"]
    assert len(failed) == 3
    assert {(r["value"], r["error"], r["response"]) for r in failed} == {(None, "no answer", "")}
    assert tally.contrasts.total.accuracy.n == 7, "an infrastructure error is in no denominator"


def test_resume_asks_for_what_failed_and_nothing_else(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(failing(3, ModelError("no answer", "transient"))), IO()))
    model = Parrot()
    result = asyncio.run(execute(tmp_path, model, IO()))
    assert result.status == "complete"
    assert len(model.asked) == 3
    asyncio.run(execute(tmp_path / "undisturbed", Parrot(), IO()))
    assert comparable(tmp_path) == comparable(tmp_path / "undisturbed")


def test_a_fatal_error_stops_the_run_and_keeps_what_arrived(tmp_path: Path) -> None:
    result = asyncio.run(execute(tmp_path, Parrot(failing(6, FatalModelError("no access", "auth"))), IO()))
    assert result.status == "incomplete"
    assert "no access" in result.reason
    assert 0 < sum(r["outcome"] == "correct" for r in records(tmp_path).values()) <= 5
    assert {r["error"] for r in records(tmp_path).values()} == {None, "no access"}
    assert asyncio.run(execute(tmp_path, Parrot(), IO())).status == "complete"


def test_a_verifier_that_fails_is_not_the_models_fault(tmp_path: Path) -> None:
    result = asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(breaks_on="4")))
    record = records(tmp_path)["s4", 1]
    assert (record["outcome"], record["value"], record["response"]) == ("verifier_error", None, "4")
    assert "a bug in the verifier" in record["error"]
    assert result.status == "incomplete"


def test_a_strategy_that_fails_ends_one_sample_not_the_run(tmp_path: Path) -> None:
    class Fragile(IO):
        async def solve(self, messages, ask):
            if messages[-1].content.endswith("5"):
                raise ZeroDivisionError("oh")
            return await super().solve(messages, ask)

    asyncio.run(execute(tmp_path, Parrot(), Fragile()))
    assert records(tmp_path)["s5", 1]["outcome"] == "verifier_error"
    assert len(records(tmp_path)) == 10


@pytest.mark.parametrize("other", [{"sampling": Sampling(temperature=0.7)}, {"seed": 5}])
def test_records_of_other_sampling_or_another_seed_have_another_identity(tmp_path: Path, other: dict) -> None:
    asyncio.run(execute(tmp_path / "a", Parrot(), IO(), config=CONFIG))
    asyncio.run(execute(tmp_path / "b", Parrot(), IO(), config=replace(CONFIG, **other)))
    first, second = ({r["identity"] for r in records(tmp_path / d).values()} for d in "ab")
    assert not first & second


def test_a_torn_last_call_is_dropped_and_the_run_can_be_resumed_again_and_again(tmp_path: Path) -> None:
    stopped = Parrot(failing(8, FatalModelError("gone", "not_found")), max_connections=1)
    asyncio.run(execute(tmp_path, stopped, Thrice(), Echo(4)))
    with (tmp_path / store.JOURNAL).open("ab") as file:
        file.write(b'{"torn": ')
    again = Parrot(failing(2, FatalModelError("gone", "not_found")), max_connections=1)
    asyncio.run(execute(tmp_path, again, Thrice(), Echo(4)))
    assert asyncio.run(execute(tmp_path, Parrot(), Thrice(), Echo(4))).status == "complete"
    assert {r["calls"] for r in records(tmp_path).values()} == {3}


def test_calls_of_an_unfinished_sample_are_not_asked_again(tmp_path: Path) -> None:
    """Three calls a sample; the run dies after the 7th: of the third sample one call is on disk."""
    stopped = Parrot(failing(8, FatalModelError("gone", "not_found")), max_connections=1)
    asyncio.run(execute(tmp_path, stopped, Thrice(), Echo(4)))
    answered = len(stopped.asked) - 1
    model = Parrot()
    assert asyncio.run(execute(tmp_path, model, Thrice(), Echo(4))).status == "complete"
    assert answered + len(model.asked) == 12
    assert {r["calls"] for r in records(tmp_path).values()} == {3}


def test_a_run_is_not_finished_with_another_task_version(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(4)))

    class Newer(Echo):
        version = "2"

    with pytest.raises(DataError, match="another task version"):
        asyncio.run(execute(tmp_path, Parrot(), IO(), Newer(6)))


def test_interruption_keeps_what_arrived_and_closes_the_model(tmp_path: Path) -> None:
    class Stuck(Parrot):
        stuck = False

        async def complete(self, request):
            if len(self.asked) == 5:
                self.stuck = True
                await asyncio.sleep(HANG)
            return await super().complete(request)

    model = Stuck(max_connections=1)

    async def interrupted():
        run = asyncio.create_task(execute(tmp_path, model, IO()))
        await until_async(lambda: model.stuck, "the sixth call is under way")
        run.cancel()
        return await run

    result = asyncio.run(interrupted())
    assert result.status == "interrupted"
    assert model.closed
    assert len(records(tmp_path)) == 5


def test_cached_answers_are_reused_across_runs_but_repeats_stay_apart(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.pipeline.cache.platformdirs.user_cache_dir", lambda _: str(tmp_path / "cache"))
    config = replace(CONFIG, cache=True, epochs=2)
    first, second = Parrot(), Parrot()
    asyncio.run(execute(tmp_path / "a", first, IO(), config=config))
    result = asyncio.run(execute(tmp_path / "b", second, IO(), config=config))
    assert (len(first.asked), len(second.asked)) == (20, 0)
    (said,) = result.remarks.lines()
    assert said.startswith("answers came from the cache")
    assert said.endswith("(20 samples)")
    assert comparable(tmp_path / "a") == comparable(tmp_path / "b")
    third = Parrot()
    asyncio.run(execute(tmp_path / "c", third, IO(), config=replace(config, sampling=Sampling(temperature=0.5))))
    assert len(third.asked) == 20, "other sampling parameters are another question"


def test_records_of_hostile_text_are_readable_json(tmp_path: Path) -> None:
    hostile = "\ud800 \x00 \u2028 </script> \n" + "x" * 100_000
    asyncio.run(execute(tmp_path, Parrot(lambda _: hostile), IO(), Echo(2)))
    lines = (tmp_path / "records.jsonl").read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["response"][1:4] for line in lines] == [" \x00 "] * 2


def test_logprobs_that_were_asked_for_are_in_the_record(tmp_path: Path) -> None:
    class Sure(Parrot):
        async def complete(self, request):
            return replace(await super().complete(request), logprobs=(TokenLogprob("7", -0.5, (("7", -0.5),)),))

    asyncio.run(execute(tmp_path / "a", Sure(), IO(), config=replace(CONFIG, sampling=Sampling(logprobs=1))))
    assert records(tmp_path / "a")["s0", 1]["logprobs"] == [["7", -0.5, [["7", -0.5]]]]
    asyncio.run(execute(tmp_path / "b", Sure(), IO()))
    assert records(tmp_path / "b")["s0", 1]["logprobs"] is None


def test_calls_beside_one_that_failed_are_waited_for_and_kept(tmp_path: Path) -> None:
    """Three calls at once, the first is refused: the two others are in the journal and in the record's counts, and the
    calls that would have followed them are not made."""

    class Slow(Parrot):
        async def complete(self, request: Request) -> Completion:
            if request.messages[-1].content.startswith("one"):
                raise ModelError("refused", "bad_request")
            await turns()
            return await super().complete(request)

    model = Slow()
    result = asyncio.run(execute(tmp_path, model, SideBySide(), Echo(1)))
    (record,) = store.read_records(tmp_path)
    assert (record["outcome"], record["calls"], record["prompt_tokens"]) == ("api_error", 2, 4)
    assert len(list(store.read_lines(tmp_path / store.JOURNAL))) == 2
    assert sorted(r.messages[-1].content.split()[0] for r in model.asked) == ["three", "two"]
    assert result.status == "incomplete"


@dataclass(frozen=True)
class Listing(Echo):
    """A task whose params have a tuple."""

    def samples(self, seed: int) -> Iterator[Sample]:
        for sample in super().samples(seed):
            yield replace(sample, params={**sample.params, "others": ("x", f"y{sample.id}")})

    def score(self, params: Params, response: str, stop_reason: str = "stop") -> Score:
        assert params["others"][0] == "x"
        return super().score(params, response, stop_reason)


def test_a_param_may_be_a_tuple(tmp_path: Path) -> None:
    """It is a JSON list in the record, a text in the tidy table, and a column to group by."""
    tally = Tally(Listing(size=4))
    asyncio.run(execute(tmp_path, Parrot(), IO(), Listing(size=4), on_record=tally.add))
    write_parquet(tmp_path, tmp_path / "records.parquet", tally.kinds)
    found = records(tmp_path)
    assert found["s1", 1]["params"]["others"] == ["x", "ys1"]
    assert pq.read_table(tmp_path / "records.parquet")["params_others"].to_pylist()[0] == '["x","ys0"]'
    assert [row["others"] for row in tabulate(found.values(), ["others"])][:1] == ['["x","ys0"]']
    again = asyncio.run(execute(tmp_path, silent := Parrot(), IO(), Listing(size=4)))
    assert (again.status, silent.asked) == ("complete", [])


class Twins(Echo):
    """A task that yields one id twice."""

    def samples(self, seed: int) -> Iterator[Sample]:
        for sample in super().samples(seed):
            yield sample
            yield sample


def test_a_task_that_yields_a_sample_twice_is_told_so(tmp_path: Path) -> None:
    """Both records would count as one sample's, and no reader would take them."""
    with pytest.raises(DataError, match=r"sample s0 .* is there already"):
        asyncio.run(execute(tmp_path, Parrot(max_connections=1), IO(), Twins()))


@pytest.mark.parametrize("value", ["1", 7, float("nan"), None])
def test_a_score_of_another_type_is_a_verifier_error(tmp_path: Path, monkeypatch, value: object) -> None:
    monkeypatch.setattr(Echo, "score", lambda *_: Score("correct", value))
    result = asyncio.run(execute(tmp_path, Parrot(), IO()))
    assert (result.status, result.progress.errors) == ("incomplete", 10)
    assert "the score's `value`" in records(tmp_path)["s0", 1]["error"]


def test_an_answer_is_not_lost_over_what_the_model_says_beside_it(tmp_path: Path) -> None:
    class Odd(Parrot):
        async def complete(self, request):
            said = (TokenLogprob("7", float("nan")),)
            return replace(await super().complete(request), logprobs=said, prompt_tokens=-5)

    config = replace(CONFIG, sampling=Sampling(logprobs=1), limit=2)
    result = asyncio.run(execute(tmp_path, Odd(), IO(), config=config))
    assert [(r["outcome"], r["logprobs"], r["prompt_tokens"]) for r in records(tmp_path).values()] == [
        ("correct", None, None)
    ] * 2
    assert "could not be kept (2 samples)" in result.remarks.lines()[0]


def test_records_of_samples_that_the_run_does_not_have_are_not_counted_in_silence(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(6)))
    with pytest.raises(DataError, match="2 records of samples that the run does not have, such as 's4', epoch 1"):
        asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(4)))


def test_a_bad_call_is_asked_again_and_no_other(tmp_path: Path) -> None:
    stopped = Parrot(failing(8, FatalModelError("gone", "not_found")), max_connections=1)
    asyncio.run(execute(tmp_path, stopped, Thrice(), Echo(4)))
    lines = (tmp_path / store.JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / store.JOURNAL).write_bytes(b"".join([*lines[:-1], b"\0\0" + lines[-1]]))
    model = Parrot()
    assert asyncio.run(execute(tmp_path, model, Thrice(), Echo(4))).status == "complete"
    assert len(stopped.asked) - 1 + len(model.asked) == 12 + 1


def test_a_disk_that_is_full_for_a_moment_costs_no_answer_that_was_written(tmp_path: Path, monkeypatch) -> None:
    """Half a line, no room, then room again, with several workers: the run stops, and resume asks what is missing."""
    calls, whole = itertools.count(1), store.os.write

    def write(file: int, data: bytes) -> int:
        number = next(calls)
        if number in (6, 8):
            return whole(file, data[: len(data) // 2])
        if number in (7, 9, 10):
            raise OSError(28, "No space left on device")
        return whole(file, data)

    with monkeypatch.context() as patched:
        patched.setattr(store.os, "write", write)
        result = asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(40)))
    assert (result.status, "No space left" in str(result.failure)) == ("incomplete", True)
    kept = len(records(tmp_path))
    assert kept >= 5
    assert result.progress.done == kept, "the table counts what is on disk"
    model = Parrot()
    assert asyncio.run(execute(tmp_path, model, IO(), Echo(40))).status == "complete"
    assert len(model.asked) == 40 - kept
