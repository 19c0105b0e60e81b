"""The study `harness lens --train-tuned`: a tuned lens is trained, kept, and compared with the logit lens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.lab.models import LabModel
from harness.lab.prompts import Chosen, as_row, halves, prompts
from harness.lab.tuned import compare, train
from harness.report.pictures import Curves
from harness.report.study import Study
from harness.text import Extra, estimate


def tuned_study(
    lab: LabModel, chosen: Chosen, path: Path, steps: int, on_step: Callable[[int, int], None] = lambda *_: None
) -> Study:
    """Trained on half of the groups, compared on the others, written to `path`."""
    fitted, tested = halves(prompts(lab, chosen, answered=True), chosen.seed)
    words = chosen.words(lab) | {"steps": str(steps)}
    made = train(lab, fitted, chosen.seed, steps, words, on_step)
    made.write(path)
    found = compare(lab, tested, made)
    groups = [len({p.sample.group for p in half}) for half in (fitted, tested)]
    nearer = sum(f.change.high < 0 for f in found)
    sentences = [
        f"On prompts of {groups[1]} groups that it was not trained on the tuned lens is nearer to {lab.name}'s own "
        f"distribution than the logit lens at {nearer} of {len(found)} layers (interval of the change below 0).",
        f"Trained on {len(fitted)} prompts with right answers, of {groups[0]} groups, at every position; tested on "
        f"{len(tested)}, at {found[0].logit.n} positions. The end of the last layer needs no translator.",
    ]
    table = Extra(
        "KL(model's own || lens), nats", ("before layer", "logit lens", "tuned lens", "tuned - logit"),
        tuple((str(f.layer), *(estimate(e) for e in (f.logit, f.tuned, f.change))) for f in found),
        note="Means over positions; intervals at 95%, over groups.",
    )  # fmt: skip
    rows = [{"layer": f.layer, **as_row("logit", f.logit), **as_row("tuned", f.tuned), **as_row("change", f.change)}
            for f in found]  # fmt: skip
    names = [str(f.layer) for f in found]
    lines = {"logit lens": [f.logit for f in found], "tuned lens": [f.tuned for f in found]}
    picture = Curves("KL to the model's own distribution, nats", names, lines, "before layer")
    title = f"Tuned lens of {lab.name} on {chosen.task.name}"
    return Study("tuned", title, words | {"file": str(path)}, sentences, [table], rows, [picture])
