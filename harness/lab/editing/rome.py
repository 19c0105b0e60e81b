"""ROME (Meng, Bau, Andonian, Belinkov 2022, section 3): one fact is written into one matrix by a change of rank one.

The down projection W of a layer's MLP is read as a memory: W k = v. The key k* is its input at the place of the fact,
the value v* what would make the model say the new answer. W' = W + (v* - W k*) (C^-1 k*)^T / ((C^-1 k*)^T k*) says v*
for k* and changes as little as it can for the other keys, whose second moment is C.

The place is the one that causal tracing names on the model at hand. In the paper's models it is the subject's last
token in a middle layer; in a small model it need not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness.errors import DataError
from harness.lab.editing.editor import Editor, Given, Matrix
from harness.lab.editing.requests import Edit
from harness.lab.editing.running import following, greedy, loss
from harness.lab.models import LabModel
from harness.lab.partial import same_below, up_to
from harness.lab.patching import BATCH_TOKENS
from harness.lab.subjects import Prompt, prompt, same_length
from harness.options import option, settle

if TYPE_CHECKING:
    from torch import Tensor

    from harness.lab.hooks import Change


@dataclass(frozen=True)
class ROME:
    """Defaults are the paper's code's, but for `prefixes`: 20 there, of 5 and 10 tokens."""

    lr: float = option(0.5, "learning rate of the value")
    steps: int = option(20, "steps for the value, at most", between=(1, 10_000))
    below: float = option(0.05, "stop at this loss")
    decay: float = option(0.5, "weight of |delta| / |v|^2 in the loss")
    kl: float = option(0.0625, "weight of the KL on a text about the subject, if the place is the subject's last token")
    reach: float = option(4.0, "the longest delta, in lengths of the value before")
    prefixes: int = option(
        0, "texts of the model's own that k* is averaged over, beside the bare prompt", between=(0, 100)
    )
    ridge: float = option(1e-3, "added to the diagonal of C, as a share of its mean")

    name: ClassVar[str] = "rome"
    weights: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, f"method {self.name}")

    def open(self, given: Given) -> Editor:
        """See Method."""
        return _RankOne(given, self)

    def passes(self, edits: int) -> int:
        """See Method."""
        return edits * (1 + self.prefixes + 2 * self.steps)


def update(weight: Tensor, moment: Tensor, direction: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """W' [width, inner] of W, C [inner, inner], the key that C^-1 is applied to, the key and the value that are to
    hold: W' key = value. With direction = key it is the closed form of the paper."""
    import torch

    u = torch.linalg.solve(moment, direction)
    return weight + torch.outer(value - weight @ key, u) / (u @ key)


