"""Log-probabilities of the target against other names, from records as a run writes them."""

import pytest

from harness.tasks.reversal.likelihood import Likelihoods


def extras(records: list[dict]) -> list:
    collector = Likelihoods()
    for record in records:
        collector.add(record)
    return collector.tables()


def record(direction: str, answer: str, logprobs: list, others: str = "", group: str = "g") -> dict:
    params = {"direction": direction, "answer": answer, "others": others}
    return {"group": group, "outcome": "wrong", "params": params, "logprobs": logprobs}


def alternatives(*pairs: tuple[str, float]) -> list:
    """One generated token, the first of the pairs."""
    return [[*pairs[0], [list(p) for p in pairs]]]


def test_a_target_is_likelier_than_the_names_below_it() -> None:
    """Ada is likelier than Bob and than Eve, who is not among the alternatives, and less likely than Cid."""
    first = alternatives((" Cid", -0.5), (" Ada", -1.0), (" Bo", -3.0))
    ((direction, n, among, log_probability, likelier),) = extras(
        [record("reverse", "Ada Lovel", first, "Bob Stone|Cid Moor|Eve Hall")]
    )[0].rows
    assert (direction, n) == ("reverse", "1")
    assert among.startswith("1.000")
    assert log_probability.startswith("-1.00")
    assert likelier.startswith("0.667")


def test_a_model_that_knows_nothing_is_at_chance() -> None:
    """Neither the target nor the others are among the alternatives."""
    ((*_, among, log_probability, likelier),) = extras(
        [record("reverse", "Ada Lovel", alternatives((" I", -0.1)), "Bob Stone|Cid Moor")]
    )[0].rows
    assert (among[:5], log_probability, likelier[:5]) == ("0.000", "-", "0.500")


def test_articles_and_space_before_the_answer_are_passed_over() -> None:
    tokens = [["\n", -0.1, []], ["The", -0.1, []], *alternatives((" composer", -0.2), (" pilot", -4.0))]
    ((*_, likelier),) = extras([record("forward", "the composer of X", tokens, "the pilot of Y")])[0].rows
    assert likelier.startswith("1.000")


def test_without_names_in_the_prompt_the_other_answers_are_compared() -> None:
    rows = [record("forward", name, alternatives((f" {name[:2]}", -0.1)), group=name) for name in ("Ada", "Bob", "Cid")]
    ((_, n, _, _, likelier),) = extras(rows)[0].rows
    assert (n, likelier[:5]) == ("3", "1.000")


@pytest.mark.parametrize("logprobs", [None, [], [["", -1.0, []]]])
def test_runs_without_logprobs_have_no_such_table(logprobs: list | None) -> None:
    assert extras([record("forward", "Ada", logprobs)]) == []
