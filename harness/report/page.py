"""One self-contained HTML page: pictures and tables written here, samples shown by app.js.

Everything that comes from a model or a file is escaped here, or set as text by the script. A content-security policy
allows this one script by its hash, no other script, and no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

from harness import __version__
from harness.report.collect import RunData, Samples
from harness.report.plots import plots, svg
from harness.results import audit
from harness.text import estimate, interval, number, p_value, percent
from harness.types import Outcome


def build(runs: Sequence[RunData], found: Samples) -> str:
    """The HTML of a page about these runs; both arguments come from collect.collect."""
    script, style = (_file(name) for name in ("app.js", "style.css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
    )
    names = " and ".join(run.title for run in runs[:3])
    return "\n".join([
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}; form-action \'none\'">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(names)}</title><style>{style}</style></head><body>",
        f'<header><h1>{escape(names)}</h1><p class="quiet">harness {escape(__version__)}; {found.count} answers. '
        'A gap is the difference of accuracies within groups: the same problem in another world.</p>'
        '<nav aria-label="Sections"><a href="#samples">Samples</a>'
        + "".join(f'<a href="#run{i}">{escape(run.title)}</a>' for i, run in enumerate(runs)) + "</nav></header><main>",
        *(_run(i, run) for i, run in enumerate(runs)),
        _samples(runs, found),
        f"</main><script>{script}</script></body></html>",
        "",
    ])  # fmt: skip


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _run(i: int, run: RunData) -> str:
    about, config, contrasts = run.recorded.about, run.recorded.config, run.contrasts
    facts = {
        "task": f"{run.recorded.task} (version {run.recorded.version})",
        "model": config["model"],
        "strategy": run.recorded.strategy,
        "seed": config.get("seed"),
        "options": ", ".join(f"{k}={v}" for k, v in (config.get("task_options") or {}).items()) or "-",
        "date": run.recorded.date[:16],
        "status": run.recorded.status,
        "run": about.get("run_id"),
    }
    total = contrasts.total.accuracy
    lines = [f"accuracy {estimate(total)}" if total else "no verdicts"]
    worst, everywhere = contrasts.worst(), contrasts.all_conditions()
    if worst:
        lines.append(f"worst condition {worst}")
    if everywhere:
        lines.append(f"all conditions correct {estimate(everywhere)}")
    counts = contrasts.total.row()
    lines.append(f"without a verdict {percent(counts['no_verdict'])} of {contrasts.total.samples}")
    warned = audit.warnings(run.confounds)
    if warned:
        named = ", ".join(f"{f.feature} ({f.factor}: {f.level})" for f in warned)
        lines.append(f"Caution: matched conditions also differ in {named}, which the task does not declare")
    pictures = [
        f'<figure><figcaption>{escape(title)}</figcaption><div class="plot">{svg(size, draw, title)}</div></figure>'
        for _, title, size, draw in plots(run)
    ]
    parts = [f'<section id="run{i}"><h2>{escape(run.title)}</h2>']
    parts.append('<ul class="headline">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")
    parts += pictures[:2]
    parts.append(_gaps(run) + _conditions(run))
    parts += pictures[2:]
    for extra in run.extras:
        parts.append(_table(extra.title, extra.header, extra.rows))
    if run.confounds:
        rows = [
            (f"{f.factor}: {f.level} / {f.reference}", f.feature, str(f.pairs), f.before, f.after, f.verdict)
            for f in run.confounds
        ]
        header = ("condition", "feature", "pairs", "reference", "level", "")
        parts.append(_table("what differs between matched conditions beside what is asked", header, rows))
    parts.append(_table("how it was made", ("", ""), [(k, str(v)) for k, v in facts.items()]) + "</section>")
    return "\n".join(parts)


def _gaps(run: RunData) -> str:
    rows = [
        (f"{g.factor}: {g.level} - {g.reference}", f"{g.gap.value:+.3f}", interval(g.gap.low, g.gap.high))
        + (p_value(g.p), p_value(g.p_holm), str(g.gap.n), str(g.groups))
        for g in run.contrasts.gaps()
    ]
    return (
        _table(
            "gaps within groups", ("contrast", "gap", "95% interval", "p", "p, all gaps (Holm)", "n", "groups"), rows
        )
        if rows
        else ""
    )


def _conditions(run: RunData) -> str:
    shown = [str(o) for o in Outcome if o in ("correct", "wrong") or run.contrasts.total.outcomes[o]]
    rows = []
    cells = dict(run.contrasts.conditions) | {"all": run.contrasts.total}
    for name, cell in cells.items():
        row = cell.row()
        accuracy = [str(row["n"]), number(row["accuracy"]), interval(row["ci_low"], row["ci_high"])]
        rows.append((name, *accuracy, *(str(row[o]) for o in shown), percent(row["no_verdict"])))
    return _table("conditions", ("condition", "n", "accuracy", "95% interval", *shown, "no verdict"), rows)


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f'<details open><summary>{escape(title)}</summary><div class="scroll" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def _samples(runs: Sequence[RunData], found: Samples) -> str:
    data = {"index": found.index, "blocks": found.blocks, "runs": [run.title for run in runs]}
    # With these three escaped, no name in the data can end the script block or start another.
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f"""<section id="samples"><h2>Samples</h2>
<form id="filters" role="search">
<label>Search <input id="search" type="search" placeholder="text of prompt or answer ( / )" autocomplete="off"></label>
<label>Run <select id="run"></select></label>
<label>Condition <select id="condition"></select></label>
<label>Outcome <select id="outcome"></select></label>
<label>Changed <select id="flip"></select></label>
<label>Group <input id="group" list="groups" autocomplete="off"></label>
<output id="count" aria-live="polite"></output></form>
<div id="list" role="listbox" tabindex="0" aria-label="Samples"><div id="space"></div><div id="window"></div></div>
<dialog id="sample" aria-label="Sample"><div class="bar"><button id="back" type="button">Previous (k)</button>
<button id="next" type="button">Next (j)</button><button id="close" type="button">Close (Esc)</button></div>
<div id="body"></div></dialog>
<script type="application/json" id="data">{text}</script></section>"""
