"""The official metrics of multi-hop question answering: HotpotQA, 2WikiMultiHopQA v1.1, MuSiQue, Lost in the Middle.

Defects and corner cases are included, so that figures can be compared with published ones. Predictions and gold in,
numbers out; knows no task and no prompt. Each function names the script whose figures it gives.
"""

from __future__ import annotations

import itertools
import re
import string
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from harness.errors import DataError, UsageError
from harness.options import suggestion

Metrics = dict[str, float]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalise(text: str) -> str:
    """Lower case, then without ASCII punctuation, then articles as blanks, then single blanks: in this order
    (SQuAD's rule, common to all four scripts). "Spider-Man" becomes "spiderman", "the atre" "atre"."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


_normalised_gold = lru_cache(maxsize=4096)(normalise)

_SPECIAL = frozenset(("yes", "no", "noanswer"))


# One answer -------------------------------------------------------------------------------------------------------


def hotpotqa_answer(response: str, golds: Sequence[str]) -> Metrics:
    """em, f1, precision, recall by hotpot_evaluate_v1.py and, over several golds, 2wikimultihop_evaluate_v1.1.py.

    Each number is the best over the golds on its own. If either side is yes, no or noanswer and they differ, f1 is 0.
    Two texts that normalise to nothing have em 1 and f1 0.
    """
    prediction = normalise(response)
    best = (0.0, 0.0, 0.0, 0.0)
    for gold in golds:
        wanted = _normalised_gold(gold)
        if prediction == wanted:
            f1 = precision = recall = float(bool(wanted))
        elif prediction in _SPECIAL or wanted in _SPECIAL:
            f1 = precision = recall = 0.0
        else:
            precision, recall, f1 = _overlap(prediction.split(), wanted.split())
        em = float(prediction == wanted)
        best = tuple(map(max, best, (em, f1, precision, recall)))  # type: ignore[assignment]
    return dict(zip(("em", "f1", "precision", "recall"), best, strict=True))


def musique_answer(response: str, golds: Sequence[str]) -> Metrics:
    """em and f1 by MuSiQue's evaluate_v1.0.py: the best over the answer and its aliases, each on its own.

    It has no rule for yes and no. f1 is 1 if both sides normalise to nothing, 0 if one side does.
    """
    prediction = normalise(response)
    em = f1 = 0.0
    for gold in golds:
        wanted = _normalised_gold(gold)
        if prediction == wanted:
            return {"em": 1.0, "f1": 1.0}
        f1 = max(f1, _overlap(prediction.split(), wanted.split())[2])
    return {"em": em, "f1": f1}


def best_subspan_em(response: str, golds: Sequence[str]) -> Metrics:
    """em by Lost in the Middle: 1 if a gold is part of the response's first line, both normalised.

    Parts of words count ("Theatre" holds "the atre"), and a gold that normalises to nothing is always found.
    """
    prediction = normalise(response.split("\n", 1)[0].strip())
    return {"em": float(any(_normalised_gold(gold) in prediction for gold in golds))}


def strategyqa_answer(response: str, golds: Sequence[str]) -> Metrics:
    """em of StrategyQA's yes-or-no answers. Its script compares booleans; here "true" counts as yes and "false" as
    no."""
    said = {"true": "yes", "false": "no"}.get(prediction := normalise(response), prediction)
    return {"em": float(any(said == _normalised_gold(gold) for gold in golds))}


SCORERS = {
    "hotpotqa": hotpotqa_answer,
    "2wikimultihopqa_v1.1": hotpotqa_answer,
    "musique": musique_answer,
    "litm_best_subspan_em": best_subspan_em,
    "strategyqa": strategyqa_answer,
}


def answer_metrics(scorer: str, response: str, golds: Sequence[str]) -> Metrics:
    """The official metrics of one answer. Raises DataError for an unknown scorer."""
    if scorer not in SCORERS:
        raise DataError(f"there is no scorer {scorer!r}", suggestion(str(scorer), list(SCORERS), "scorers"))
    return SCORERS[scorer](response, golds)


def _overlap(predicted: Sequence[str], gold: Sequence[str]) -> tuple[float, float, float]:
    """(precision, recall, f1) of two bags of words; zeros if they share no word."""
    wanted = Counter(gold)
    same = sum(min(n, wanted[word]) for word, n in Counter(predicted).items() if word in wanted)
    if same == 0:
        return 0.0, 0.0, 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall)


# Supporting facts, support paragraphs, evidence triples -----------------------------------------------------------

_SP = ("em", "f1", "precision", "recall")


def supporting_facts(predicted: Iterable[Any], gold: Iterable[Any], lower_titles: bool = False) -> Metrics:
    """em, f1, precision, recall over (title, sentence index) pairs. If both sides are empty, em is 1 and f1 0.

    HotpotQA compares sets of pairs as they are. 2WikiMultiHopQA (`lower_titles`) lower-cases titles after duplicates
    are removed, so that ("A", 0) and ("a", 0) count twice. Raises DataError for anything but a list of pairs.
    """
    try:
        sides = [list(set(map(tuple, facts))) for facts in (predicted, gold)]
        if lower_titles:
            sides = [[(title.lower(), *rest) for title, *rest in side] for side in sides]
    except (TypeError, ValueError, AttributeError):
        raise DataError("supporting facts are a list of [title, sentence index] pairs") from None
    ours, theirs = sides
    hits = sum(pair in theirs for pair in ours)
    missed = sum(pair not in ours for pair in theirs)
    precision = hits / len(ours) if ours else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    return dict(zip(_SP, (float(hits == len(ours) and not missed), _f1(precision, recall), precision, recall)))  # noqa: B905


def musique_support(predicted: Iterable[Any], gold: Iterable[Any]) -> Metrics:
    """em, f1, precision, recall over paragraph indices, read as whole numbers ("1" is 1, 1.9 is 1). If both sides are
    empty, all four are 1. Raises DataError for anything but a list of indices."""
    try:
        ours, theirs = set(map(int, predicted)), set(map(int, gold))
    except (TypeError, ValueError, OverflowError):
        raise DataError("support is a list of paragraph indices") from None
    if not ours and not theirs:
        return dict.fromkeys(_SP, 1.0)
    hits = len(ours & theirs)
    precision = hits / len(ours) if ours else 0.0
    recall = hits / len(theirs) if theirs else 0.0
    return {"em": float(ours == theirs), "f1": _f1(precision, recall), "precision": precision, "recall": recall}


def evidence(predicted: Iterable[Sequence[str]], gold: Sequence[Collection[Sequence[str]]]) -> Metrics:
    """em, f1, precision, recall over (subject, relation, object) triples, by 2wikimultihop_evaluate_v1.1.py.

    `gold` has every wording of each triple. Texts are normalised without removing articles. A predicted triple hits the
    first gold triple with such a wording, and several may hit the same one: recall can exceed 1. Raises DataError for
    anything but a list of triples.
    """
    try:
        ours = {tuple(map(_without_punctuation, triple)) for triple in predicted}
    except (TypeError, AttributeError):
        raise DataError("evidence is a list of [subject, relation, object] triples") from None
    theirs = [{tuple(map(_without_punctuation, triple)) for triple in wordings} for wordings in gold]
    hits = sum(any(triple in wordings for wordings in theirs) for triple in ours)
    precision = hits / len(ours) if ours else 0.0
    recall = hits / len(theirs) if theirs else 0.0
    em = float(hits == len(ours) == len(theirs))
    return {"em": em, "f1": _f1(precision, recall), "precision": precision, "recall": recall}


def _without_punctuation(text: str) -> str:
    return " ".join(text.lower().translate(_PUNCTUATION).split())


def joint(*parts: Mapping[str, float]) -> Metrics:
    """em, precision and recall multiplied over the parts, and f1 of these products."""
    product = {"em": 1.0, "f1": 0.0, "precision": 1.0, "recall": 1.0}
    for part in parts:
        for name in ("em", "precision", "recall"):
            product[name] *= part[name]
    return product | {"f1": _f1(product["precision"], product["recall"])}


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


# Whole files ------------------------------------------------------------------------------------------------------


def hotpotqa_file(prediction: Mapping[str, Any], gold: Sequence[Mapping[str, Any]]) -> Metrics:
    """What hotpot_evaluate_v1.py prints, under its names, for a prediction {"answer": {id: text}, "sp": {id: pairs}}.

    Sums are divided by the number of gold rows: a missing prediction counts 0. If one of the two parts is missing, the
    other still counts, and joint is 0. Raises UsageError if there are no gold rows.
    """
    totals: Counter[str] = Counter()
    for row in gold:
        key, parts = row["_id"], []
        if key in prediction["answer"]:
            parts.append(("", hotpotqa_answer(_text(prediction["answer"][key]), [row["answer"]])))
        if key in prediction["sp"]:
            parts.append(("sp_", supporting_facts(prediction["sp"][key], row["supporting_facts"])))
        _add(totals, parts, wanted=2)
    return _named(totals, ("", "sp_", "joint_"), len(gold))


def wiki2_file(
    prediction: Mapping[str, Any],
    gold: Sequence[Mapping[str, Any]],
    aliases: Mapping[str, Collection[str]] | None = None,
) -> Metrics:
    """What 2wikimultihop_evaluate_v1.1.py prints: percentages, two decimals.

    `prediction` is {"answer": ..., "sp": ..., "evidence": {id: triples}}; `aliases` gives the other names (aliases and
    demonyms) of a Wikidata id, from id_aliases.json.
    """
    totals: Counter[str] = Counter()
    named = aliases or {}
    for row in gold:
        key, parts = row["_id"], []
        if key in prediction["answer"]:
            golds = [row["answer"], *named.get(row.get("answer_id") or "", ())]
            parts.append(("", hotpotqa_answer(_text(prediction["answer"][key]), golds)))
        if key in prediction["sp"]:
            parts.append(("sp_", supporting_facts(prediction["sp"][key], row["supporting_facts"], lower_titles=True)))
        if key in prediction["evidence"]:
            parts.append(("evi_", evidence(prediction["evidence"][key], _wordings(row, named))))
        _add(totals, parts, wanted=3)
    found = _named(totals, ("", "sp_", "evi_", "joint_"), len(gold))
    return {name: round(100 * value, 2) for name, value in found.items()}


def _wordings(row: Mapping[str, Any], aliases: Mapping[str, Collection[str]]) -> list[list[tuple[str, str, str]]]:
    """Every wording of each gold triple: any name of the subject with any name of the object."""
    ids = row.get("evidences_id") or []
    if ids and len(ids) != len(row["evidences"]):
        raise DataError(f"row {row['_id']}: evidences and evidences_id differ in length")
    found = []
    for i, (subject, relation, thing) in enumerate(row["evidences"]):
        subject_id, _, thing_id = ids[i] if ids else ("", "", "")
        subjects, things = [subject, *aliases.get(subject_id, ())], [thing, *aliases.get(thing_id, ())]
        found.append([(s, relation, t) for s, t in itertools.product(subjects, things)])
    return found


def musique_file(predictions: Sequence[Mapping[str, Any]], gold: Sequence[Mapping[str, Any]]) -> Metrics:
    """What MuSiQue's evaluate_v1.0.py prints: three decimals, answer and support over answerable rows alone.

    The group metrics are there if any gold row is unanswerable: of each question's two rows, the answerable one's f1
    counts, and only if `predicted_answerable` is right on both. Gold rows hold `paragraphs`, or `supporting_idxs`.
    Raises DataError if the rows are not the same questions in the same order, and with group metrics if a question does
    not have one answerable and one unanswerable row.
    """
    if [p.get("id") for p in predictions] != [g.get("id") for g in gold]:
        raise DataError("predictions and gold need the same questions in the same order")
    answers: list[Metrics] = []
    supports: list[Metrics] = []
    groups: dict[str, list[tuple[bool, bool, float, float]]] = {}
    for predicted, row in zip(predictions, gold, strict=True):
        answer = musique_answer(_text(predicted["predicted_answer"]), [row["answer"], *row["answer_aliases"]])
        support = musique_support(predicted["predicted_support_idxs"], _support(row))
        if row["answerable"]:
            answers.append(answer)
            supports.append(support)
        right = predicted["predicted_answerable"] == row["answerable"]
        groups.setdefault(row["id"], []).append((row["answerable"], right, answer["f1"], support["f1"]))
    found = {
        "answer_f1": _mean([a["f1"] for a in answers]),
        "answer_em": _mean([a["em"] for a in answers]),
        "support_f1": _mean([s["f1"] for s in supports]),
    }
    if len(answers) < len(gold):
        uneven = [key for key, rows in groups.items() if sorted(row[0] for row in rows) != [False, True]]
        if uneven:
            raise DataError(f"question {uneven[0]}: needs one answerable and one unanswerable row")
        both = [(all(row[1] for row in rows), max(rows)) for rows in groups.values()]
        found["group_answer_sufficiency_f1"] = _mean([right * row[2] for right, row in both])
        found["group_support_sufficiency_f1"] = _mean([right * row[3] for right, row in both])
    return found


def _support(row: Mapping[str, Any]) -> list[Any]:
    if "supporting_idxs" in row:
        return list(row["supporting_idxs"])
    return [paragraph["idx"] for paragraph in row["paragraphs"] if paragraph["is_supporting"]]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0


def _text(answer: Any) -> str:
    if not isinstance(answer, str):
        raise DataError(f"a predicted answer is text, got {answer!r:.80}")
    return answer


def _add(totals: Counter[str], parts: Sequence[tuple[str, Metrics]], wanted: int) -> None:
    everything = [*parts, ("joint_", joint(*(m for _, m in parts)))] if len(parts) == wanted else parts
    for prefix, metrics in everything:
        for name, value in metrics.items():
            totals[prefix + name] += value  # type: ignore[assignment]


def _named(totals: Mapping[str, float], prefixes: Sequence[str], rows: int) -> Metrics:
    """Means under the scripts' names: prec for precision."""
    if rows == 0:
        raise UsageError("there are no gold rows")
    names = {"em": "em", "f1": "f1", "precision": "prec", "recall": "recall"}
    return {prefix + short: totals[prefix + name] / rows for prefix in prefixes for name, short in names.items()}
