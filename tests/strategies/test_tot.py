"""Tree of Thoughts: with exact parts it is exact, with noisy ones as good as a simulation says; its log is whole."""

import asyncio
import collections
import gzip
import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.strategies.evaluator import WORTH, choice, verdict
from harness.strategies.search import thoughts
from harness.strategies.tot import ToT
from harness.strategies.tot_dfs import ToTDepthFirst
from harness.tasks.game24.in_steps import can_become, successors
from harness.tasks.game24.task import Game24
from harness.types import Completion, Message, Task
from tests.strategies.game24_model import PUZZLES, Model, left_of, params_of
from tests.strategies.scripted import Scripted
from tests.support import Echo, Parrot, execute

ONE = ToT(n_evaluate=1)
FIXTURES = Path(__file__).parents[1] / "fixtures" / "published"


def solve(strategy: ToT, numbers: tuple[int, ...], model) -> tuple[Scripted, str]:
    session = Scripted(model, Game24(targets=("24",)), params_of(numbers))
    return session, asyncio.run(strategy.solve(session)).text


def solved(session: Scripted) -> bool:
    """Whether one of the states kept at the third step has come to 24: what the evaluator alone decides."""
    return any(n["chosen"] and n["depth"] == 3 and n["partial"].endswith("(left: 24)") for n in session.of("state"))


def test_a_puzzle_has_29_next_states_and_a_fifth_of_them_can_become_24() -> None:
    states = [after for numbers in PUZZLES for after, _ in successors(left_of(" ".join(map(str, numbers))))]
    assert round(len(states) / len(PUZZLES), 1) == 29.1
    assert round(sum(can_become(state, 24) for state in states) / len(states), 3) == 0.196


def test_an_exact_evaluator_solves_every_puzzle_with_one_state_kept() -> None:
    for numbers in PUZZLES[::4]:
        session, text = solve(replace(ONE, b=1), numbers, Model(1.0, seed=1))
        assert session.right(text)


def test_the_tasks_own_judge_is_such_an_evaluator_and_its_aid_is_declared() -> None:
    strategy = ToT(b=1, evaluate="judge")
    assert (strategy.aid, ToT().aid) == ("verifier", "none")
    for numbers in PUZZLES[::10]:
        session, text = solve(strategy, numbers, Model(0.0, seed=1))
        assert session.right(text)
        assert len(session.asked) == 4, "four proposals, and no evaluator"


@pytest.mark.parametrize(("ties", "share"), [("random", 0.7475), ("first", 0.804)])
def test_a_noisy_evaluator_solves_what_a_simulation_says(ties: str, share: float) -> None:
    """Right with a = 0.9, b = 5. The shares are of independent simulations (20 and 40 draws a puzzle), taken as known
    within 0.02; one draw a puzzle here is within 2.6 standard errors of such a value in 99% of tests."""
    strategy = ToT(n_evaluate=1, prune="none", ties=ties)
    hits = sum(solved(solve(strategy, numbers, Model(0.9, seed=i))[0]) for i, numbers in enumerate(PUZZLES))
    n = len(PUZZLES)
    assert abs(hits / n - share) < 0.02 + 2.6 * math.sqrt(share * (1 - share) / n)


def test_the_tree_of_the_published_protocol_has_16_proposals_in_four_steps() -> None:
    published = ToT(steps=4, b=5, n_evaluate=3, prune="none", cache="run", merge=False)
    session, text = solve(published, (4, 5, 6, 10), Model(1.0, seed=1))
    proposals = collections.Counter(node["depth"] for node in session.of("propose"))
    assert [proposals[depth] for depth in range(5)] == [1, 5, 5, 5, 0]
    assert text.count("\n") == 3
    assert session.right(text)
    values = collections.Counter(node["parent"] for node in session.of("value"))
    assert set(values.values()) == {3}
    chosen = collections.Counter(n["depth"] for n in session.of("state") if n["chosen"])
    assert [chosen[depth] for depth in range(5)] == [1, 5, 5, 5, 5]


class Logged(Task):
    """Four lines; what is asked about a partial answer is the partial answer."""

    def steps(self, params, partial, k):
        return None if partial.count("\n") == 3 else [Message("user", f"next|{partial}")]

    def weigh(self, params, partial):
        return [Message("user", f"weigh|{partial}")]


