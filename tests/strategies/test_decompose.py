"""Decomposition: scores of proofs as in the lecture's tree, and questions that are answered before the question."""

import asyncio
import math
import random
import re
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.strategies.decompose import Decompose
from harness.strategies.entailment import FOLLOWS, PROVE, TRUE
from harness.strategies.proofs import Proof, Statement, revise
from harness.strategies.simpler import edited, follow_up
from harness.strategies.yes_no import probability
from harness.types import Completion, Score, Task, TokenLogprob
from tests.strategies.scripted import Scripted

TREE = {
    "H": (0.75, ["P1", "P2", "P3"]),
    "P1": (0.9, ["Q1", "Q2", "Q3"]),
    "P2": (0.8, []),
    "P3": (1.0, []),
    "Q1": (0.8, []),
    "Q2": (0.6, []),
    "Q3": (0.6, []),
}
"""The lecture's tree: a statement, its direct score, and the premises that it is said to follow from with certainty."""


def yes(p: float) -> Completion:
    top = tuple(
        (word, math.log(max(q, 1e-12))) for word, q in (("Yes", p * 0.9), (" no", (1 - p) * 0.9), ("Well", 0.1))
    )
    return Completion("Yes", logprobs=(TokenLogprob("Yes", top[0][1], top),))


def model(prompt: str, time: int):
    about = prompt.rsplit("\n", 1)[-1]
    if FOLLOWS.partition("{")[0] in prompt:
        return yes(1.0)
    if TRUE in prompt:
        return yes(TREE[about][0])
    if PROVE in prompt:
        return "\n".join(TREE[about][1])
    return "H"  # the answer, and the answer as a sentence


def solve(strategy: Decompose, reply=model) -> tuple[Scripted, str]:
    session = Scripted(reply, prompt="Is it so?")
    return session, asyncio.run(strategy.solve(session)).text


@pytest.mark.parametrize(("rule", "value"), [("max", 0.75), ("product", 0.72)])
def test_the_lectures_tree(rule: str, value: float) -> None:
    session, text = solve(Decompose(revise=rule, samples=0, candidates=1, proofs=1))
    nodes = {node["partial"]: node for node in session.of("state")}
    assert text == "H"
    assert nodes["H"]["value"] == pytest.approx(value)
    assert nodes["H"]["direct"] == pytest.approx(0.75)
    assert nodes["P1"]["value"] == pytest.approx(0.9), "its split is worth 0.288: it is refused"
    assert not nodes["P1"]["chosen"]
    assert nodes["H"]["chosen"] == (rule == "product")
    detail = asyncio.run(Decompose(revise=rule, samples=0, candidates=1, proofs=1).solve(session)).detail
    assert (detail["depth"], detail["leaves"]) == ((1, 3) if rule == "product" else (0, 1))


def test_a_proof_that_is_more_certain_is_used_by_both_rules() -> None:
    for rule in ("max", "product"):
        h = Statement(1, None, "H", 0.6, proof=Proof([Statement(2, 1, "P", 0.95)], 1.0))
        assert revise(h, rule) == 0.95


def test_a_proof_with_a_part_below_the_threshold_is_dropped() -> None:
    session, _ = solve(Decompose(revise="product", samples=0, candidates=1, proofs=1, threshold=0.85))
    h, *premises = session.of("state")
    assert (h["value"], h["entailment"]) == (pytest.approx(0.75), None)
    assert len(premises) == 3, "they are in the log all the same"


def test_the_answer_is_the_one_whose_hypothesis_has_the_highest_value() -> None:
    answers = iter(["A", "B", "A"])

    def reply(prompt: str, time: int):
        if prompt == "Is it so?":
            return next(answers)
        if TRUE in prompt:
            return "yes" if prompt.endswith("it is B") else "no"
        return "nothing" if PROVE in prompt else f"it is {'AB'[time - 1]}"

    session, text = solve(Decompose(candidates=3, depth=0), reply)
    assert text == "B"
    assert [round(n["value"], 4) for n in session.of("state")] == [round(1 / 7, 4), round(6 / 7, 4)]


def test_a_probability_is_of_the_first_token_or_the_share_of_yes_with_one_more_of_each() -> None:
    assert probability([yes(0.3)]) == pytest.approx(0.3)
    assert probability([Completion(text) for text in ("Yes.", "yes", "No", "who knows")]) == pytest.approx(3 / 5)
    assert probability([Completion("**True**")]) == pytest.approx(2 / 3)


def test_least_to_most_answers_the_listed_questions_in_order_each_with_those_before() -> None:
    def reply(prompt: str, time: int) -> str:
        if "Which simpler questions" in prompt:
            return "1. Who founded it?\n2. Where was she born?"
        return {"First answer this: Who founded it?": "Ann", "First answer this: Where was she born?": "Rome"}.get(
            prompt.partition("yet. ")[2], "Rome it is"
        )

    session, text = solve(Decompose(method="least-to-most"), reply)
    assert text == "Rome it is"
    assert len(session.asked) == 4
    final = session.asked[-1]
    assert [m.role for m in final] == ["user", "assistant", "user", "assistant", "user"], "turns alternate"
    assert final[0].content.startswith("Is it so?")
    assert [m.content for m in final if m.role == "assistant"] == ["Ann", "Rome"]
    assert [(n["thought"], n["partial"]) for n in session.of("state")[1:]] == [
        ("Who founded it?", "Ann"), ("Where was she born?", "Rome"),
    ]  # fmt: skip


