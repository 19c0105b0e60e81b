"""The studies `harness induction` and `harness circuit`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import DataError, UsageError, cause
from harness.lab import induction
from harness.lab.circuit import END, Circuit, Edge, Graph, acdc
from harness.lab.models import LabModel
from harness.lab.pairs import Pair
from harness.lab.patching import ends
from harness.lab.studies import Asked
from harness.report.pictures import Graph as Drawn
from harness.report.pictures import heat_map
from harness.report.study import Study
from harness.text import Extra


def induction_study(lab: LabModel, half: int, sequences: int, seed: int) -> Study:
    """Scores of every head on random tokens that come twice."""
    scores, learning = induction.measure(lab, half, sequences, seed)
    distance = induction.elsewhere(half)
    other, _ = induction.measure(lab, distance, sequences, seed)
    rows = [
        {"layer": s.layer, "head": s.head, "prefix_matching": s.prefix_matching, "distance": half,
         "prefix_matching_other": o.prefix_matching, "distance_other": distance, "previous_token": s.previous_token,
         "copying": s.copying}
        for s, o in zip(scores, other, strict=True)
    ]  # fmt: skip
    best = sorted(rows, key=lambda r: -float(r["prefix_matching"]))[:16]
    header = ("layer.head", "prefix matching", f"at distance {distance}", "previous token", "copying")
    body = tuple(
        (f"{r['layer']}.{r['head']}", f"{r['prefix_matching']:.3f}", f"{r['prefix_matching_other']:.3f}",
         f"{r['previous_token']:.3f}", f"{r['copying']:+.3f}")
        for r in best
    )  # fmt: skip
    loss = Extra(
        "mean loss in nats", ("first copy", "second copy", "second - first", "a blind guess"),
        ((f"{learning.first:.3f}", f"{learning.second:.3f}", f"{learning.score:+.3f}", f"{learning.chance:.3f}"),),
        note="Below 0 the repetition helps: the model learns in its context.",
    )  # fmt: skip
    depth = len(lab.layers)
    pictures = []
    for name in ("prefix_matching", "previous_token"):
        values = [[row[name] for row in rows if row["layer"] == layer] for layer in range(depth)]
        said = name.replace("_", " ")
        pictures.append(heat_map(f"{said} of each head", values, [*map(str, range(lab.heads))],
                                 [*map(str, range(depth))], 0, 1, down="layer", across="head", shows=said))  # fmt: skip
    asked = {"model": lab.name, "random tokens": str(half), "sequences": str(sequences), "seed": str(seed)}
    tables = [Extra(f"the {len(best)} heads that match prefixes most", header, body), loss]
    title = f"Induction heads of {lab.name}"
    return Study(
        "induction", title, asked, [f"{lab.name}: {induction.summary(scores, other)}."], tables, rows, pictures
    )


def alike(lab: LabModel, found: Sequence[Pair]) -> list[Pair]:
    """The pairs that the model tells apart, of the commonest length: a circuit is cut for all of them at once.
    UsageError if there are none."""
    clear = []
    for pair in found:
        e = ends(lab, pair)
        if e.clean > 0 > e.corrupted:
            clear.append(pair)
    if not clear:
        raise UsageError(f"{lab.name} prefers the right answer on both sides in none of the {len(found)} pairs: "
                         "there is nothing whose circuit could be found")  # fmt: skip
    length = Counter(len(p.clean) for p in clear).most_common(1)[0][0]
    return [p for p in clear if len(p.clean) == length]


def known_edges(path: Path) -> list[Edge]:
    """A circuit from a file: one `sender -> receiver` a line. DataError for anything else."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read: {cause(error)}") from None
    found = []
    for i, line in enumerate(lines, 1):
        if line.strip():
            sender, arrow, receiver = (part.strip() for part in line.partition("->"))
            if not arrow or not sender or not receiver:
                raise DataError(f"{path}, line {i}: no connection", "one a line, as in: 0.1 -> 1.0.k")
            found.append(Edge(sender, receiver))
    return found


