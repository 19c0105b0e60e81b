"""Options as text become typed fields, or a message that says what would have been right."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from harness.errors import UsageError
from harness.options import build, check_effect, describe, number_list, option, parse_pairs, settle


@dataclass(frozen=True)
class Some:
    size: int = option(3, "how many")
    rate: float | None = option(None, "how quick")
    names: tuple[str, ...] = option(("a", "b"), "which")
    kind: Literal["x", "y"] = option("x", "what")
    deep: bool = option(False, "whether")
    file: Path | None = option(None, "where")
    hidden: int = 7


def test_text_becomes_typed_values() -> None:
    made = build(Some, {"size": "5", "rate": "0.5", "names": "c, d", "kind": "y", "deep": "yes", "file": "f"}, "it")
    assert made == Some(5, 0.5, ("c", "d"), "y", True, Path("f"))


def test_hyphens_are_as_good_as_underscores() -> None:
    @dataclass(frozen=True)
    class Long:
        a_b: int = option(1, "")

    assert build(Long, {"a-b": "2"}, "it").a_b == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sise": "5"}, "it has no option 'sise'"),
        ({"size": "five"}, "not a whole number"),
        ({"rate": "quick"}, "not a number"),
        ({"kind": "z"}, "not one of x, y"),
        ({"deep": "maybe"}, "neither true nor false"),
        ({"hidden": "1"}, "no option 'hidden'"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Some, given, "it")


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(UsageError) as error:
        build(Some, {"sise": "5"}, "it")
    assert "did you mean 'size'?" in error.value.hint


def test_pairs_need_an_equals_sign() -> None:
    assert parse_pairs(("a=b=c", "d="), "-T") == {"a": "b=c", "d": ""}
    with pytest.raises(UsageError, match="key=value"):
        parse_pairs(("a",), "-T")


def test_options_describe_themselves() -> None:
    assert describe(Some)[0] == ("size", "3", "how many")


@dataclass(frozen=True)
class Ruled:
    words: tuple[str, ...] = option(
        ("big_one",), "words", choices=("big_one", "small"), aliases={"little": "small", "all": ("big_one", "small")}
    )
    size: int = option(3, "size", between=(1, 5))
    sizes: tuple[int, ...] = option((), "sizes", between=(1, 5))
    names: tuple[str, ...] = option(("V1",), "names", choices=("V1", "V2", "V3"), aliases={"2": "V2", "3": "V3"})

    def __post_init__(self) -> None:
        settle(self, "task ruled")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("Big-One",), ("big_one",)),
        (("little", "SMALL"), ("small",)),
        (("small", "all"), ("small", "big_one")),
    ],
)
def test_words_of_an_option_are_settled_in_one_place(given: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert Ruled(given).words == words


def test_several_are_held_each_once_and_a_range_names_all_between() -> None:
    assert Ruled(sizes=(3, 1, 3)).sizes == (3, 1)
    assert Ruled(names=("3", "v1-2")).names == ("V3", "V1", "V2")
    assert Ruled().sizes == (), "what is empty by default may be empty"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"words": ("smal",)}, "task ruled: option words: there is no 'smal'"),
        ({"words": ()}, "option words is empty"),
        ({"size": 6}, "option size: 6 is not between 1 and 5"),
        ({"sizes": (2, 9)}, "option sizes: 9 is not between 1 and 5"),
        ({"words": ("1-3",)}, "there is no '1-3'"),
    ],
)
def test_what_an_option_does_not_take_is_said(given: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        Ruled(**given)
    assert "smal" not in given.get("words", ()) or "did you mean 'small'" in error.value.hint


def test_numbers_and_ranges_are_read_in_one_place() -> None:
    assert number_list(("5", "8-10", "9"), "option") == [5, 8, 9, 10]
    for text in ("x", "9-5", "", "1-", "-3", "12345", "\u0663"):
        with pytest.raises(UsageError, match="not a number or a range"):
            number_list((text,), "option")


@dataclass(frozen=True)
class Kinds:
    kind: tuple[str, ...] = option(("a", "b"), "which", choices=("a", "b", "c"))
    only_a: int = option(1, "")
    all_have: int = option(1, "")

    def __post_init__(self) -> None:
        settle(self, "it")
        check_effect(self, "it", {"only_a": ("a",)})


@pytest.mark.parametrize("given", [{}, {"kind": "c"}, {"kind": "a,c", "only_a": "2"}, {"kind": "c", "all_have": "2"}])
def test_an_option_that_one_of_the_kinds_takes_or_that_was_not_given_is_right(given: dict[str, str]) -> None:
    build(Kinds, given, "it")


def test_an_option_that_no_chosen_kind_takes_is_an_error_that_says_which_do() -> None:
    with pytest.raises(UsageError, match="option only_a has no effect on kind b, c") as error:
        build(Kinds, {"kind": "b,c", "only_a": "2"}, "it")
    assert error.value.hint.endswith("one of: a")