def test_self_ask_goes_on_until_no_question_is_left() -> None:
    questions = iter(["Follow up: Who founded it?", "follow up: Where was she born?", "Follow up: none"])

    def reply(prompt: str, time: int) -> str:
        if "Follow up" in prompt:
            return next(questions)
        return "Rome" if re.search("born", prompt) else "Ann" if "founded" in prompt else "So: Rome"

    session, text = solve(Decompose(method="self-ask"), reply)
    assert text == "So: Rome"
    assert len(session.asked) == 3 + 2 + 1
    assert len(session.of("state")) == 3


def test_without_simpler_questions_the_prompt_is_asked_as_it_is() -> None:
    session, text = solve(Decompose(method="self-ask"), lambda p, t: "none needed" if "Follow up" in p else p)
    assert text == "Is it so?"
    assert len(session.asked) == 2


def test_a_model_that_never_ends_asking_is_ended() -> None:
    session, _ = solve(Decompose(method="self-ask", parts=3), lambda p, t: "Follow up: and then?")
    assert len(session.of("state")) == 1 + 3


def test_a_limit_keeps_the_first_answer_drawn() -> None:
    session = Scripted(model, prompt="Is it so?")
    response = asyncio.run(Decompose(max_calls=8).solve(session))
    assert (response.stop_reason, response.best_so_far) == ("length", "H")
    assert len(session.asked) <= 8


@pytest.mark.parametrize("reply", ["Follow up: none.", "Nothing.", "follow-up: None", ""])
def test_no_further_question(reply: str) -> None:
    assert follow_up(reply) == ""


# Edits --------------------------------------------------------------------------------------------------------------

WORLD = "Tazkel was founded by Ruvkel. Ruvkel was born in Hagvum, and Zazger lives in Bovzar since 1907."


@pytest.mark.parametrize("seed", range(10))
def test_an_edit_puts_another_name_of_the_prompt_in_the_place_of_the_last_one_given(seed: int) -> None:
    turns = [("Who founded Tazkel?", "Ruvkel founded Tazkel: Ruvkel."), ("Is it so?", "It is not said.")]
    [(asked, answer), other] = edited(turns, WORLD, random.Random(seed))
    assert (asked, other) == (turns[0][0], turns[1])
    assert re.fullmatch("(Hagvum|Zazger|Bovzar) founded Tazkel: \\1.", answer)


def test_numbers_are_edited_by_numbers_and_what_names_nothing_can_not_be_edited() -> None:
    assert edited([("When?", "In 1907.")], WORLD, random.Random(0)) is None, "there is no other number"
    assert edited([("When?", "In 1907.")], f"{WORLD} 12 of them", random.Random(0)) == [("When?", "In 12.")]
    assert edited([("Who?", "Nobody.")], WORLD, random.Random(0)) is None
    assert edited([], WORLD, random.Random(0)) is None


@pytest.mark.parametrize(("follows", "changed"), [(True, True), (False, False)])
def test_a_model_that_ignores_its_simpler_answers_does_not_change_its_own(follows: bool, changed: bool) -> None:
    class Founders(Task):
        def score(self, params, response, stop_reason="stop"):
            return Score.of(True, response)

    def reply(prompt: str, time: int) -> str:
        if "Follow up" in prompt:
            return "Follow up: Who founded Tazkel?" if WORLD in prompt else "Follow up: none"
        return "It is Ruvkel." if "First answer this" in prompt else "final"

    class Follows(Scripted):
        async def ask(self, messages, **how):
            [made] = await super().ask(messages, **how)
            given = next((m.content for m in messages if m.content.startswith("It is")), "")
            return [replace(made, text=given if follows else "Hagvum") if made.text == "final" else made]

    session = Follows(reply, Founders(), prompt=WORLD)
    found = asyncio.run(Decompose(method="self-ask", edit=True).solve(session))
    assert found.text == ("It is Ruvkel." if follows else "Hagvum"), "the answer is the one before the edit"
    [node] = session.of("edited")
    assert node["said"] is changed


def test_an_answer_is_not_lost_over_an_edit_that_would_be_a_call_too_many() -> None:
    session = Scripted(
        lambda prompt, _: "Follow up: who?" if prompt.startswith(WORLD) else "It is Ruvkel.", prompt=WORLD
    )
    found = asyncio.run(Decompose(method="self-ask", parts=1, edit=True, max_calls=3).solve(session))
    assert (found.text, found.stop_reason, session.of("edited")) == ("It is Ruvkel.", "stop", [])


def test_an_edit_needs_a_reader_and_simpler_answers() -> None:
    assert (Decompose().aid, Decompose(method="self-ask", edit=True).aid) == ("none", "reader")
    with pytest.raises(UsageError, match="no simpler answers"):
        Decompose(edit=True)
