"""Monte Carlo tree self-refine: the worked trace of the released code, its calls, and who knows what is right."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from harness.strategies.mcts import CRITIQUE, MCTS, REWRITE, SCORE
from harness.strategies.mcts_tree import Answer, score, update
from harness.types import Completion, Feedback, Score, Task
from tests.strategies.scripted import Scripted

REWARDS = [30, -90, 20, 60, 55, 97, 40, 10, 45, 70]


class Never(Task):
    """No answer is right, or the one that is called so."""

    def score(self, params, response, stop_reason="stop"):
        return Score.of(response == params.get("right"), response)


def model(rewards=REWARDS):
    given, names = iter(rewards), (f"A{i}" for i in itertools.count())

    def reply(prompt: str, time: int) -> str:
        if prompt == SCORE:
            return f"It is fine.\nScore: {next(given)}"
        return "too short" if prompt == CRITIQUE else next(names)

    return reply


def solve(strategy: MCTS, reply, task: Task | None = None, **params) -> tuple[Scripted, str]:
    session = Scripted(reply, task or Never(), params)
    return session, asyncio.run(strategy.solve(session)).text


def test_the_worked_trace_of_the_released_code() -> None:
    session, text = solve(MCTS(rollouts=4, variant="released"), model())
    states = {node["partial"]: node for node in session.of("state")}
    names = {node["node"]: name for name, node in states.items()}
    assert [names[node["parent"]] for node in session.of("feedback")] == ["A0", "A1", "A1", "A2"], "the picks"
    assert {name: names.get(node["parent"]) for name, node in states.items() if name[0] == "A"} == {
        "A0": None, "A1": "A0", "A2": "A1", "A3": "A1", "A4": "A2",
    }  # fmt: skip
    assert {name: round(states[name]["value"], 3) for name in ("A1", "A2", "A3", "A4")} == {
        "A1": 45.833, "A2": 46.25, "A3": 10, "A4": 70,
    }  # fmt: skip
    assert {name: round(states[name]["uct"], 4) for name in ("A0", "A1", "A2", "A3", "A4")} == {
        "A0": 41.25, "A1": 46.8889, "A2": 59.2906, "A3": 11.6484, "A4": 71.4674,
    }  # fmt: skip
    assert text == "A4"


@pytest.mark.parametrize(("rollouts", "calls"), [(0, 3), (2, 11), (4, 19), (8, 35), (16, 67)])
@pytest.mark.parametrize("variant", ["blind", "released"])
def test_calls_are_3_and_4_a_rollout(rollouts: int, calls: int, variant: str) -> None:
    session, _ = solve(MCTS(rollouts=rollouts, variant=variant), model(itertools.cycle(REWARDS)))
    assert len(session.asked) == calls


def test_blind_takes_the_answer_of_the_highest_q_and_never_asks_what_is_right() -> None:
    session, text = solve(MCTS(rollouts=4), model(), right="A1")
    best = max(session.of("state"), key=lambda node: node["value"])
    assert text == best["partial"] == "A4"


def test_the_refusal_is_never_the_answer_and_an_answer_that_was_cut_is_truncated() -> None:
    given = iter([-50, 80])
    cut = Completion("A0", stop_reason="length")
    session = Scripted(lambda p, t: f"Score: {next(given)}" if p == SCORE else cut, Never())
    response = asyncio.run(MCTS(rollouts=0).solve(session))
    assert (response.text, response.stop_reason) == ("A0", "length")


def test_released_stops_at_the_first_right_answer_and_says_that_the_key_helped() -> None:
    session, text = solve(MCTS(rollouts=8, variant="released"), model(itertools.cycle(REWARDS)), right="A2")
    assert text == "A2"
    assert len(session.asked) == 3 + 4 + 3
    assert [MCTS().aid, MCTS(critic="verifier").aid, MCTS(variant="released").aid] == ["none", "verifier", "oracle"]


def test_a_reward_of_95_counts_as_50_in_the_released_code_only() -> None:
    for variant, value in (("released", 50), ("blind", 95)):
        session, _ = solve(MCTS(rollouts=0, variant=variant), model([97, -90]))
        assert session.of("state")[0]["value"] == value


def test_in_the_paper_a_reward_reaches_all_ancestors_and_the_root_is_explored() -> None:
    root = Answer(1, "a", rewards=[0.0])
    child = Answer(2, "b", root, rewards=[50.0])
    grandchild = Answer(3, "c", child, rewards=[100.0])
    root.children, child.children = [child], [grandchild]
    update([root, child, grandchild], c=0)
    assert [a.uct for a in (root, child, grandchild)] == [37.5, 75, 100]
    update([root], c=1)
    assert root.uct == pytest.approx(38.5, abs=1e-4), "ln 1 + 1 over one visit"


def test_an_answer_is_closed_when_one_of_three_children_is_as_good() -> None:
    a = Answer(1, "a", rewards=[10.0])
    a.children = [Answer(i, "b", a, rewards=[r]) for i, r in enumerate((0.0, 5.0), 2)]
    assert a.open
    a.children.append(Answer(4, "c", a, rewards=[9.0]))
    assert a.open
    a.children[0].rewards = [10.0]
    assert not a.open


def test_a_verifier_as_critic_scores_without_calls_and_says_what_is_wrong() -> None:
    class Told(Never):
        def feedback(self, params, response, level, stop_reason="stop"):
            return Feedback(response == "A2", f"{level}: not {response}")

    session, text = solve(MCTS(rollouts=3, critic="verifier"), model(), Told())
    assert text == "A2"
    assert [m[-1].content.rpartition("\n\n")[2] for m in session.asked] == ["?", REWRITE, REWRITE, REWRITE]
    assert "first-error: not A0" in session.asked[1][-1].content
    assert [m.role for m in session.asked[1]] == ["user", "assistant", "user"]


def test_a_score_that_can_not_be_read_is_asked_for_again_and_then_counts_as_0() -> None:
    said = iter(["good", "Score: -40", "no", "no"])
    session, _ = solve(MCTS(rollouts=0), lambda p, t: next(said) if p == SCORE else "A")
    assert [node["said"] for node in session.of("score")] == [None, -40, None, None]
    assert [node["value"] for node in session.of("state")] == [0, -40]


def test_a_limit_ends_it_with_the_best_answer_so_far() -> None:
    session = Scripted(model(), Never())
    response = asyncio.run(replace(MCTS(), max_calls=12).solve(session))
    assert len(session.asked) <= 12
    assert (response.stop_reason, response.best_so_far) == ("length", "A1")


@pytest.mark.parametrize(
    ("reply", "number"),
    [("Score: -90", -90), ("**Score:** 85", 85), ("score: 12\nScore: 300", 100), ("90", None), ("Score: high", None)],
)
def test_a_score_is_read_behind_its_word(reply: str, number: float | None) -> None:
    assert score(reply) == number