def test_the_published_search_of_one_puzzle_keeps_the_same_states_in_the_same_order() -> None:
    """Given the logged candidates and, for each, three verdicts that come to its logged value."""
    with gzip.open(FIXTURES / "tot_900.json.gz") as file:
        steps = json.load(file)["steps"]
    verdicts = {
        round(sum(WORTH.get(word, 0) for word in words), 3): words
        for words in itertools.combinations_with_replacement([*WORTH, "?"], 3)
    }
    lines: dict[str, list[str]] = collections.defaultdict(list)
    values = {}
    for step in steps:
        for text, value in zip(step["new_ys"], step["values"], strict=True):
            parent, _, line = text.rstrip("\n").rpartition("\n")
            lines[parent].append(line)
            values.setdefault(text.rstrip("\n"), round(value, 3))

    def reply(prompt: str, time: int) -> str:
        kind, _, about = prompt.partition("|")
        return "\n".join(lines[about]) if kind == "next" else verdicts[values[about]][time - 1]

    session = Scripted(reply, Logged())
    asyncio.run(ToT(steps=4, n_evaluate=3, prune="none", cache="none", merge=False).solve(session))
    assert len(session.of("propose")) == 16
    for depth, step in enumerate(steps, 1):
        found = [node for node in session.of("state") if node["depth"] == depth]
        best = sorted(found, key=lambda node: -node["value"])[:5]
        assert [node["partial"] for node in best] == [text.rstrip("\n") for text in step["select_new_ys"]]
        assert all(node["chosen"] for node in best)


def test_values_are_the_published_ones_and_pruning_is_an_option() -> None:
    words = iter(["sure", "likely", "impossible"] * 2 + ["impossible"] * 300)
    model = Model(1.0, seed=0)
    session, _ = solve(
        ToT(b=2, steps=1, cache="none"), (1, 2, 4, 7), lambda p, t: model(p, t) if "write the" in p else next(words)
    )
    first, second, *rest = session.of("state")[1:]
    assert first["value"] == second["value"] == pytest.approx(21.001)
    assert all(node["value"] == pytest.approx(0.003) and node["pruned"] and not node["chosen"] for node in rest)

    hopeless = lambda p, t: model(p, t) if "write the" in p else "impossible"  # noqa: E731
    kept, _ = solve(ToT(b=2, steps=1, prune="none"), (1, 2, 4, 7), hopeless)
    assert sum(node["chosen"] for node in kept.of("state")) == 3
    dropped, text = solve(ToT(b=2, steps=1), (1, 2, 4, 7), hopeless)
    assert sum(node["chosen"] for node in dropped.of("state")) == 1, "the root alone"
    assert text == ""


def test_the_same_question_about_a_state_is_asked_once_a_sample_or_each_time() -> None:
    session, _ = solve(replace(ONE, merge=False), (1, 2, 4, 7), Model(0.5, seed=3))
    weighed = [messages[0].content for messages in session.asked if "Numbers: " in messages[0].content]
    assert len(weighed) == len(set(weighed)) < len(session.of("value"))
    again, _ = solve(replace(ONE, merge=False, cache="none"), (1, 2, 4, 7), Model(0.5, seed=3))
    assert len([m for m in again.asked if "Numbers: " in m[0].content]) == len(again.of("value"))


def test_a_limit_on_calls_ends_the_search_with_the_best_answer_so_far() -> None:
    session = Scripted(Model(1.0, seed=1), Game24(targets=("24",)), params_of((1, 2, 4, 7)))
    response = asyncio.run(replace(ONE, max_calls=60).solve(session))
    assert len(session.asked) <= 60
    assert (response.text, response.stop_reason) == ("", "length")
    assert response.best_so_far
    assert response.best_so_far in [n["partial"] for n in session.of("state") if n["chosen"]]


def test_a_vote_keeps_what_most_replies_name() -> None:
    def reply(prompt: str, time: int) -> str:
        if "Choice 1:" not in prompt:
            return "3 + 1 = 4 (left: 4 5 6)\n- 5 + 6 = 11 (left: 1 3 11)\n* 6 - 1 = 5 (left: 3 5 5)"
        return "Choice 1 is nice.\nBest choice: 3" if time < 3 else "I like them. best choice is: **2**"

    strategy = ToT(b=1, steps=1, evaluate="vote", n_evaluate=3)
    session, text = solve(strategy, (1, 3, 5, 6), reply)
    assert text == "6 - 1 = 5 (left: 3 5 5)"
    assert [node["value"] for node in session.of("state")[1:]] == [0, 1, 2]


def test_sampled_thoughts_come_one_a_reply_and_equal_ones_once() -> None:
    lines = ["Sure:\n1 + 3 = 4 (left: 4 5 6)\n5 + 6 = 11 (left: 1 3 11)", "1 + 3 = 4 (left: 4 5 6)", "no idea"]
    session, _ = solve(
        replace(ONE, generate="sample", k=3, steps=1),
        (1, 3, 5, 6),
        lambda p, t: "likely" if "Numbers: " in p else lines[t - 1],
    )
    assert [node["thought"] for node in session.of("state")[1:]] == ["1 + 3 = 4 (left: 4 5 6)"]
    assert len(session.of("propose")) == 3


