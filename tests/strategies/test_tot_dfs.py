"""Depth first: the best is followed first, what is impossible is not, and a dead end is left again."""

import asyncio
from dataclasses import replace

from harness.strategies.tot_dfs import ToTDepthFirst
from harness.tasks.game24.task import Game24
from harness.types import Message, Task
from tests.strategies.game24_model import PUZZLES, Model, params_of
from tests.strategies.scripted import Scripted

ONE = ToTDepthFirst(n_evaluate=1)


class Word(Task):
    """Spell a word of three letters."""

    def steps(self, params, partial, k):
        return None if len(partial) == 3 else [Message("user", f"after '{partial}'?")]

    def join(self, partial, thought):
        return partial + thought

    def weigh(self, params, partial):
        return [Message("user", f"weigh '{partial}'")]


VERDICTS = {"a": "likely", "b": "sure", "bx": "impossible", "by": "likely", "bz": "sure", "bza": "impossible",
            "bya": "likely"}  # fmt: skip
NEXT = {"": "a\nb", "b": "x\ny\nz", "bz": "a", "by": "a"}


def spell(strategy: ToTDepthFirst, verdicts=VERDICTS, following=NEXT):
    def reply(prompt: str, time: int) -> str:
        about = prompt.split("'")[1]
        return verdicts.get(about, "likely") if prompt.startswith("weigh") else following.get(about, "")

    session = Scripted(reply, Word())
    return session, asyncio.run(strategy.solve(session))


def test_it_goes_back_from_a_dead_end_and_takes_the_next_best() -> None:
    session, response = spell(ONE)
    assert response.text == "bya"
    states = {node["node"]: node["partial"] for node in session.of("state")}
    assert [states[node["parent"]] for node in session.of("propose")] == ["", "b", "bz", "by"], "the order of visits"
    followed = [node["partial"] for node in session.of("state") if node["chosen"]]
    assert sorted(followed) == ["", "b", "by", "bya", "bz"]
    assert [node["partial"] for node in session.of("state") if node["pruned"]] == ["bx", "bza"]


def test_without_pruning_the_first_complete_answer_is_taken() -> None:
    assert spell(replace(ONE, prune="none"))[1].text == "bza"


def test_no_more_children_than_allowed_are_followed() -> None:
    """Only z, the best: its one word is impossible, and y is not tried."""
    session, response = spell(replace(ONE, children=1))
    assert "by" not in [node["partial"] for node in session.of("state") if node["chosen"]]
    assert response.text == "bz", "the deepest that was reached"


def test_when_enough_states_were_followed_the_deepest_is_the_answer() -> None:
    session, response = spell(replace(ONE, nodes=2))
    assert (response.text, response.best_so_far) == ("b", None)
    assert len(session.of("propose")) == 2


def test_a_limit_on_calls_keeps_the_deepest_as_best_so_far() -> None:
    session, response = spell(replace(ONE, max_calls=8))
    assert (response.text, response.stop_reason, response.best_so_far) == ("", "length", "bz")
    assert len(session.asked) <= 8


def test_an_exact_evaluator_goes_straight_to_a_solution() -> None:
    for strategy in (ONE, ToTDepthFirst(evaluate="judge")):
        for numbers in PUZZLES[::20]:
            session = Scripted(Model(1.0, seed=2), Game24(targets=("24",)), params_of(numbers))
            assert session.right(asyncio.run(strategy.solve(session)).text)
            assert len(session.of("propose")) == 4
