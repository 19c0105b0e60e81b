"""Theories of facts and rules: exact proofs, twins that nothing local tells apart, steps and feedback."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.logic import rules, theories
from harness.tasks.logic.task import Logic
from harness.types import Outcome

DISTRACTORS = ("none", "same_predicate", "same_entity")


def logic(**options: str) -> Logic:
    return build(Logic, {"kind": "rules"} | options, "task logic")


def samples(limit: int, **options: str):
    return list(itertools.islice(logic(**options).samples(0), limit))


def own(theory: theories.Theory) -> list[int]:
    return [attribute for thing, attribute in theory.facts if thing == 0]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), depth=st.integers(0, 6), distractors=st.sampled_from(DISTRACTORS))
def test_the_goal_takes_exactly_as_many_rounds_as_its_depth_and_each_support(seed, depth, distractors) -> None:
    theory = theories.draw(random.Random(seed), depth, distractors, random.Random(seed + 1))
    assert theories.closure(own(theory), theory.rules)[theory.goal] == depth
    assert theory.goal not in theories.closure(own(theory.twin()), theory.rules)
    for is_rule, place in theory.needed:
        facts = [f for i, f in enumerate(theory.facts) if is_rule or i != place]
        kept = [r for i, r in enumerate(theory.rules) if not is_rule or i != place]
        assert theory.goal not in theories.closure([a for thing, a in facts if thing == 0], kept)


def test_no_rule_concludes_its_own_premise() -> None:
    for seed, depth, distractors in itertools.product(range(40), range(7), DISTRACTORS):
        theory = theories.draw(random.Random(seed), depth, distractors, random.Random(seed + 1))
        assert [rule for rule in theory.rules if rule.head in rule.body] == []


def test_of_one_polarity_the_form_is_the_label_and_both_forms_together_are_balanced() -> None:
    for polarity, right in (("negated", {"plain": "no", "twin": "yes"}), ("positive", {"plain": "yes", "twin": "no"})):
        made = samples(40, world="closed", polarity=polarity)
        assert all(s.target == right[s.params["form"]] for s in made)
        assert sum(s.target == "yes" for s in made) == 20


@settings(max_examples=100, deadline=None)
@given(facts=st.sets(st.sampled_from("abcdef")), rules_=st.lists(
    st.tuples(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=2).map(tuple), st.sampled_from("abcdef")),
    max_size=12))  # fmt: skip
def test_forward_and_backward_chaining_agree_on_any_theory_loops_too(facts, rules_) -> None:
    forward = theories.closure(map(ord, facts), [theories.Rule(tuple(map(ord, b)), ord(h)) for b, h in rules_])
    assert {a for a in "abcdef" if theories.proved(a, frozenset(facts), rules_)} == set(map(chr, forward))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), depth=st.integers(2, 6), distractors=st.sampled_from(DISTRACTORS))
def test_nothing_that_is_counted_tells_a_theory_from_its_twin(seed, depth, distractors) -> None:
    made = theories.draw(random.Random(seed), depth, distractors, random.Random(seed + 1))
    words = rules.Words(("box", "cup"), tuple(f"w{i}" for i in range(made.attributes)))

    def counted(theory: theories.Theory) -> dict[str, float]:
        text = rules._premises(theory, words, "shuffled") + "\n\n" + rules._question("box", words.attributes[0], False)
        text = text.replace("\n\n", "\n\nQuestion: ").replace("w0?", f"w{theory.goal}?")
        read = rules.read(text)
        found = rules.local(read)
        return found | {"one back": rules.back(read, read.facts["box"], 1)}

    assert counted(made) == counted(made.twin())


def test_the_worlds_have_the_same_theory_and_answer_otherwise_where_nothing_follows() -> None:
    made = samples(200)
    for closed, opened in zip(made[::2], made[1::2], strict=True):
        assert (closed.params["world"], opened.params["world"]) == ("closed", "open")
        assert len({s.params["question"].partition("\n\n")[0] for s in (closed, opened)}) == 1
        assert opened.target == (closed.target if closed.params["form"] == "plain" else "unknown")


def test_twins_differ_in_one_fact_and_ask_the_same() -> None:
    for s in samples(120, world="closed", names="familiar"):
        if s.params["form"] == "plain":
            plain = s.params["question"].split("\n")
        else:
            twin = s.params["question"].split("\n")
            assert sum(a != b for a, b in zip(plain, twin, strict=True)) == 1
            assert plain[-1] == twin[-1]


def test_answers_are_balanced_in_both_worlds() -> None:
    for world, shares in (("closed", {"yes": 0.5, "no": 0.5}), ("open", {"unknown": 0.5, "yes": 0.25, "no": 0.25})):
        made = samples(2_000, world=world)
        for answer, expected in shares.items():
            assert sum(s.target == answer for s in made) / len(made) == pytest.approx(expected, abs=0.05)


def test_misleading_words_say_the_opposite_of_the_answer() -> None:
    for s in samples(200, names="misleading", world="closed", polarity="positive"):
        read = rules.read(s.params["question"])
        true, false = rules.WORLD_TRUTH[read.thing]
        assert read.goal in (false if s.target == "yes" else true).split()


def test_no_word_excludes_another_so_that_what_is_unknown_is_so_in_english_too() -> None:
    """Of a red box one knows that it is not blue, whatever the theory says."""
    known = {word for pair in rules.WORLD_TRUTH.values() for text in pair for word in text.split()}
    assert len(set(rules.ATTRIBUTES)) == len(rules.ATTRIBUTES)
    assert not known & set(rules.ATTRIBUTES)
    assert all(not set(true.split()) & set(false.split()) for true, false in rules.WORLD_TRUTH.values())
    for s in samples(100, names="misleading", world="open", depth="6", distractors="all"):
        assert len(set(s.params["question"].replace(",", " ").replace(".", " ").split()) & known) == 1


def test_premises_come_in_the_order_of_their_use_if_asked() -> None:
    for order in ("forward", "backward"):
        for s in samples(40, order=order, names="familiar", depth="4", world="closed"):
            if s.params["form"] == "plain":
                read = rules.read(s.params["question"])
                heads = [head for _, head in read.rules]
                chain, goal = [], read.goal
                while True:
                    given = rules.everything(read, read.thing)
                    body = next((b for b, h in read.rules if h == goal and given.issuperset(b)), None)
                    if body is None:
                        break
                    chain.append(next(i for i, (b, h) in enumerate(read.rules) if (b, h) == (body, goal)))
                    derived = [a for a in body if a in heads]
                    if not derived:
                        break
                    goal = derived[0]
                assert len(chain) == 4
                assert chain == sorted(chain, reverse=order == "forward")


# Steps and feedback -------------------------------------------------------------------------------------------------

QUESTION = """The box is red.
The box is old.
The cup is red.
If something is red and old, then it is flat.
If something is flat, then it is dusty.
If something is round, then it is dusty.

