"""Seeds: the same everywhere, and different for everything that differs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.seeds import derive


def test_a_seed_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert derive("aiw", "3", 0, 17) == 3486249514840989985


def test_parts_do_not_run_into_each_other() -> None:
    assert len({derive("a", "bc"), derive("ab", "c"), derive("abc"), derive("", "abc")}) == 4


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=2, unique=True))
@settings(deadline=None)
def test_neighbouring_indices_share_nothing(pair: list[int]) -> None:
    assert derive("t", pair[0]) != derive("t", pair[1])
