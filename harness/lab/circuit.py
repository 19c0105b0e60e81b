"""Circuits by ACDC: which connections between the parts of a model an answer needs (Conmy et al. 2023, algorithm 1).

Parts are the embedding, each head and each MLP; a connection goes from one to a later one's input (queries, keys and
values of a head apart), or to the logits. From the end to the beginning, each connection is cut: what it carries is
replaced by what it carries in the corrupted run. If KL(whole model || circuit) grows by less than tau, it stays cut.
The order decides between parts that can stand in for each other. What is equal in both prompts can't be seen: such
connections are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.lab import metrics
from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor

END = "logits"


@dataclass(frozen=True, order=True)
class Edge:
    """A connection: `sender` is embed, LAYER.HEAD or mlp LAYER; `receiver` LAYER.HEAD.q, .k or .v, mlp LAYER or logits.
    Heads that share their keys and values have one receiver for them, named by the first of them."""

    sender: str
    receiver: str

    def __str__(self) -> str:
        return f"{self.sender} -> {self.receiver}"


class Ran(NamedTuple):
    """A run: logits [batch, position, vocabulary]; what each sender adds, and the stream that each receiver reads, all
    [batch, position, width]."""

    logits: Tensor
    written: Mapping[str, Tensor]
    streams: Mapping[str, Tensor]


class Graph:
    """A model computed part by part, so that each input can leave out what some parts have added."""

    def __init__(self, lab: LabModel) -> None:
        self.lab = lab
        self.senders: list[str] = ["embed"]
        self.inputs: list[tuple[str, int]] = []
        """(receiver, how many senders stand before it), first to last."""
        attention = lab.layers[0].self_attn
        self.shared = lab.heads // (attention.k_proj.out_features // lab.head_size)
        """How many heads have the same keys and values."""
        for layer in range(len(lab.layers)):
            before = len(self.senders)
            for head in range(lab.heads):
                self.inputs.append((f"{layer}.{head}.q", before))
            for head in range(0, lab.heads, self.shared):
                self.inputs += [(f"{layer}.{head}.{kind}", before) for kind in "kv"]
            self.senders += [f"{layer}.{head}" for head in range(lab.heads)]
            if self._adds(layer):
                self.inputs.append((f"mlp {layer}", len(self.senders)))
                self.senders.append(f"mlp {layer}")
        self.inputs.append((END, len(self.senders)))

    def _adds(self, layer: int) -> bool:
        """Whether the MLP does anything: of one whose weights are all 0 there is no part."""
        return bool(self.lab.layers[layer].mlp.down_proj.weight.any())

    def edges(self) -> list[Edge]:
        """In the order in which they are tried: receivers from the end, senders from the latest."""
        return [
            Edge(sender, receiver)
            for receiver, before in reversed(self.inputs)
            for sender in reversed(self.senders[:before])
        ]

    def read(self, receiver: str, stream: Tensor) -> Tensor:
        """What a receiver makes of a stream [..., width]: queries, keys or values of a head [..., head size] before
        their rotation, what an MLP adds, or logits."""
        import torch

        if receiver == END:
            return self._logits(stream)
        if receiver.startswith("mlp"):
            block = self.lab.layers[int(receiver.removeprefix("mlp "))]
            added: Tensor = block.mlp(block.post_attention_layernorm(stream))
            return added
        layer, head, kind = receiver.split(".")
        block, size = self.lab.layers[int(layer)], self.lab.head_size
        proj = getattr(block.self_attn, f"{kind}_proj")
        i = int(head) if kind == "q" else int(head) // self.shared
        rows = slice(i * size, (i + 1) * size)
        bias = None if proj.bias is None else proj.bias[rows]
        return torch.nn.functional.linear(block.input_layernorm(stream), proj.weight[rows], bias)

    def _logits(self, stream: Tensor) -> Tensor:
        found: Tensor = self.lab.model.lm_head(self.lab.model.model.norm(stream))
        return found

    def run(self, ids: Tensor, cut: Iterable[Edge] = (), corrupted: Mapping[str, Tensor] | None = None) -> Ran:
        """A run on token ids [batch, position]. Along a cut edge flows what `corrupted` (Ran.written of another run)
        has."""
        import torch

        model, size = self.lab.model.model, self.lab.head_size
        by_receiver: dict[str, list[str]] = {}
        for edge in cut:
            by_receiver.setdefault(edge.receiver, []).append(edge.sender)
        with torch.no_grad():
            written: dict[str, Tensor] = {"embed": model.embed_tokens(ids)}
            streams: dict[str, Tensor] = {}
            stream = written["embed"]
            cos, sin = model.rotary_emb(stream, torch.arange(ids.shape[1], device=ids.device)[None])
            ahead = torch.ones((ids.shape[1], ids.shape[1]), dtype=torch.bool, device=ids.device).triu(1)

            def received(receiver: str, stream: Tensor) -> Tensor:
                streams[receiver] = stream
                for sender in by_receiver.get(receiver, ()):
                    stream = stream - written[sender] + corrupted[sender]  # type: ignore[index]
                return self.read(receiver, stream)

            for layer, block in enumerate(self.lab.layers):
                attention = block.self_attn
                groups = range(0, self.lab.heads, self.shared)
                keys = [_rotated(received(f"{layer}.{head}.k", stream), cos, sin) for head in groups]
                values = [received(f"{layer}.{head}.v", stream) for head in groups]
                added = torch.zeros_like(stream)
                for head in range(self.lab.heads):
                    query = _rotated(received(f"{layer}.{head}.q", stream), cos, sin)
                    scores = query @ keys[head // self.shared].transpose(-1, -2) * attention.scaling
                    weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
                    out = attention.o_proj.weight[:, head * size : (head + 1) * size]
                    written[f"{layer}.{head}"] = weights @ values[head // self.shared] @ out.T
                    added = added + written[f"{layer}.{head}"]
                stream = stream + added
                if self._adds(layer):
                    written[f"mlp {layer}"] = received(f"mlp {layer}", stream)
                    stream = stream + written[f"mlp {layer}"]
            return Ran(received(END, stream), written, streams)


def _rotated(value: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """With the position in it (RoPE), as Llama does: [batch, position, head size]."""
    import torch

    one, other = value.chunk(2, -1)
    return value * cos + torch.cat([-other, one], -1) * sin


@dataclass(frozen=True)
class Circuit:
    """What one tau leaves: the edges kept, KL(whole || circuit) in nats, and how many evaluations it took."""

    tau: float
    kept: tuple[Edge, ...]
    kl: float
    evaluations: int
    unseen: tuple[Edge, ...] = ()
    """Edges that were cut and carry the same in both prompts: whether they are needed can't be seen."""

    def against(self, known: Iterable[Edge]) -> tuple[float, float]:
        """(precision, recall) of the kept edges against a known circuit."""
        truth = set(known)
        both = len(truth & set(self.kept))
        return both / len(self.kept) if self.kept else 0.0, both / len(truth) if truth else 0.0