Whatever does not follow from these facts and rules is false.

Question: Is it true that the box is dusty?"""
PARAMS = {"kind": "rules", "question": QUESTION, "choices": ("yes", "no")}


@pytest.mark.parametrize(
    ("partial", "value"),
    [
        ("", 1 / 3),
        ("The box is flat.", 1 / 2),
        ("The box is flat.\nThe box is dusty.", 1),
        ("The box is flat.\nThe box is dusty.\nAnswer: yes", 1),
        ("The box is flat.\nThe box is dusty.\nAnswer: no", 0),
        ("The box is dusty.", 0),
        ("The cup is flat.", 0),
        ("The box is round.", 0),
        ("Let me think.", 0),
    ],
)
def test_a_step_is_worth_what_still_leads_to_the_goal(partial: str, value: float) -> None:
    assert logic().judge(PARAMS, partial) == pytest.approx(value)


def test_if_the_goal_does_not_follow_every_true_step_is_as_good() -> None:
    twin = PARAMS | {"question": QUESTION.replace("The box is old.", "The box is blue.")}
    assert logic().judge(twin, "") == 1
    assert logic().judge(twin, "Answer: no") == 1
    assert logic().judge(twin, "The box is flat.") == 0
    opened = twin | {"question": twin["question"].replace("is false.", "is unknown if it is not said.")}
    assert logic().judge(opened | {"choices": ("yes", "no", "unknown")}, "Answer: unknown") == 1


def test_the_next_steps_are_asked_until_there_is_an_answer() -> None:
    task = logic()
    [message] = task.steps(PARAMS, "The box is flat.", 3)
    assert QUESTION in message.content
    assert "The box is flat." in message.content
    assert task.steps(PARAMS, "Answer: yes", 3) is None
    assert Logic().steps({"kind": "lookup", "question": QUESTION}, "", 3) is None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_steps_of_a_proof_are_worth_more_and_more(seed: int) -> None:
    task = logic(depth="3", world="closed", names="nonsense", polarity="positive")
    sample = next(s for s in itertools.islice(task.samples(seed), 2) if s.params["form"] == "plain")
    read = rules.read(sample.params["question"])
    partial, values = "", [task.judge(sample.params, "")]
    while values[-1] < 1:
        known, _ = rules._walk(read, partial)
        heads = [h for b, h in read.rules if known[read.thing].issuperset(b) and h not in known[read.thing]]
        grown = [task.join(partial, f"The {read.thing} is {head}.") for head in heads]
        partial = max(grown, key=lambda text: task.judge(sample.params, text))
        values.append(task.judge(sample.params, partial))
    assert values == [1 / 4, 1 / 3, 1 / 2, 1]


def test_feedback_names_statements_that_do_not_follow_and_no_answer() -> None:
    task = logic()
    response = "The box is flat.\nThe box is round.\nThe box is listed.\nAnswer: no"
    assert task.feedback(PARAMS, response, "binary").text.count("\n") == 0
    assert '"The box is round." does not follow.' in task.feedback(PARAMS, response, "first-error").text
    assert task.feedback(PARAMS, response, "all-errors").text.count("does not follow") == 2
    assert task.feedback(PARAMS, "Answer: yes", "all-errors").right


def test_a_text_without_a_question_has_no_answer() -> None:
    with pytest.raises(ValueError, match="no question"):
        rules.solve({"question": "The box is red."})


def test_true_and_false_are_read_as_yes_and_no() -> None:
    assert logic().score(PARAMS | {"answer": "yes"}, "The statement is true.").outcome is not Outcome.WRONG
