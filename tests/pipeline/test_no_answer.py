"""Runs that get no answer: stopped early, and kept only if there is something to go on with."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from mock_server import Faults, MockServer

from harness.errors import FatalModelError, ModelError
from harness.pipeline.config import RunConfig
from harness.strategies.io import IO
from tests.support import Echo, Parrot, execute, failing, records

CONFIG = RunConfig("echo", "parrot")


@pytest.mark.parametrize("kind", ["unreachable", "not_found", "bad_request"])
def test_a_run_without_any_answer_that_asking_again_would_not_bring_is_no_run(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FatalModelError, match="no such place"):
        asyncio.run(execute(tmp_path / "a", Parrot(failing(1, FatalModelError("no such place", kind))), IO()))
    later = Parrot(failing(4, FatalModelError("no such place", kind)), max_connections=1)
    assert asyncio.run(execute(tmp_path / "b", later, IO())).status == "incomplete", "its answers are kept"


def test_answers_from_the_cache_are_kept_though_the_server_is_gone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.pipeline.cache.platformdirs.user_cache_dir", lambda _: str(tmp_path / "cache"))
    config = replace(CONFIG, cache=True)
    asyncio.run(execute(tmp_path / "a", Parrot(), IO(), Echo(6), config))
    gone = Parrot(failing(1, FatalModelError("gone", "unreachable")), max_connections=1)
    result = asyncio.run(execute(tmp_path / "b", gone, IO(), Echo(10), replace(config, budget_tokens=1000)))
    assert (result.status, result.tokens_used) == ("incomplete", 0), "what comes from the cache costs nothing"
    assert sum(r["outcome"] == "correct" for r in records(tmp_path / "b").values()) == 6


def test_a_run_that_gets_no_answer_at_all_stops_early(tmp_path: Path) -> None:
    model = Parrot(failing(1, ModelError("`seed` is not supported", "bad_request")))
    with pytest.raises(FatalModelError, match=r"nothing was ever answered.*\n  `seed` is not supported"):
        asyncio.run(execute(tmp_path / "a", model, IO(), Echo(500)))
    assert len(model.asked) < 40
    model = Parrot(failing(1, ModelError("it broke", "transient")))
    result = asyncio.run(execute(tmp_path / "b", model, IO(), Echo(500)))
    assert (result.status, len(model.asked) < 40) == ("incomplete", True), "a server that broke may be mended"
    model = Parrot(failing(2, ModelError("it broke", "transient")))
    asyncio.run(execute(tmp_path / "c", model, IO(), Echo(200)))
    assert len(model.asked) == 200


@pytest.mark.parametrize("status", [404, 400])
def test_what_leaves_no_answer_leaves_no_run_and_no_advice_to_resume_it(harness, tmp_path: Path, status: int) -> None:
    with MockServer(Faults(status=status)) as server:
        asked = ("--task", "aiw", "--base-url", server.base_url, "--max-connections", "2", "--display", "none")
        code, out, err = harness("run", *asked, "--model", "openai/m")
        assert (code, "--resume" in err, f"{status}:" in err) == (1, False, True)
        assert list((tmp_path / "results").iterdir()) == []
        assert server.counters.requests < 60
        code, out, err = harness("run", *asked, "--model", "openai/m,baseline/oracle", "--limit", "24")
    assert code == 1
    assert "baseline/oracle, strategy io" in out, "another model may answer"


def test_a_server_that_is_not_there_leaves_no_run_and_no_advice_to_resume_it(harness, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("harness.models.health.FIRST_WAIT_S", 0.01)
    with socket.socket() as taken:  # nobody listens there, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        code, out, err = harness("run", "--task", "aiw", "--model", "openai/m", "--base-url", url, "--display", "none")
    assert (code, out) == (1, "")
    assert err == (
        f"error: nothing answers at {url}: connection refused\n  is the server running, and is its address right?\n"
    )
    assert list((tmp_path / "results").iterdir()) == []