def circuit_study(
    lab: LabModel, asked: Asked, taus: Sequence[float], against: Sequence[Edge],
    on_edge: Callable[[int, int], None] = lambda *_: None,
) -> Study:  # fmt: skip
    """ACDC at each tau, on the pairs of a task that have one length."""
    import torch

    found, _ = asked.pairs(lab)
    used = alike(lab, found)
    graph = Graph(lab)
    every = set(graph.edges())
    if unknown := [str(e) for e in against if e not in every]:
        raise UsageError(f"--against: this model has no connection {unknown[0]}", f"it has {len(every)}, such as "
                         f"{min(map(str, every))}")  # fmt: skip
    clean, corrupted = (
        torch.tensor([getattr(p, side) for p in used], device=lab.model.device) for side in ("clean", "corrupted")
    )
    circuits = [acdc(graph, clean, corrupted, tau, on_edge) for tau in taus]
    rows = [
        {"tau": c.tau, "sender": e.sender, "receiver": e.receiver, "unseen": e in c.unseen}
        for c in circuits
        for e in (*c.kept, *c.unseen)
    ]
    smallest = min(circuits, key=lambda c: c.tau)
    sentences = [
        f"Of {len(every)} connections {len(smallest.kept)} stay at tau {smallest.tau:g}, and KL(whole || circuit) is "
        f"{smallest.kl:.3f} nats, over {len(used)} of {len(found)} pairs (told apart by {lab.name}, of one length).",
        "Connections are tried from the end to the beginning: of two that can stand in for each other, one stays.",
    ]
    if smallest.unseen:
        names = ", ".join(map(str, smallest.unseen[:4]))
        sentences.append(f"{len(smallest.unseen)} connections carry the same in both prompts, so patching can't see "
                         f"whether they are needed: {names}{' ...' if len(smallest.unseen) > 4 else ''}.")  # fmt: skip
    tables = [_front(circuits, len(every), against), _kept(smallest)]
    title = f"Circuit of {lab.name} on {asked.task.name}"
    words = asked.words(lab) | {"tau": ", ".join(f"{t:g}" for t in taus)}
    return Study("circuit", title, words, sentences, tables, rows, [_graph(lab, graph, smallest)])


def _front(circuits: Sequence[Circuit], every: int, against: Sequence[Edge]) -> Extra:
    rows = []
    for c in circuits:
        known = [f"{value:.3f}" for value in c.against(against)] if against else []
        rows.append((f"{c.tau:g}", f"{len(c.kept)} of {every}", f"{c.kl:.4f}", str(c.evaluations), *known))
    header = ("tau", "connections kept", "KL(whole || circuit), nats", "evaluations")
    return Extra("size against faithfulness", header + (("precision", "recall") if against else ()), tuple(rows))


def _kept(c: Circuit, most: int = 60) -> Extra:
    by_receiver: dict[str, list[str]] = {}
    for edge in c.kept:
        by_receiver.setdefault(edge.receiver, []).append(edge.sender)
    rows = tuple((receiver, ", ".join(senders)) for receiver, senders in [*by_receiver.items()][:most])
    note = f"{len(by_receiver) - most} more are in rows.csv" if len(by_receiver) > most else ""
    return Extra(f"what is kept at tau {c.tau:g}", ("into", "from"), rows, note=note)


def _graph(lab: LabModel, graph: Graph, c: Circuit) -> Drawn:
    """The kept connections, layers from left to right."""
    depth = len(lab.layers)

    def place(name: str) -> tuple[float, float]:
        if name in ("embed", END):
            return (-1.0 if name == "embed" else depth, (lab.heads - 1) / 2)
        if name.startswith("mlp"):
            return int(name.removeprefix("mlp ")) + 0.5, float(lab.heads)
        layer, head = name.split(".")[:2]
        return float(layer), float(head)

    names = [*graph.senders, END]
    at = {name: i for i, name in enumerate(names)}
    kept = [(e.sender, e.receiver.rstrip("qkv").rstrip(".")) for e in c.kept]
    used = {name for edge in kept for name in edge}
    edges = list(dict.fromkeys((at[sender], at[receiver]) for sender, receiver in kept))
    note = "Connections go from left to right; those into a head's queries, keys and values are one line."
    return Drawn(f"circuit at tau {c.tau:g}", [(n, *place(n), n in used) for n in names], edges, note)
