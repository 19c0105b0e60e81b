"""Length: the same key at every length and depth; filler that answers nothing; answers found twice; honest floors."""

import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.options import build
from harness.tasks.length.hidden import KINDS
from harness.tasks.length.prompts import words
from harness.tasks.length.table import FEWEST
from harness.tasks.length.task import CHARACTERS, LENGTHS, Length
from harness.types import Outcome, Sample

NUMBER_WORDS = set(
    "zero one two three four five six seven eight nine ten eleven twelve dozen hundred thousand single double triple "
    "both pair couple half first second third once twice brother brothers sister sisters key pass number town born "
    "taught teacher person he she"
    .split()
)  # fmt: skip


def made(seed: int = 0, **options: str) -> tuple[Length, list[Sample]]:
    task = build(Length, options, "task length")
    return task, list(task.samples(seed))


def parts(sample: Sample) -> tuple[list[str], str]:
    """(sentences of the text, question) of a prompt."""
    told = sample.messages[0].content.partition("\n\n")[2]
    text, _, rest = told.rpartition("\n\nQuestion: ")
    return re.split(r"(?<=\.)\s+", text), rest.partition("\n")[0]


def again(sample: Sample) -> str:
    """The answer from the prompt's text alone, by patterns that share nothing with the task."""
    sentences, question = parts(sample)
    text = " ".join(sentences)
    if question == "What is the pass key?":
        (found,) = set(re.findall(r"\d+", text))
        return found
    if m := re.fullmatch(r"What is the number of (\w+)\?", question):
        return dict(re.findall(r"The number of (\w+) is (\d+)\.", text))[m[1]]
    if m := re.fullmatch(r"How many (\w+) does (\w+)'s \w+ have\?", question):
        (told,) = [s for s in sentences if s.startswith(f"{m[2]} has ")]
        return str(int(re.search(rf"(\d+) {m[1]}", told)[1]) + 1)
    m = re.fullmatch(r"In which town was the person who taught (\w+) born\?", question)
    taught = dict(re.findall(r"(\w+) was taught by (\w+)\.", text))
    return dict(re.findall(r"(\w+) was born in the town of (\w+)\.", text))[taught[m[1]]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_found_again_from_the_prompt(kind: str) -> None:
    _, samples = made(kind=kind, lengths="300,700")
    assert [again(s) for s in samples] == [s.target for s in samples]
    assert len({s.target for s in samples}) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_is_as_long_as_it_says_at_every_depth(kind: str) -> None:
    _, samples = made(kind=kind, keys="5", lengths="250,500,2000")
    for (_, length), some in itertools.groupby(samples, key=lambda s: (s.group, s.params["length"])):
        sizes = {len(s.messages[0].content) for s in some}
        assert len(sizes) == 1
        assert -120 - 0.01 * CHARACTERS * length < sizes.pop() - CHARACTERS * length <= 0


@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_a_key_differ_in_where_it_stands_and_in_how_much_filler_there_is(kind: str) -> None:
    task, samples = made(kind=kind, keys="3")
    for _, group in itertools.groupby(samples, key=lambda s: s.group):
        some = list(group)
        assert [s.condition for s in some] == [f"{n}/{d:g}" for n in task.lengths for d in task.depths]
        told = {(s.params["length"], s.params["depth"]): parts(s) for s in some}
        assert len({question for _, question in told.values()}) == 1
        for n in task.lengths:
            assert len({tuple(sorted(told[n, d][0])) for d in task.depths}) == 1, "the same sentences at every depth"
        facts = set(told[500, 0.0][0][: len(told[500, 0.0][0])]) & set(told[500, 1.0][0])
        assert facts == set(told[500, 0.0][0])
        short, long = told[500, 1.0][0], told[4000, 1.0][0]
        hidden = {"passkey": 2, "keyvalue": 1, "aiw": 1, "multihop": 6}[kind]
        assert long[: len(short) - hidden] == short[:-hidden], "a longer text begins with the shorter one"
        assert long[-hidden:] == short[-hidden:]
        assert told[4000, 0.0][0][:hidden] == short[-hidden:]
        at = [told[4000, d][0].index(short[-hidden]) / (len(long) - hidden) for d in task.depths]
        assert at == pytest.approx(task.depths, abs=0.01)


def test_filler_has_no_digits_no_names_and_no_words_that_could_answer() -> None:
    w = words()
    forms = [re.sub(r"\{\w+\}", "", form) for form in w.forms]
    text = " ".join([*forms, *w.adjectives, *w.nouns, *w.verbs, *w.places, *w.times])
    assert not re.search(r"\d", text)
    assert not set(re.findall(r"[a-z]+", text.lower())) & NUMBER_WORDS
    assert re.findall(r"\b[A-Z]\w+", text) == ["The", "The", "Nothing"]
    assert min(len(set(w.nouns)), len(set(w.verbs)), len(set(w.adjectives))) > 40
    for name in ("adjectives", "nouns", "verbs", "places", "times"):
        assert len(set(getattr(w, name))) == len(getattr(w, name))


FLOORS = {
    # kind: (random, shallow); `window` is right at depth 1 and random elsewhere.
    "passkey": (0.0, 1.0),
    "keyvalue": (0.0, 0.0),
    "aiw": (0.1, 0.0),
    "multihop": (1 / 3, 1 / 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_baselines_reach_the_floors_that_are_stated(kind: str) -> None:
    task, samples = made(kind=kind, lengths="250", keys="400", depths="0,1")
    shares = {}
    for name in ("oracle", "random", "shallow", "window"):
        rng = random.Random(1)
        right = [task.score(s.params, task.baseline(name, s, rng)).value for s in samples]
        shares[name] = [sum(some) / len(some) for some in (right[::2], right[1::2])]
    assert shares["oracle"] == [1, 1]
    for name, floor in zip(("random", "shallow"), FLOORS[kind], strict=True):
        assert shares[name] == pytest.approx([floor, floor], abs=0.06 if 0 < floor < 1 else 0.005)
    assert shares["window"] == pytest.approx([FLOORS[kind][0], 1], abs=0.06)


@given(st.integers(0, 10**9), st.sampled_from(KINDS))
@settings(deadline=None, max_examples=10)
def test_the_answer_is_no_other_number_of_the_text_and_stands_there_once(seed: int, kind: str) -> None:
    _, samples = made(seed, kind=kind, keys="3", lengths="250", depths="0.5")
    for sample in samples:
        text = sample.messages[0].content
        times = len(re.findall(rf"\b{sample.target}\b", text))
        assert times == {"passkey": 2, "keyvalue": 1, "aiw": 0, "multihop": 1}[kind]


def test_same_seed_same_samples_and_neighbouring_seeds_share_no_key() -> None:
    assert made(5, keys="4")[1] == made(5, keys="4")[1]
    assert made(5, keys="4")[1] == made(5, keys="8")[1][:80]
    assert not {s.target for s in made(1)[1]} & {s.target for s in made(2)[1]}


def test_a_key_does_not_depend_on_which_lengths_and_depths_are_asked() -> None:
    alone = {s.id: s for s in made(lengths="2000", depths="0.75")[1]}
    among = {s.id: s for s in made()[1]}
    assert len(alone) == 40
    assert all(among[i] == alone[i] for i in alone)


def test_examples_are_of_the_sample_s_kind_and_share_no_key_with_samples() -> None:
    for kind in KINDS:
        task, samples = made(kind=kind, lengths="250,500")
        for sample in samples[:6]:
            for prompt, answer in itertools.islice(task.examples(sample, random.Random(1)), 3):
                assert answer != f"Answer: {sample.target}" or kind == "aiw"
                assert len(prompt) <= CHARACTERS * LENGTHS[0]
                shape = re.sub(r"\b[A-Z]\w+|sisters?|brothers?", "#", parts(sample)[1])
                assert shape in re.sub(r"\b[A-Z]\w+|sisters?|brothers?", "#", prompt)
        names = {s.messages[0].content for s in samples}
        assert not names & {p for p, _ in itertools.islice(task.examples(None, random.Random(2)), 8)}


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("Answer: 48213", "correct"),
        ("The pass key is **48,213**.", "correct"),
        ("It says: 'The pass key is 48213.' So the answer is 48213.", "correct"),
        ("Answer: 4821", "wrong"),
        ("Answer: 48213 or 48214", "unparsed"),
        ("I could not find it in the text.", "unparsed"),
        ("", "unparsed"),
    ],
)
def test_responses_are_read_as_a_person_would(response: str, outcome: str) -> None:
    assert Length().score({"answer": "48213", "candidates": ()}, response).outcome is Outcome(outcome)


@given(st.text(max_size=200), st.sampled_from(("stop", "length", "content_filter")), st.booleans())
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_score(text: str, stop: str, town: bool) -> None:
    params = {"answer": "Kazvor", "candidates": ("Kazvor", "Belzik")} if town else {"answer": "7", "candidates": None}
    assert Length().score(params, text, stop).outcome in Outcome


@pytest.mark.parametrize(
    "params", [{}, {"answer": 7}, {"answer": "7", "candidates": 7}, {"answer": "7", "candidates": [1]}]
)
def test_params_that_are_no_sample_s_are_said(params: dict) -> None:
    with pytest.raises(DataError, match="params"):
        Length().score(params, "Answer: 7")


@pytest.mark.parametrize(
    "options", [{"kind": "needle"}, {"lengths": "10"}, {"depths": "1.5"}, {"depths": "nan"}, {"keys": "0"},
                {"kind": "keyvalue", "lengths": "500000"}]
)  # fmt: skip
def test_options_that_can_not_be_are_said(options: dict) -> None:
    with pytest.raises(UsageError):
        build(Length, options, "task length")


# The tables -----------------------------------------------------------------------------------------------------------


def tables(right, keys: int = 40, outcome=lambda length, depth: None) -> list:
    """The tables of a run in which `right(length, depth, key)` says which answers are right."""
    collector = Length().collector()
    for key, n, d in itertools.product(range(keys), (500, 1000, 2000), (0.0, 0.5, 1.0)):
        value = float(bool(right(n, d, key)))
        made = outcome(n, d) or (Outcome.CORRECT if value else Outcome.WRONG)
        record = {"params": {"length": n, "depth": d}, "group": f"k{key}", "outcome": made.value}
        collector.add(record | {"value": None if made is Outcome.TRUNCATED else value})
    return collector.tables()


def test_the_effective_length_is_the_longest_that_is_sure_as_all_shorter_ones_are() -> None:
    def note(right, **more) -> str:
        return tables(right, **more)[0].note

    assert "above 0.9, as is that of each shorter one): 2000." in note(lambda *_: True)
    assert "shorter one): 500." in note(lambda n, d, k: n != 1000 or k % 5), "the longest alone does not count"
    assert "shorter one): none." in note(lambda n, d, k: n > 500 or k % 5)
    few = note(lambda *_: True, keys=FEWEST - 1)
    assert f"none; {FEWEST - 1} keys are too few to show one, it takes {FEWEST}" in few
    assert "2000" in note(lambda *_: True, keys=FEWEST)


def test_a_prompt_for_which_there_is_no_room_is_not_answered() -> None:
    cut = tables(lambda *_: True, outcome=lambda n, d: Outcome.TRUNCATED if n == 2000 else None)[0]
    assert "shorter one): 1000." in cut.note
    assert [row[-1] for row in cut.rows] == ["0", "0", "120"]
    lost = tables(lambda *_: True, outcome=lambda n, d: Outcome.API_ERROR if n == 2000 else None)[0]
    assert [row[0] for row in lost.rows] == ["500", "1000"], "what was never asked is no answer"


def test_the_middle_is_compared_with_both_ends_within_keys() -> None:
    middle = tables(lambda n, d, k: d != 0.5 or k % 2)[1]
    assert middle.header[1:] == ("first (0) - middle (0.5)", "last (1) - middle (0.5)")
    assert all(cell.startswith("0.500 [0.3") and cell.endswith("n=40") for row in middle.rows for cell in row[1:])
    late = tables(lambda n, d, k: d == 1)[1]
    assert [row[1][:5] for row in late.rows] == ["0.000"] * 3
    assert [row[2][:5] for row in late.rows] == ["1.000"] * 3


def test_without_a_middle_and_without_records_there_is_less_to_show() -> None:
    assert Length().collector().tables() == []
    collector = Length().collector()
    record = {"params": {"length": 500, "depth": 0.0}, "group": "k", "outcome": "correct", "value": 1.0}
    collector.add(record)
    assert len(collector.tables()) == 1
