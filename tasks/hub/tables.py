"""What a run over choices says beside its accuracy: where right and chosen letters stand, and whether an item is
answered alike in every order of its options."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness.statistics.intervals import Cluster, Clusters, Estimate, accuracy
from harness.tasks.hub.items import LETTERS
from harness.tasks.hub.prompting import PUBLISHED, SHUFFLED
from harness.text import Extra, estimate, interval, number


class Letters:
    """Collects the chosen letters of a run, see harness.types.Collector. Holds a few numbers an item."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.chosen: dict[str, Counter[str]] = defaultdict(Counter)
        self.answers: dict[tuple[str, int], list[int]] = defaultdict(list)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count the letter of one answer, if it was to be a letter in one of the orders."""
        params, letter = record["params"], record.get("answer")
        form = str(params.get("form", ""))
        if params.get("kind") != "choice" or not form.startswith((PUBLISHED, SHUFFLED)) or record["value"] is None:
            return
        self.right[str(params["answer"])] += 1
        order: Any = params.get("order")
        if not isinstance(order, list | tuple) or not all(type(place) is int for place in order):
            order = ()
        place = LETTERS.find(letter) if isinstance(letter, str) and len(letter) == 1 else -1
        known = 0 <= place < len(order)
        if known:
            self.chosen[record["group"]][str(letter)] += 1
        self.answers[record["group"], record["epoch"]].append(order[place] if known else -1)

    def tables(self) -> Sequence[Extra]:
        """Both tables, if there is something in them."""
        if not self.right:
            return ()
        letters = sorted({*self.right, *(letter for counts in self.chosen.values() for letter in counts)})
        places = tuple((x, f"{self.right[x]} of {self.right.total()}", estimate(self._share(x))) for x in letters)
        found = [Extra("letters", ("letter", "right", "chosen"), places, note="of samples; share of letters chosen")]
        clusters = Clusters()
        for (group, _), answers in self.answers.items():
            if len(answers) > 1:
                clusters.add(group, float(len(set(answers)) == 1 and answers[0] >= 0))
        same = clusters.accuracy()
        if same is not None:
            orders = max(map(len, self.answers.values()))
            row = (f"{orders} orders", number(same.value), interval(same.low, same.high), str(same.n))
            note = "items answered alike in every order; who always says one letter has under 1/options (of 2 orders)"
            found.append(Extra("option order", ("", "consistent", "95% CI", "n"), (row,), note=note))
        return found

    def _share(self, letter: str) -> Estimate | None:
        return accuracy([Cluster(counts[letter], counts.total()) for counts in self.chosen.values()])
