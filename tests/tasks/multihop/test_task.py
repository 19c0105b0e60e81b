"""Samples of generated questions: matched conditions, places of the gold documents, baselines and their chance."""

import itertools
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest

from harness.errors import UsageError
from harness.options import build
from harness.reading.choices import UNANSWERABLE
from harness.tasks.multihop import layout, shallow
from harness.tasks.multihop.prompts import OFFER, SUPPORT
from harness.tasks.multihop.task import KINDS, Multihop


def multihop(**options: str) -> Multihop:
    return build(Multihop, options, "task multihop")


def samples(task: Multihop, limit: int | None = None, seed: int = 0):
    return list(itertools.islice(task.samples(seed), limit or task.limit))


def groups(task: Multihop, limit: int | None = None):
    return [list(g) for _, g in itertools.groupby(samples(task, limit), key=lambda s: s.group)]


def documents(sample) -> list[tuple[str, str]]:
    return re.findall(r"^\[\d+\] (.*?): (.*)$", sample.messages[0].content, re.M)


def value(task: Multihop, sample, answer: str) -> float:
    return task.score(sample.params, answer).value


def test_default_is_fifty_questions_in_three_contexts() -> None:
    task = multihop()
    made = groups(task)
    assert len(made) == 50
    assert all([s.params["context"] for s in g] == ["full", "unanswerable", "closed_book"] for g in made)
    assert {s.params["kind"] for g in made for s in g} == set(KINDS)


@pytest.mark.parametrize("rule", ["robust", "original"])
def test_the_oracle_is_always_right(rule: str) -> None:
    task = multihop(rule=rule)
    rng = random.Random(0)
    assert all(value(task, s, task.baseline("oracle", s, rng)) == 1 for s in samples(task, 600))


def test_random_is_near_its_chance_and_shallow_strictly_between_it_and_the_oracle() -> None:
    task, rng = multihop(), random.Random(0)
    made = samples(task, 1500)
    chance = mean(s.params["chance"] for s in made)
    guessed = mean(value(task, s, task.baseline("random", s, rng)) for s in made)
    floor = mean(value(task, s, task.baseline("shallow", s, rng)) for s in made)
    assert guessed == pytest.approx(chance, abs=0.04)
    assert chance + 0.1 < floor < 0.6


@pytest.mark.parametrize("kind", ["ends", "last_hop", "question", "frequent"])
def test_no_shortcut_answers_more_than_half_of_the_chains(kind: str) -> None:
    task, rng = multihop(shallow=kind, types="chain2,chain3,chain4,intersection", contexts="full"), random.Random(0)
    assert mean(value(task, s, task.baseline("shallow", s, rng)) for s in samples(task, 800)) < 0.35


def test_baselines_answer_every_kind_of_sample() -> None:
    for kind in shallow.SHALLOW:
        task = multihop(shallow=kind, documents="8,20", positions="0,19,spread")
        for sample in samples(task, 120):
            assert task.baseline("shallow", sample, random.Random(0))


def test_contexts_of_a_question_differ_in_the_context_alone() -> None:
    for full, twin, closed in groups(multihop()):
        assert len({s.messages[0].content.rpartition("\n\n")[2] for s in (full, twin, closed)}) == 1
        assert [d[0] for d in documents(full)] == [d[0] for d in documents(twin)]
        assert sum(a != b for a, b in zip(documents(full), documents(twin), strict=True)) == 1
        assert not documents(closed)
        assert full.params["gold"] == twin.params["gold"]
        assert (twin.target, closed.target) == (UNANSWERABLE, full.target)


def test_the_way_out_is_offered_only_where_some_questions_have_no_answer() -> None:
    for full, twin, closed in groups(multihop(), 30):
        assert OFFER in full.messages[0].content
        assert OFFER in twin.messages[0].content
        assert OFFER not in closed.messages[0].content
    assert all(OFFER not in s.messages[0].content for s in samples(multihop(contexts="full"), 20))


