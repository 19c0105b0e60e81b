"""A strategy gets the help that it has declared, and never the params."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.errors import AidError
from harness.pipeline import store
from harness.pipeline.runner import Run
from harness.pipeline.session import OneSample
from harness.strategies.io import IO
from harness.types import Aid, Feedback, Message, Origin, Request, Response, Sample, Session, Task
from tests.strategies.chances import Verified, records
from tests.support import Echo, Parrot, SideBySide, Thrice, execute
from tests.support import records as by_place
from tests.waiting import until_async

AIDS = get_args(Aid)
HELP = {
    "answer": ("reader", ("0",)),
    "key": ("reader", ("0",)),
    "judge": ("verifier", ("0",)),
    "feedback": ("verifier", ("0",)),
    "right": ("oracle", ("0",)),
    "solution": ("oracle", ()),
}


@dataclass(frozen=True)
class Asks:
    """Uses one help, with one aid."""

    aid: str
    help: str
    max_calls: int = 1

    async def solve(self, session: Session) -> Response:
        getattr(session, self.help)(*HELP[self.help][1])
        return Response("0")


@pytest.mark.parametrize("aid", AIDS)
@pytest.mark.parametrize("help", sorted(HELP))
def test_help_is_given_to_those_who_declared_it_and_refused_to_others(tmp_path: Path, aid: Aid, help: str) -> None:
    run = execute(tmp_path, Parrot(), Asks(aid, help), Verified(1))
    if AIDS.index(aid) >= AIDS.index(HELP[help][0]):
        assert asyncio.run(run).status == "complete"
    else:
        with pytest.raises(AidError, match=f"declares the aid '{aid}'"):
            asyncio.run(run)


@pytest.mark.parametrize("aid", ["none", "reader", "verifier"])
def test_feedback_from_the_stored_answer_takes_the_oracle(tmp_path: Path, aid: Aid) -> None:
    with pytest.raises(AidError, match="asked for feedback"):
        asyncio.run(execute(tmp_path, Parrot(), Asks(aid, "feedback"), Echo(1)))
    assert asyncio.run(execute(tmp_path / "b", Parrot(), Asks("oracle", "feedback"), Echo(1))).status == "complete"


def test_these_are_all_helps_that_take_an_aid() -> None:
    """A new method of the session that sees the params stands here, or takes no aid."""
    free = {"ask", "cut", "note", "steps", "join", "weigh", "rng", "spent", "sampling", "settle", "refusal"}
    assert {name for name in dir(OneSample) if not name.startswith("_")} == free | set(HELP)


def reached(value: Any, seen: set[int], depth: int = 8) -> Iterator[Any]:
    """Everything that public attributes and items lead to."""
    if id(value) in seen or depth == 0 or isinstance(value, str | int | float | bool | type(None) | type):
        return
    seen.add(id(value))
    yield value
    inner: list[Any] = []
    if isinstance(value, Mapping):
        inner += [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner += value
    for name in dir(value):
        if not name.startswith("_"):
            inner.append(getattr(value, name))
    for one in inner:
        yield from reached(one, seen, depth - 1)


def test_no_attribute_of_a_session_leads_to_the_params(tmp_path: Path) -> None:
    """Before and after a call, and also from what the calls return."""
    found: list[Any] = []

    class Looks(Asks):
        async def solve(self, session: Session) -> Response:
            seen: set[int] = set()
            found.extend(reached(session, seen))
            made = await session.ask(session.messages)
            session.note(role="answer")
            found.extend(reached([session, *made], seen))
            found.extend(reached([session.feedback("0"), session.messages], set()))
            return Response("0")

    asyncio.run(execute(tmp_path, Parrot(), Looks("oracle", "right"), Verified(1)))
    assert len(found) > 20
    assert not [one for one in found if isinstance(one, Run | Sample | Task | Request | Origin)]
    assert not [one for one in found if isinstance(one, Mapping) and {"answer", "side"} & set(one)]


class Says(Asks):
    async def solve(self, session: Session) -> Response:
        return Response("0", detail={"hinted": True})


def test_what_a_strategy_says_of_a_sample_stands_under_a_key_of_its_own(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), Says("none", ""), Verified(1)))
    assert records(tmp_path)[0]["detail"] == {"strategy": {"hinted": True}}


# An aid that depends on an option ----------------------------------------------------------------------------------


@pytest.fixture
def runs(harness) -> Iterator[dict[str, Path]]:
    """One run of each: blind, by the verifier, with the key."""
    made = {}
    for name, options in (("blind", ()), ("verifier", ("-S", "by=verifier")), ("oracle", ("-S", "by=oracle"))):
        strategy = ("--strategy", "best-of-n", "-S", "n=2") if options else ()
        code, _, err = harness("run", "--task", "game24", "--model", "baseline/random", "--limit", 6, "--name", name,
                               "--display", "none", *strategy, *options)  # fmt: skip
        assert code == 0, err
        made[name] = max(Path("results").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return made


def test_the_instance_s_aid_is_in_run_json_records_and_tables(harness, runs: dict[str, Path]) -> None:
    for by in ("verifier", "oracle"):
        assert json.loads((runs[by] / "run.json").read_text())["strategy"]["aid"] == by
        assert {r["aid"] for r in store.read_records(runs[by])} == {by}
        assert f"best-of-n (aid: {by})" in harness("table", runs[by])[1]
        assert f",{by}\n" in (runs[by] / "summary.csv").read_text().replace("\r", "")
    assert "verifier (by option)" in harness("strategies")[1]


def test_what_saw_the_key_has_no_row_rank_or_gate_in_common_with_what_did_not(harness, runs) -> None:
    code, out, _ = harness("table", *runs.values(), "--by", "task,model,strategy")
    assert code == 0
    for strategy in ("io", "best-of-n (aid: verifier)", "best-of-n (aid: oracle)"):
        assert out.count(f"  {strategy}  ") == 1
    code, _, err = harness("table", runs["verifier"], runs["oracle"], "--by", "task,model")
    assert code == 2
    assert "one row would mix the aid verifier and the aid oracle" in err.replace("\n", " ")
    _, out, _ = harness("leaderboard", *runs.values())
    assert [("oracle" in board, "blind" in board) for board in boards_of(out)] == [(False, True), (True, False)]
    code, _, err = harness("compare", runs["blind"], runs["oracle"])
    assert (code, "saw the answer key" in err) == (1, True)
    assert harness("compare", runs["blind"], runs["verifier"])[0] in (0, 100)
    harness("history", "add", *runs.values())
    assert "best-of-n (aid: oracle)" in harness("history", "show")[1]


def boards_of(text: str) -> list[str]:
    """The boards of a leaderboard, each from its title on, without the table of all rows."""
    board = text.partition("\n\nall rows")[0]
    parts = board.split("game24 2")
    return [part for part in parts[1:] if "rank" in part]


def test_a_baseline_keeps_the_aid(harness, runs) -> None:
    harness("baseline", "set", runs["oracle"], "--name", "ceiling")
    code, _, err = harness("compare", "ceiling", runs["blind"])
    assert (code, "saw the answer key" in err) == (1, True)


# Scored again ---------------------------------------------------------------------------------------------------------


def test_scoring_a_run_again_keeps_what_its_strategy_said_and_scores_no_answer_so_far(harness, tmp_path) -> None:
    for name, options in (("cut", ("stop=rounds", "max_calls=2")), ("whole", ("stop=rounds",))):
        given = [part for option in options for part in ("-S", option)]
        assert harness("run", "--task", "game24", "--model", "baseline/oracle", "--strategy", "self-refine", *given,
                       "--limit", 3, "--out", name, "--display", "none")[0] == 0  # fmt: skip
        [run] = Path(name).iterdir()
        code, _, err = harness("score", "--task", "game24", run, "-o", f"{name}-again")
        assert code == 0, err
        before, after = (list(store.read_records(path)) for path in (run, Path(f"{name}-again")))
        assert [r["detail"] for r in after] == [r["detail"] for r in before]
        assert {r["outcome"] for r in after} == {"truncated" if name == "cut" else "correct"}
        assert harness("stats", f"{name}-again")[1].count("right -> right") == (name == "whole")


# Calls of one sample ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loop:
    """A verifier in the loop: ask, and ask again with what is wrong. Thrown away; the contract is what is tested."""

    aid: str = "verifier"
    max_calls: int | None = 3
    greedy: int = 3

    async def solve(self, session):
        messages, answer = list(session.messages), None
        for _ in range(self.greedy):
            [answer] = await session.ask(messages)
            session.note(parent=len(messages), text=answer.text)
            said = session.feedback(answer.text)
            if said.right:
                break
            messages += [Message("assistant", answer.text), Message("user", said.text)]
        return Response(answer.text, answer.stop_reason)


class Told(Echo):
    feedback_aid = "verifier"

    def feedback(self, params, response, level, stop_reason="stop"):
        return Feedback(response == str(params["answer"]), f"{level}: too high or too low")


def test_a_verifier_in_the_loop_gets_by_with_the_session(tmp_path: Path) -> None:
    model = Parrot(lambda text: "9" if text.startswith("first-error") else "0")
    result = asyncio.run(execute(tmp_path, model, Loop(), Told()))
    assert result.status == "complete"
    found = by_place(tmp_path)
    assert {found["s0", 1]["calls"], found["s9", 1]["calls"], found["s4", 1]["calls"]} == {1, 2, 3}
    assert [found[s, 1]["outcome"] for s in ("s0", "s9", "s4")] == ["correct", "correct", "wrong"]
    assert found["s9", 1]["aid"] == "verifier"
    nodes = [json.loads(line) for line in (tmp_path / store.NODES).read_text().splitlines()]
    assert [n["text"] for n in nodes if n["id"] == "s9"] == ["0", "9"]


def test_help_that_was_not_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AidError, match="declares the aid 'none', and asked for feedback"):
        asyncio.run(execute(tmp_path, Parrot(), Loop(aid="none"), Told()))
    assert asyncio.run(execute(tmp_path / "b", Parrot(), Loop(aid="oracle"), Told())).status == "complete"


def test_a_strategy_that_promises_one_call_may_not_make_two(tmp_path: Path) -> None:
    with pytest.raises(AidError, match="promises at most 1 calls a sample, and made another"):
        asyncio.run(execute(tmp_path, Parrot(lambda text: "no"), Loop(max_calls=1, greedy=2), Told()))


def test_a_session_knows_what_was_spent_and_draws_the_same_numbers_again(tmp_path: Path) -> None:
    seen: dict[str, list] = {}

    class Looks(IO):
        max_calls = 3

        async def solve(self, session):
            answers = await session.ask(session.messages, n=3, temperature=0.5)
            seen.setdefault(session.messages[-1].content, []).append((session.rng.random(), session.spent))
            return Response(answers[0].text)

    for name in "ab":
        asyncio.run(execute(tmp_path / name, Parrot(), Looks()))
    assert all(first == again for first, again in seen.values())
    assert len({first for first, _ in seen.values()}) == 10
    assert seen["say 3"][0][1] == (3, 6, 3)


def test_a_session_never_hands_out_the_params(tmp_path: Path) -> None:
    class Spy(IO):
        async def solve(self, session):
            public = [name for name in dir(session) if not name.startswith("_")]
            assert not [name for name in public if "param" in name or "sample" in name or "target" in name]
            return await super().solve(session)

    asyncio.run(execute(tmp_path, Parrot(), Spy()))
    assert {r["outcome"] for r in records(tmp_path)} == {"correct"}


def test_calls_of_one_sample_have_different_seeds(tmp_path: Path) -> None:
    model = Parrot()
    asyncio.run(execute(tmp_path, model, Thrice(), Echo(1)))
    assert len({r.sampling.seed for r in model.asked}) == 3


def test_seeds_of_calls_side_by_side_do_not_depend_on_which_ends_first(tmp_path: Path) -> None:
    class Uneven(Parrot):
        def __init__(self, slow: str) -> None:
            super().__init__(max_connections=8)
            self.slow = slow

        async def complete(self, request):
            if self.slow in request.messages[-1].content:
                await until_async(lambda: len(self.asked) >= 4, "both others have made both of their calls")
            return await super().complete(request)

    def seeds(slow: str) -> dict:
        model = Uneven(slow)
        asyncio.run(execute(tmp_path / slow, model, SideBySide(), Echo(1)))
        return {r.messages: r.sampling.seed for r in model.asked}

    assert seeds("one") == seeds("three")
