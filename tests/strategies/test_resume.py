"""A search that was cut off: what is paid for is not asked again, and its record and tree are those of a whole run."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import FatalModelError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.runner import LIMIT_MET, Run
from harness.results.rescore import score_run
from harness.strategies.decompose import Decompose
from harness.strategies.mcts import MCTS
from harness.strategies.tot import ToT
from harness.strategies.tot_dfs import ToTDepthFirst
from harness.tasks.game24.task import Game24
from harness.types import Completion, Strategy
from tests.strategies.game24_model import Model

TASK = Game24(targets=("24",), indices=("0-3",))
CONFIG = RunConfig("game24", "scripted", strategy="tot", task_options={"targets": "24", "indices": "0-3"})
SMALL = ToT(b=2, n_evaluate=2, steps=4)


class Scripted:
    """Answers by the prompt and the seed alone, as a server does that honours seeds; fails after `calls` calls."""

    name = "scripted"

    def __init__(self, calls: int = 10**9, max_connections: int = 8) -> None:
        self.left, self.max_connections, self.asked = calls, max_connections, []

    @property
    def identity(self):
        return {"model": self.name}

    async def start(self) -> None:
        pass

    async def complete(self, request):
        if not self.left:
            raise FatalModelError("gone", "not_found")
        self.left -= 1
        prompt = request.messages[-1].content
        self.asked.append((prompt, request.sampling.seed))
        # The answers come back in an order that has nothing to do with that of the requests.
        for _ in range(request.sampling.seed % 7):
            await asyncio.sleep(0)
        return Completion(Model(0.8, request.sampling.seed)(prompt, 1), prompt_tokens=3, completion_tokens=1)

    async def close(self) -> None:
        pass


class Talks(Scripted):
    """Says something by the prompt and the seed, of the kind that each strategy asks for."""

    async def complete(self, request):
        await super().complete(request) if not self.left else None
        self.left -= 1
        prompt, seed = request.messages[-1].content, request.sampling.seed
        self.asked.append((prompt, seed))
        for _ in range(seed % 5):
            await asyncio.sleep(0)
        said = f"statement {seed % 7}\nstatement {seed % 11}\n4 + 5 = 9 (left: 6 9 10)\nyes"
        said += f"\nFollow up: {seed % 3 or 'none'}\nScore: {seed % 90}"
        return Completion(f"{said}\n{'sure' if seed % 2 else 'likely'}")


def execute(directory: Path, model: Scripted, strategy: Strategy) -> None:
    directory.mkdir(exist_ok=True)
    writer = store.Writer(directory)
    try:
        asyncio.run(Run("test", CONFIG, TASK, strategy, model, writer).execute())
    finally:
        writer.close()


def records(directory: Path) -> dict:
    kept = ("latency_s", "run_id")
    return {r["id"]: {k: v for k, v in r.items() if k not in kept} for r in store.read_records(directory)}


def trees(directory: Path) -> dict:
    found: dict = {}
    for node in store.read_nodes(directory):
        found.setdefault((node["id"], node["epoch"]), []).append(node)
    return found


@pytest.mark.parametrize("cache", ["run", "sample", "none"])
@pytest.mark.parametrize("calls", [7, 120])
def test_a_resumed_search_asks_only_what_is_missing_and_ends_the_same(tmp_path: Path, cache: str, calls: int) -> None:
    strategy = replace(SMALL, cache=cache)
    whole, first, second = Scripted(), Scripted(calls), Scripted(max_connections=3)
    execute(tmp_path / "whole", whole, strategy)
    execute(tmp_path / "cut", first, strategy)
    done = [r for r in records(tmp_path / "cut").values() if r["outcome"] != "api_error"]
    assert len(done) < 4
    execute(tmp_path / "cut", second, strategy)
    assert sorted(first.asked + second.asked) == sorted(whole.asked)
    assert records(tmp_path / "cut") == records(tmp_path / "whole")
    assert trees(tmp_path / "cut") == trees(tmp_path / "whole")


@pytest.mark.parametrize(
    "strategy",
    [MCTS(rollouts=2), Decompose(depth=2), Decompose(method="self-ask"), ToTDepthFirst(nodes=6)],
    ids=lambda s: type(s).__name__,
)
def test_every_search_resumes(tmp_path: Path, strategy: Strategy) -> None:
    whole, first, second = Talks(), Talks(9), Talks(max_connections=3)
    execute(tmp_path / "whole", whole, strategy)
    execute(tmp_path / "cut", first, strategy)
    execute(tmp_path / "cut", second, strategy)
    assert sorted(first.asked + second.asked) == sorted(whole.asked)
    assert len(first.asked) == 9
    assert records(tmp_path / "cut") == records(tmp_path / "whole")
    assert trees(tmp_path / "cut") == trees(tmp_path / "whole")
    calls = {json.loads(line)["key"] for line in (tmp_path / "whole" / store.JOURNAL).read_text().splitlines()}
    nodes = [node for tree in trees(tmp_path / "whole").values() for node in tree]
    assert calls <= {node.get("call") for node in nodes}, "all are in its log"
    for tree in trees(tmp_path / "whole").values():
        assert {node["parent"] for node in tree} - {None} <= {node["node"] for node in tree}


def test_verdicts_shared_in_a_run_do_not_depend_on_which_sample_asks_first(tmp_path: Path) -> None:
    strategy = replace(SMALL, cache="run")
    one, many = Scripted(max_connections=1), Scripted(max_connections=16)
    execute(tmp_path / "one", one, strategy)
    execute(tmp_path / "many", many, strategy)
    assert records(tmp_path / "one") == records(tmp_path / "many")
    assert trees(tmp_path / "one") == trees(tmp_path / "many")
    paid = len((tmp_path / "one" / store.JOURNAL).read_text().splitlines())
    used = sum(r["calls"] for r in records(tmp_path / "one").values())
    assert paid == len(one.asked) == len(many.asked) < used, "records count what was used"


def test_every_call_of_a_run_is_in_its_trees(tmp_path: Path) -> None:
    execute(tmp_path, Scripted(), SMALL)
    calls = {json.loads(line)["key"] for line in (tmp_path / store.JOURNAL).read_text().splitlines()}
    nodes = [node for tree in trees(tmp_path).values() for node in tree]
    assert {node["call"] for node in nodes if node["role"] in ("propose", "value")} == calls


def test_a_limit_ends_the_sample_as_truncated_and_keeps_its_best_answer_unscored(tmp_path: Path) -> None:
    execute(tmp_path / "run", Scripted(), replace(SMALL, max_calls=70))
    for record in records(tmp_path / "run").values():
        assert (record["outcome"], record["response"], record["value"]) == ("truncated", "", None)
        assert record["detail"]["reason"] == LIMIT_MET
        assert "left:" in record["detail"]["best_so_far"]
        assert record["calls"] <= 70


def test_scoring_a_run_anew_keeps_its_trees_and_what_was_cut_short(tmp_path: Path) -> None:
    from dataclasses import asdict

    source = tmp_path / "run"
    execute(source, Scripted(), replace(SMALL, max_calls=70))
    about = {"run_id": "test", "config": asdict(CONFIG), "status": "complete", "conditions": []}
    store.write_config(source, about)
    score_run(TASK, {}, source, tmp_path / "again")
    assert trees(tmp_path / "again") == trees(source)
    assert (tmp_path / "again" / store.JOURNAL).read_bytes() == (source / store.JOURNAL).read_bytes()
    again, before = records(tmp_path / "again"), records(source)
    assert {i: (r["outcome"], r["detail"]) for i, r in again.items()} == {
        i: (r["outcome"], r["detail"]) for i, r in before.items()
    }
