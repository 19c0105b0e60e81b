"""KnowledgeEditor (De Cao, Aziz, Titov 2021): a small network reads an edit and turns its gradient into a change.

The network reads the prompt, the old answer and the new one, and gives alpha, beta [out], gamma, delta [inner] and eta.
For W [out, inner] and G, the gradient of -log p(new answer) by W,

    dW = max_scale * sigmoid(eta) * (G * softmax(alpha) gamma^T + softmax(beta) delta^T)

It is trained on edits that are not measured: -log p of the new answer shall be small, subject to a KL of at most a
margin on other questions. The paper edits every matrix; here it is one, the same that FT and ROME edit.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness.errors import UsageError
from harness.lab.editing.editor import Editor, Given, Matrix
from harness.lab.editing.requests import Edit, Tokens, answered
from harness.lab.editing.running import following, loss, says
from harness.lab.metrics import kl
from harness.lab.models import LabModel
from harness.lab.subjects import same_length
from harness.options import option, settle
from harness.seeds import derive

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN, CONDITION = 128, 1024
"""Widths of the paper's code: of the LSTM's states and the conditioner, and of what it is conditioned on."""
BATCH, OTHERS = 4, 16
"""Edits a training step, and other questions that the KL of each is measured on."""
LOOK, REACHED, TIGHTER, TIGHTEST = 50, 0.9, 0.8, 1e-3
"""Every LOOK steps the margin is multiplied by TIGHTER if more than REACHED of the edits since then are answered as
wanted; it does not get below TIGHTEST nats."""
LEAST = 16
"""Edits that training needs, at least."""


@dataclass(frozen=True)
class KE:
    """`loop` and `paraphrases` are the paper's "+ loop" and "+ P_x"."""

    steps: int = option(400, "training steps, of 4 edits each", between=(0, 1_000_000))
    lr: float = option(1e-3, "learning rate of the training")
    max_scale: float = option(100.0, "the largest factor of a change; 1 in the paper's code, which trains far longer")
    margin: float = option(0.1, "KL on other questions that training allows at first, in nats")
    loop: int = option(1, "changes for an edit, at most, until the model gives the new answer", between=(1, 100))
    paraphrases: bool = option(False, "train on an edit's other wordings too")

    name: ClassVar[str] = "ke"
    weights: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, f"method {self.name}")

    def open(self, given: Given) -> Editor:
        """See Method. Trains; UsageError if there are too few edits to train on."""
        if len(given.spare) < LEAST:
            raise UsageError(
                f"method ke learns from edits that are not measured: there are {len(given.spare)}, not {LEAST}",
                "give a file with more edits of other subjects, or a smaller --n",
            )
        editor = KnowledgeEditor(given, self)
        editor.train(given.spare)
        return editor

    def passes(self, edits: int) -> int:
        """See Method. Of training: each of a step's edits with its other wordings (two are assumed) and questions."""
        return self.steps * BATCH * (1 + 2 * self.paraphrases + OTHERS) + edits * 2 * self.loop


def change(numbers: Tensor, gradient: Tensor, max_scale: float) -> Tensor:
    """dW [out, inner] from alpha, beta [out], gamma, delta [inner], eta, one behind the other, and the gradient."""
    import torch

    out, inner = gradient.shape
    alpha, beta, gamma, delta, eta = numbers.split([out, out, inner, inner, 1])
    a, b = torch.outer(alpha.softmax(0), gamma), torch.outer(beta.softmax(0), delta)
    return max_scale * eta.sigmoid() * (gradient * a + b)


def network(embedding: Tensor, out: int, inner: int, seed: int) -> Any:
    """Tokens -> the numbers that `change` takes. Its token embeddings begin as the model's [vocabulary, width]."""
    import torch
    from torch import nn
    from torch.nn.utils.parametrizations import weight_norm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        return nn.ModuleDict({
            "embed": nn.Embedding.from_pretrained(embedding.detach().float().clone(), freeze=False),
            "lstm": nn.LSTM(embedding.shape[1], HIDDEN, bidirectional=True, batch_first=True),
            "condition": nn.Sequential(nn.Linear(2 * HIDDEN, CONDITION), nn.Tanh()),
            "numbers": nn.Sequential(
                weight_norm(nn.Linear(CONDITION, HIDDEN)), nn.Tanh(),
                weight_norm(nn.Linear(HIDDEN, 2 * (out + inner) + 1)),
            ),
        }).to(embedding.device)  # fmt: skip