def test_the_tree_can_be_rebuilt_from_its_nodes_alone() -> None:
    session, text = solve(ONE, PUZZLES[0], Model(0.9, seed=4))
    nodes = {node["node"]: node for node in session.nodes}
    assert len(nodes) == len(session.nodes)
    assert {n["parent"] for n in session.nodes} - {None} <= set(nodes)
    [answer] = session.of("final")
    path, at = [], nodes[answer["parent"]]
    assert at["partial"] == text
    while at["parent"]:
        path.insert(0, at["thought"])
        at = nodes[at["parent"]]
    assert "\n".join(path) == text
    called = {n["call"] for n in session.nodes if n["role"] in ("propose", "value")}
    assert called == {str(i) for i in range(1, len(session.asked) + 1)}, "every call is some node's"
    for node in session.of("state")[1:]:
        said = [n["said"] for n in session.of("value") if n["parent"] == node["node"]]
        assert node["same_as"] or node["value"] == sum({"sure": 20, "impossible": 0.001}[word] for word in said)


class Counting(Task):
    """An answer is complete at 3; nobody can judge it."""

    def steps(self, params, partial, k):
        return None if partial.endswith("3") else [Message("user", f"after {partial or 0}?")]


def counts(prompt: str, time: int) -> str:
    found = re.match("after (.*)\\?", prompt, re.S)
    return str(int(found[1][-1]) + 1) if found else "sure"


def test_a_task_without_words_of_its_own_is_weighed_by_its_prompt_and_the_answer_so_far() -> None:
    session = Scripted(counts, Counting(), prompt="Count to three.")
    assert asyncio.run(ONE.solve(session)).text == "1\n2\n3"
    weighed = next(m for m in session.asked if len(m) == 3)
    assert [m.role for m in weighed] == ["user", "assistant", "user"]
    assert weighed[0].content == "Count to three."


def test_a_judge_that_never_tells_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    class Unjudged(Echo):
        def steps(self, params, partial, k):
            return [Message("user", "next?")]

    model = Parrot()
    with pytest.raises(UsageError, match="can't judge partial answers"):
        asyncio.run(execute(tmp_path, model, ToT(evaluate="judge"), Unjudged(2)))
    assert model.asked == []


@pytest.mark.parametrize("strategy", [ToT(b=1, evaluate="judge"), ToTDepthFirst(evaluate="judge")])
def test_a_sample_that_is_too_large_to_be_judged_is_searched_without_help_and_says_so(strategy) -> None:
    found = asyncio.run(strategy.solve(Scripted(counts, Counting())))
    assert (found.text, found.detail) == ("1\n2\n3", {"unjudged": True})
    found = asyncio.run(replace(strategy, evaluate="value").solve(Scripted(counts, Counting())))
    assert (found.text, found.detail) == ("1\n2\n3", {})


@pytest.mark.parametrize("options", [{"cache": "run"}, {"n_evaluate": 5}])
@pytest.mark.parametrize("strategy", [ToT, ToTDepthFirst])
def test_options_of_verdicts_that_nobody_gives_are_refused(strategy, options) -> None:
    """They would make one search look like two."""
    with pytest.raises(UsageError, match="evaluate=judge"):
        strategy(evaluate="judge", **options)
    assert ToT(evaluate="vote", n_evaluate=5).n_evaluate == 5


def test_the_same_question_several_times_needs_a_temperature() -> None:
    session = Scripted(lambda p, t: "", Game24(), params_of((4, 5, 6, 10)))
    session.temperature = 0
    for strategy in (ToT(), ToT(n_evaluate=1, generate="sample")):
        with pytest.raises(UsageError, match="at temperature 0"):
            asyncio.run(strategy.solve(session))
    asyncio.run(ToT(n_evaluate=1).solve(session))


def test_a_task_without_steps_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="does not say its steps"):
        asyncio.run(ToT().solve(Scripted(lambda p, t: "")))


@pytest.mark.parametrize(
    ("reply", "word"),
    [("5 + 6\nsure", "sure"), ("**Impossible.**", "impossible"), ("Verdict: likely", "likely"), ("not sure", ""),
     ("sure or likely", ""), ("sure\nor not", ""), ("", ""), ("unlikely", ""), ("it is sure\n\n", "sure")],
)  # fmt: skip
def test_a_verdict_is_one_word_of_the_last_line(reply: str, word: str) -> None:
    assert verdict(reply) == word


def test_a_choice_is_a_whole_number_that_stands_for_a_candidate() -> None:
    assert choice("the best choice is 10", 12) == 10
    assert choice("best choice: 13", 12) == 0
    assert choice("10", 12) == 0


def test_thoughts_are_lines_without_their_markers() -> None:
    reply = Completion("1. 10 - 4 = 6\n\n- a\n(2) b\n12 - 3 = 9\n* c")
    assert thoughts(reply) == ["10 - 4 = 6", "a", "b", "12 - 3 = 9", "c"]
    assert thoughts(replace(reply, stop_reason="length"))[-1] == "12 - 3 = 9", "its last line may be half a step"
    assert len(thoughts(Completion("x\n" * 10_000))) == 100