def acdc(
    graph: Graph, clean: Tensor, corrupted: Tensor, tau: float, on_edge: Callable[[int, int], None] = lambda *_: None
) -> Circuit:
    """The circuit at one tau, for prompts [pair, position]; the KL is that at the last position, the mean of the pairs.
    `on_edge` is told how many of how many edges were tried."""
    ran, other = graph.run(clean), graph.run(corrupted).written
    whole = ran.logits[:, -1].float()
    edges = graph.edges()
    cut: list[Edge] = []
    now = 0.0
    for i, edge in enumerate(edges):
        found = _kl(graph, whole, clean, [*cut, edge], other)
        if found - now < tau:
            cut.append(edge)
            now = found
        on_edge(i + 1, len(edges))
    unseen = tuple(sorted(e for e in edges if e in set(cut) and _unseen(graph, e, ran, other)))
    return Circuit(tau, tuple(sorted(set(edges) - set(cut))), now, len(edges), unseen)


def _unseen(graph: Graph, edge: Edge, ran: Ran, other: Mapping[str, Tensor]) -> bool:
    """Whether an edge alone carries something to its receiver, and the same in both prompts."""
    import torch

    with torch.no_grad():
        stream = ran.streams[edge.receiver]
        now = graph.read(edge.receiver, stream)
        without = graph.read(edge.receiver, stream - ran.written[edge.sender])
        swapped = graph.read(edge.receiver, stream - ran.written[edge.sender] + other[edge.sender])
    least = 1e-5 * float(now.abs().max())
    return float((now - without).abs().max()) > least >= float((now - swapped).abs().max())


def _kl(graph: Graph, whole: Tensor, clean: Tensor, cut: Sequence[Edge], other: Mapping[str, Tensor]) -> float:
    return float(metrics.kl(whole, graph.run(clean, cut, other).logits[:, -1].float()).mean())