def test_the_sweep_has_every_place_of_every_number_of_documents() -> None:
    task = multihop(documents="10,20", positions="0,4,9,14,19", contexts="full")
    assert task.limit == 50 * 8
    for group in groups(task, 48):
        conditions = [(s.params["documents"], s.params["position"]) for s in group]
        assert conditions == [(10, p) for p in ("0", "4", "9")] + [(20, p) for p in ("0", "4", "9", "14", "19")]
        gold = {tuple(documents(s)[int(p)] for p in s.params["gold"].split(",")) for s in group}
        assert len(gold) == 1, "the same gold documents, in the order of the hops"
        for n in (10, 20):
            same_number = [s for s in group if s.params["documents"] == n]
            assert len({frozenset(documents(s)) for s in same_number}) == 1
            assert all(len(documents(s)) == n for s in same_number)
        assert set(documents(group[0])) < set(documents(group[-1]))


def test_gold_documents_stand_where_the_params_say() -> None:
    for position, order, wanted in (
        ("0", "forward", [0, 1]),
        ("9", "forward", [8, 9]),
        ("4", "reverse", [5, 4]),
        ("middle", "forward", [4, 5]),
        ("end", "reverse", [9, 8]),
        ("spread", "forward", [0, 9]),
        ("7+2", "random", [7, 2]),
    ):
        task = multihop(types="chain2", positions=position, order=order, contexts="full")
        for sample in samples(task, 5):
            places = [int(p) for p in sample.params["gold"].split(",")]
            assert places == wanted, position
            first, second = (documents(sample)[p] for p in places)
            assert second[0] in first[1], "the first document leads to the second"


def test_random_places_are_anywhere_and_in_any_order() -> None:
    gold = [
        tuple(map(int, s.params["gold"].split(","))) for s in samples(multihop(types="chain2", contexts="full"), 400)
    ]
    assert mean(place for places in gold for place in places) == pytest.approx(4.5, abs=0.4)
    assert {place for places in gold for place in places} == set(range(10))
    assert mean(a < b for a, b in gold) == pytest.approx(0.5, abs=0.1)


def test_same_seed_same_samples_and_neighbouring_seeds_share_none() -> None:
    task = multihop()
    assert samples(task, 30, 5) == samples(task, 30, 5)
    texts = [{s.messages[0].content for s in samples(task, 300, seed)} for seed in (5, 6)]
    assert not texts[0] & texts[1]


def test_samples_are_the_same_in_every_process() -> None:
    """Nothing is drawn in the order of a set of texts, which differs from process to process."""
    code = (
        "import hashlib, itertools; from harness.tasks.multihop.task import Multihop; "
        "text = repr(list(itertools.islice(Multihop().samples(3), 90))); "
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    here = Path(__file__).parent
    runs = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, cwd=here, capture_output=True, text=True, check=True)
        runs.append(done.stdout)
    assert runs[0] == runs[1]


def test_sample_ids_are_unique() -> None:
    made = samples(multihop(documents="10,20", positions="random,0,end", order="forward,reverse"), 400)
    assert len({s.id for s in made}) == len(made)