class KnowledgeEditor(Matrix):
    """The hyper-network beside a copy of the model."""

    def __init__(self, given: Given, options: KE) -> None:
        super().__init__(given)
        self.options, self.seed = options, given.seed
        embedding, (out, inner) = self.lab.model.get_input_embeddings().weight, self.weight.shape
        self.network = network(embedding, out, inner, derive("ke", self.seed))

    def edit(self, edit: Edit) -> None:
        """Change the matrix, up to `loop` times."""
        import torch

        for _ in range(self.options.loop):
            with torch.no_grad():
                self.weight.data += self.change(edit).to(self.weight.dtype)
            if says(self.lab, edit.prompt.ids, edit.new):
                break

    def change(self, edit: Edit) -> Tensor:
        """dW [out, inner] for the model as it is now."""
        return change(self._numbers(edit), self._gradient(edit), self.options.max_scale)

    def _numbers(self, edit: Edit) -> Tensor:
        import torch

        between = self.lab.tokenizer.eos_token_id or 0
        ids = torch.tensor([[*edit.prompt.ids, between, *edit.old, between, *edit.new]], device=self.lab.model.device)
        _, (last, _) = self.network["lstm"](self.network["embed"](ids))
        found: Tensor = self.network["numbers"](self.network["condition"](last.flatten()))
        return found

    def _gradient(self, edit: Edit) -> Tensor:
        import torch

        with torch.enable_grad():
            self.weight.requires_grad_(True)
            wrong = loss(self.lab, edit.prompt.ids, edit.new)
            [found] = torch.autograd.grad(wrong, self.weight)
            self.weight.requires_grad_(False)
        return found.float()

    def train(self, edits: Sequence[Edit]) -> None:
        """A Lagrangian: the multiplier of the KL's margin goes up if the KL is above it, and down if it is below."""
        import torch

        o, rng = self.options, random.Random(derive("ke training", self.seed))
        lessons = [self._lesson(edit) for edit in edits]
        others = list(dict.fromkeys(q for lesson in lessons for q in lesson.others))
        with torch.no_grad():
            known = dict(zip(others, _logits(self.lab, [others])[0], strict=True))
        multiplier = torch.ones((), device=self.weight.device, requires_grad=True)
        groups = [{"params": list(self.network.parameters()), "lr": o.lr}, {"params": [multiplier], "lr": 0.1}]
        optimizer = torch.optim.RMSprop(groups, centered=True)
        margin, reached = o.margin, 0
        for step in range(o.steps):
            some = rng.sample(lessons, BATCH)
            kept = [rng.sample(lesson.others, min(OTHERS, len(lesson.others))) for lesson in some]
            with torch.enable_grad():
                moved = [change(self._numbers(x.edit), x.gradient, o.max_scale) for x in some]
                asked = [[*lesson.wanted, *left] for lesson, left in zip(some, kept, strict=True)]
                found = _logits(self.lab, asked, self._module, moved)
                total = torch.zeros((), device=self.weight.device)
                for lesson, left, after in zip(some, kept, found, strict=True):
                    right = torch.tensor([i for _, ids in lesson.wanted for i in ids], device=total.device)
                    many = len(lesson.wanted)
                    wrong = torch.nn.functional.cross_entropy(torch.cat(after[:many]), right)
                    drift = kl(torch.cat([known[q] for q in left]), torch.cat(after[many:])).mean()
                    total = total + (wrong + multiplier * (drift - margin)) / BATCH
                    reached += after[0].argmax(-1).tolist() == list(lesson.edit.new)
                optimizer.zero_grad()
                total.backward()
            assert multiplier.grad is not None
            multiplier.grad.neg_()
            optimizer.step()
            multiplier.data.clamp_(min=0)
            if (step + 1) % LOOK == 0:
                margin = max(TIGHTEST, margin * TIGHTER) if reached > REACHED * LOOK * BATCH else margin
                reached = 0
        self.network.requires_grad_(False)

    def _lesson(self, edit: Edit) -> _Lesson:
        lab, queries = self.lab, edit.request.queries
        same = [answered(lab, q, q.after) for q in queries if self.options.paraphrases and q.question == "generality"]
        others = [answered(lab, q, q.before) for q in queries if q.before == q.after]
        return _Lesson(edit, [(edit.prompt.ids, edit.new), *same], others, self._gradient(edit))

    @property
    def _module(self) -> Any:
        return self.lab.layers[self.place.layer].mlp.down_proj


@dataclass(frozen=True)
class _Lesson:
    """An edit to train on: the answers that it shall give, its own first, and that it shall leave; the gradient of the
    first, [out, inner], which training does not change."""

    edit: Edit
    wanted: list[Tokens]
    others: list[Tokens]
    gradient: Tensor


def _logits(
    lab: LabModel, asked: Sequence[Sequence[Tokens]], module: Any = None, moved: Sequence[Tensor] = ()
) -> list[list[Tensor]]:
    """[answer, vocabulary] of each answer behind its prompt, for each list. With `moved`, moved[i] is added to the
    matrix of the linear layer `module` for the i-th list. What has the same lengths is computed at once."""
    import torch

    flat = [(i, j) for i, some in enumerate(asked) for j in range(len(some))]
    found: dict[tuple[int, int], Tensor] = {}
    for part in same_length([(0,) * (1000 * len(asked[i][j][1]) + len(asked[i][j][0])) for i, j in flat]):
        own = [flat[k] for k in part]
        prompts, answers = (
            torch.tensor([list(asked[i][j][side]) for i, j in own], device=lab.model.device) for side in (0, 1)
        )
        counts = [sum(i == k for i, _ in own) for k in range(len(asked))]
        with _changed(module, moved, counts) if moved else contextlib.nullcontext():
            found |= zip(own, following(lab, prompts, answers).float(), strict=True)
    return [[found[i, j] for j in range(len(some))] for i, some in enumerate(asked)]


@contextlib.contextmanager
def _changed(module: Any, moved: Sequence[Tensor], counts: Sequence[int]) -> Iterator[None]:
    """While it lasts, the first counts[0] rows of a batch go through W + moved[0], and so on."""
    import torch

    def after(_: Any, args: tuple[Any, ...], out: Tensor) -> Tensor:
        parts = args[0].float().split(list(counts))
        return out + torch.cat([x @ d.T for x, d in zip(parts, moved, strict=True)]).to(out.dtype)

    handle = module.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()
