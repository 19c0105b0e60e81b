"""What is shown while a run lasts."""

from harness.display import facts, progress
from harness.models.registry import Price
from harness.pipeline.runner import Progress

HALF = Progress(20, done=10, correct=4.0, verdicts=8, prompt_tokens=2_000_000, completion_tokens=100_000)


def test_the_cost_is_shown_if_the_price_is_known() -> None:
    assert "2100000 tokens ($6.00)" in facts(HALF, 2.0, Price(2.5, 10.0))
    assert "$" not in facts(HALF, 2.0)


def test_what_a_run_waits_for_comes_first(capsys) -> None:
    waiting = Progress(20, done=20, waiting="nothing answers at http://there/v1: waiting for it")
    with progress("plain", "aiw m", Price(1.0, 1.0)) as show:
        show(waiting)
    assert "aiw m: 20/20, nothing answers at http://there/v1: waiting for it, " in capsys.readouterr().err