def test_params_are_scalars() -> None:
    for sample in samples(multihop(), 60):
        assert all(v is None or isinstance(v, str | int | float | bool) for v in sample.params.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "hotpot"}, "not one of generated"),
        ({"types": "chain5"}, "there is no 'chain5'"),
        ({"types": ""}, "option types"),
        ({"documents": "6"}, "not between 8 and 200"),
        ({"documents": "1000"}, "not between"),
        ({"documents": "ten"}, "not a whole number"),
        ({"positions": "10"}, "no place 10 among 10"),
        ({"positions": "first"}, "neither a place nor"),
        ({"positions": "3+3"}, "one place twice"),
        ({"positions": "given"}, "for published sets"),
        ({"positions": "0+9"}, "has 2 places"),
        ({"order": "sorted"}, "there is no 'sorted'"),
        ({"contexts": "open"}, "there is no 'open'"),
        ({"dataset": "hotpotqa", "contexts": "unanswerable"}, "there is no 'unanswerable'"),
        ({"file": "x.json"}, "say which set it is"),
        ({"rule": "mine"}, "not one of robust, original"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        multihop(**options)


def test_few_shot_examples_are_right_in_our_own_scoring() -> None:
    task = multihop()
    for prompt, answer in itertools.islice(task.examples(None, random.Random(1)), 60):
        assert prompt.endswith("\nAnswer:")
        candidates = ",".join(sorted(set(re.findall(r"\b[A-Z][a-z]{5}\b", prompt))))
        assert task.score({"answer": answer, "scorer": "musique", "candidates": candidates}, answer).value == 1
    (sample,) = samples(multihop(contexts="full"), 1)
    assert OFFER not in next(multihop(contexts="full").examples(sample, random.Random(1))).prompt


def test_a_closed_book_has_examples_without_documents() -> None:
    task = multihop(contexts="full,unanswerable,closed_book", documents="8", positions="random")
    for members in groups(task, 15):
        by_context = {s.params["context"]: s for s in members}
        asked = [by_context[context] for context in ("full", "unanswerable", "closed_book")]
        shown = [next(iter(task.examples(sample, random.Random(1)))).prompt for sample in asked]
        assert ["[1]" in prompt for prompt in shown] == [True, True, False]
        assert shown[0] == shown[1]
        assert shown[0].splitlines()[-2:] == shown[2].splitlines()[-2:], "it is the same question"


def test_a_place_beyond_the_documents_is_no_condition_of_theirs() -> None:
    task = multihop(documents="10,20", positions="15", contexts="full")
    assert {s.params["documents"] for s in samples(task, 10)} == {20}
    assert layout.highest("3+12") == 12


def test_support_is_asked_for_and_scored_by_musique_where_there_is_an_answer() -> None:
    for rule in ("robust", "original"):
        task = multihop(support="true", rule=rule)
        for full, twin, closed in groups(task, 30):
            assert [SUPPORT in s.messages[0].content for s in (full, twin, closed)] == [True, True, False]
            said = task.baseline("oracle", full, random.Random(0))
            score = task.score(full.params, said)
            assert (score.value, score.detail["support_f1"]) == (1, 1)
            half = task.score(full.params, said.rpartition(",")[0])
            assert half.value == 1
            assert 0 < half.detail["support_f1"] < 1
            assert task.score(full.params, full.target).detail["support_em"] == 0
            assert "support_em" not in task.score(twin.params, "unanswerable").detail
            assert value(task, twin, UNANSWERABLE) == value(task, closed, closed.target) == 1
    assert "\nDocuments: " in next(multihop(support="true").examples(full, random.Random(0))).answer


@pytest.mark.parametrize(
    ("line", "f1"),
    [("Documents: 3, 8", 1), ("**Documents:** [3] and [8].", 1), ("documents used: 8, 3", 1), ("Documents: 3", 2 / 3),
     ("Documents: none", 0), ("Documents 3 and 8 say so", 0), ("Documents: 99999999999999999999", 0)],
)  # fmt: skip
def test_cited_documents_are_read_from_their_line(line: str, f1: float) -> None:
    params = {"answer": "Rikvon", "scorer": "musique", "candidates": "Rikvon,Tazkel", "gold": "2,7", "support": True}
    assert multihop().score(params, f"Rikvon\n{line}").detail["support_f1"] == pytest.approx(f1)


README = (Path(__file__).parents[3] / "tasks/multihop/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("how", ["shallow, `ends` (default)", "shallow, `last_hop`", "random"])
def test_the_readme_s_floors_are_those_of_the_task(how: str) -> None:
    """Measured there on 9,000 samples, here on 1,500: so they may differ by chance, and not by a rule that changed."""
    (row,) = re.findall(rf"^\| {re.escape(how)} \|(.*)\|$", README, re.M)
    assert f"version {Multihop.version} of the task" in README
    task = multihop(**({"shallow": "last_hop"} if "last_hop" in how else {}))
    values: dict[str, list[float]] = {"all": [], "full": [], "unanswerable": [], "closed_book": []}
    for sample in samples(task, 1500):
        rng = random.Random(f"floor/{sample.id}")
        scored = value(task, sample, task.baseline(how.partition(",")[0], sample, rng))
        values["all"].append(scored)
        values[str(sample.params["context"])].append(scored)
    for told, measured in zip(map(float, row.split("|")), values.values(), strict=True):
        assert mean(measured) == pytest.approx(told, abs=0.06)


def test_the_readme_s_chance_is_that_of_the_samples() -> None:
    (told,) = re.findall(r"mean (0\.\d+) here", README)
    assert mean(s.params["chance"] for s in samples(multihop(), 1500)) == pytest.approx(float(told), abs=0.01)


# The compositionality gap ---------------------------------------------------------------------------------------------

HOPS = {"types": "chain2,chain3,chain4", "contexts": "full,hops"}


def test_each_hop_is_asked_alone_over_the_same_documents_and_follows_from_one_of_them() -> None:
    task = multihop(**HOPS)
    assert (task.limit, len(samples(task))) == (200, 200)
    for group in groups(task, 100)[:-1]:
        whole, *hops = group
        assert [s.params["context"] for s in group] == ["full", *(f"hop{i + 1}" for i in range(whole.params["hops"]))]
        for sample in hops:
            assert documents(sample) == documents(whole)
            said = dict(documents(sample))
            asked = next(name for name in said if name in shallow.question(sample.messages[0].content))
            assert f"{sample.params['last_relation']} {sample.target}." in said[asked]
            assert sample.target in sample.params["candidates"].split(",")
        assert hops[-1].target == whole.target
        for baseline in ("oracle", "shallow", "random"):
            answers = [task.baseline(baseline, s, random.Random(0)) for s in hops]
            assert all(value(task, s, a) == 1 for s, a in zip(hops, answers, strict=True)) or baseline != "oracle"


def compositionality(*answers: tuple[str, int, str, str]) -> list[tuple[str, ...]]:
    """The rows of the gap over (group, hops, context, outcome)."""
    counted = Multihop.collector()
    for group, hops, context, outcome in answers:
        counted.add({
            "group": group, "epoch": 1, "condition": f"{context}/10/random/random", "outcome": outcome,
            "params": {"context": context, "hops": hops}, "value": {"correct": 1.0, "wrong": 0.0}.get(outcome),
        })  # fmt: skip
    return [row for table in counted.tables() for row in table.rows]


def test_the_compositionality_gap_counts_wholes_that_are_wrong_although_all_their_hops_are_right() -> None:
    rows = compositionality(
        ("a", 2, "full", "wrong"), ("a", 2, "hop1", "correct"), ("a", 2, "hop2", "correct"),
        ("b", 2, "full", "correct"), ("b", 2, "hop1", "correct"), ("b", 2, "hop2", "correct"),
        ("c", 2, "full", "wrong"), ("c", 2, "hop1", "correct"), ("c", 2, "hop2", "wrong"),
        ("d", 2, "full", "wrong"), ("d", 2, "hop1", "correct"), ("d", 2, "hop2", "api_error"),
        ("e", 3, "full", "wrong"), *[("e", 3, f"hop{i}", "correct") for i in (1, 2, 3)],
    )  # fmt: skip
    assert [row[:3] for row in rows] == [("2 hops", "3", "2"), ("3 hops", "1", "1"), ("all", "4", "3")]
    assert [row[3].split()[0] for row in rows] == ["0.500", "1.000", "0.667"]
    assert compositionality(("a", 2, "full", "wrong")) == [], "no hop was asked"


def test_hops_are_of_generated_chains() -> None:
    for options in ({"contexts": "hops"}, {"contexts": "full,hops", "dataset": "musique"}):
        with pytest.raises(UsageError, match="option contexts"):
            multihop(**options)
    assert all("hops" not in s.params for s in samples(multihop(), 20))