def second_moment(lab: LabModel, layer: int, texts: Sequence[str]) -> Tensor:
    """C [inner, inner], uncentred, of the keys at every position of the texts. DataError if there are none."""
    import torch

    total: Any = 0
    count = 0
    ids = [found for text in texts if (found := lab.tokens(text)[0])]
    with torch.no_grad(), _Inputs(lab, layer) as seen:
        for some in same_length(ids):
            at_once = max(1, BATCH_TOKENS // len(ids[some[0]]))
            for i in range(0, len(some), at_once):
                part = [ids[j] for j in some[i : i + at_once]]
                lab.model.model(torch.tensor(part, device=lab.model.device), use_cache=False)
                keys = seen.pop().flatten(0, 1).float()
                total, count = total + keys.T @ keys, count + len(keys)
    if not count:
        raise DataError("no texts for the covariance of ROME's keys", "give --texts FILE")
    moment: Tensor = total / count
    return moment


class _Inputs:
    """While it lasts, the list of what has gone into a layer's down projection, [batch, position, inner] each. No
    later layer is computed."""

    def __init__(self, lab: LabModel, layer: int) -> None:
        self.module, self.short = lab.layers[layer].mlp.down_proj, up_to(lab, layer)

    def __enter__(self) -> list[Any]:
        seen: list[Any] = []
        self.handle = self.module.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
        self.short.__enter__()
        return seen

    def __exit__(self, *_: object) -> None:
        self.handle.remove()
        self.short.__exit__(None, None, None)


class _RankOne(Matrix):
    def __init__(self, given: Given, options: ROME) -> None:
        super().__init__(given)
        self.options = options
        moment = second_moment(self.lab, self.place.layer, given.texts)
        self.moment = moment + options.ridge * moment.diagonal().mean() * _eye(moment)
        self.prefixes = list(_prefixes(self.lab, options.prefixes, given.seed))

    def edit(self, edit: Edit) -> None:
        import torch

        prompts = [edit.prompt, *self._prefixed(edit)]
        keys = [self._key(p) for p in prompts]
        value = self._value(edit)
        with torch.no_grad():
            mean = torch.stack(keys).mean(0)
            weight = self.weight.float()
            self.weight.data.copy_(update(weight, self.moment, mean, keys[0], value))

    def _prefixed(self, edit: Edit) -> Iterable[Prompt]:
        text = edit.request.rendered(self.lab)
        for prefix in self.prefixes:
            yield prompt(self.lab, f"{prefix}. {text}", edit.request.subject)

    def _key(self, at: Prompt) -> Tensor:
        """k [inner]."""
        import torch

        with torch.no_grad(), _Inputs(self.lab, self.place.layer) as seen:
            self.lab.model.model(torch.tensor([at.ids], device=self.lab.model.device), use_cache=False)
        key: Tensor = seen[0][0, at.at(self.place.role)].float()
        return key

    def _value(self, edit: Edit) -> Tensor:
        """v* [width], by Adam on what is added to the value there."""
        import torch

        o, lab, position = self.options, self.lab, edit.prompt.at(self.place.role)
        start = self.weight.float() @ self._key(edit.prompt)
        delta = torch.zeros_like(start, requires_grad=True)
        optimizer = torch.optim.Adam([delta], lr=o.lr)
        essence = self._essence(edit)
        with torch.enable_grad(), same_below(lab, self.place.layer):
            for _ in range(o.steps):
                wrong = loss(lab, edit.prompt.ids, edit.new, {("mlp", self.place.layer): _added(delta, position)})
                total = wrong + o.decay * delta.norm() / start.norm() ** 2
                if essence is not None:
                    total = total + o.kl * self._drift(*essence, delta)
                if float(total.detach()) < o.below:
                    break
                optimizer.zero_grad()
                total.backward()
                optimizer.step()
                with torch.no_grad():
                    delta *= min(1.0, float(o.reach * start.norm() / delta.norm()))
        return (start + delta).detach()

    def _essence(self, edit: Edit) -> tuple[Tensor, int, Tensor] | None:
        """(ids, the subject's last token, logits there now) of the text about the subject. None if the place is
        another token than the subject's last: what is added there belongs to another key."""
        import torch

        if self.place.role != "last subject" or not self.options.kl:
            return None
        text = prompt(self.lab, edit.request.essence, edit.request.subject)
        ids = torch.tensor([text.ids], device=self.lab.model.device)
        with torch.no_grad():
            return ids, text.end - 1, following(self.lab, ids, ids[:, :1])[0, 0].float()

    def _drift(self, ids: Tensor, position: int, before: Tensor, delta: Tensor) -> Tensor:
        from harness.lab.metrics import kl

        changes = {("mlp", self.place.layer): _added(delta, position)}
        return kl(before, following(self.lab, ids, ids[:, :1], changes)[0, 0].float())  # type: ignore[arg-type]


def _added(delta: Tensor, position: int) -> Change:
    def change(value: Tensor) -> Tensor:
        value = value.clone()
        value[:, position] = value[:, position] + delta.to(value.dtype)
        return value

    return change


def _eye(like: Tensor) -> Tensor:
    import torch

    return torch.eye(len(like), device=like.device)


def _prefixes(lab: LabModel, count: int, seed: int) -> Iterable[str]:
    """Texts that the model goes on with behind random tokens, of 5 and of 10 tokens in turn."""
    import torch

    drawn = torch.Generator().manual_seed(seed)
    for i in range(count):
        first = int(torch.randint(int(lab.model.config.vocab_size), (1,), generator=drawn))
        start = lab.tokens("")[0] + [first]
        yield str(lab.tokenizer.decode([first])) + greedy(lab, [start], (5, 10)[i % 2] - 1)[0][0]
