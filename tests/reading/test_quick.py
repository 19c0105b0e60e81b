"""A search by words finds what the pattern itself finds."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.reading import choices, commitment, echoes, marks, quick, values, words
from harness.reading.quick import Phrases, split

SEARCHES = {
    "second thoughts": commitment._SECOND_THOUGHT,
    "best marks": marks.BEST,
    "good marks": marks.good("totals?|count"),
    "denials": values._NOT,
    "instructions": echoes._INSTRUCTION,
    "unknown": choices._NO_ANSWER,
}
PIECES = """
wait no, actually, the correct answer is answer: 7 **Answer:** boxed{7} final result = that's wrong it is not true not 6
but 7 rather than 6 let me check to verify: ambiguous which both are possible it cannot be determined unknown End with a
line Answer with yes or no. ⏎ #### I'd go with 7, so 答案是 等等 不明 Die Antwort lautet ✅ correction: İ ſorry K
""".split()


def union(search: Phrases) -> re.Pattern[str]:
    return re.compile("|".join(part.pattern.pattern.replace("?P<", f"?P<p{n}") for n, part in enumerate(search.parts)),
                      re.I | re.M)  # fmt: skip


@pytest.mark.parametrize("name", SEARCHES)
@given(pieces=st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=14), upper=st.booleans())
@example(pieces=["wait,", "no", "that's", "wrong.", "Actually,", "no"], upper=True)
def test_the_same_matches_are_found_as_by_the_pattern_of_all_alternatives(name, pieces, upper) -> None:
    text = " ".join(pieces).replace("⏎", "\n")
    text = text.upper() if upper else text
    search = SEARCHES[name]
    whole = [(m.span(), m.lastgroup.lstrip("p0123456789")) for m in union(search).finditer(text)]
    assert [(m.span(), m.lastgroup) for m in search.finditer(text)] == whole


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a|b", ["a", "b"]),
        ("(?:a|(?:b|c))|d", ["a", "b", "c", "d"]),
        (r"(?:a)(?:b|c)|[|(]\||[])|]", [r"(?:a)(?:b|c)", r"[|(]\|", "[])|]"]),
        (r"x(?=a|b)", [r"x(?=a|b)"]),
    ],
)
def test_a_pattern_is_parted_at_its_own_alternatives(pattern: str, parts: list[str]) -> None:
    assert split(pattern) == parts


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"\bi meant\b(?: to say)?", (("i meant",),)),
        (r"(?:wait|hold on),? no", (("hold on", "wait"), (" no",))),
        (r"answer ?[:=]", (("answer",), (":", "="))),
        (r"[^a]?(?:b|c)?\d", ()),
        (r"(?:abc|\d)x", (("x",),)),
    ],
)
def test_what_a_match_must_hold_is_known_from_the_pattern(pattern: str, needed: tuple) -> None:
    assert quick.words_of(pattern) == needed


def test_without_python_s_parser_everything_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_parser", None)
    quick.words_of.cache_clear()
    slow = Phrases(doubt=words.DOUBT, taken_back=words.TAKEN_BACK)
    quick.words_of.cache_clear()
    assert not any(part.words for part in slow.parts)
    assert [m.lastgroup for m in slow.finditer("Answer: 7. Wait, that's wrong.")] == ["doubt", "taken_back"]


def test_matches_are_replaced() -> None:
    assert Phrases(one="a|bc").sub("xabcy a", "-") == "x--y -"
    assert Phrases(one="a").sub("none") == "none"
