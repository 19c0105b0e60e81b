"""One self-contained HTML page: pictures and tables written here, samples shown by app.js.

Everything that comes from a model or a file is escaped (harness.report.markup), or set as text by the script. A
content-security policy allows this one script by its hash, no other script, and no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from harness import __version__
from harness.report import overview, sections, words
from harness.report.collect import RunData, Samples
from harness.report.markup import folded, link, paragraph
from harness.text import printable, printable_lines

if TYPE_CHECKING:
    from harness.report.study import Study

MOST_OPEN = 2
"""With more runs than this their sections are folded."""


def build(
    runs: Sequence[RunData], found: Samples | None, study: Sequence[str] = (), studies: Sequence[Study] = ()
) -> str:
    """The HTML of a page about these runs and these studies of the lab; the first two arguments come from
    collect.collect, `found` may be None if there are no runs. `study`: what the study says whose runs they are
    (harness.studies.told), in lines."""
    style, script = _file("style.css"), _file("app.js") if runs else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f" script-src 'sha256-{digest}';" if script else ""
    policy = f"default-src 'none';{allowed} style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
    title = escape(printable(_title(runs, studies)))
    several = len(runs) + len(studies) > 1
    nav = f'<nav aria-label="Sections">{_nav(runs, studies)}</nav>' if runs or several else ""
    made = f" from {found.count} answers. An interval holds the true value in 95% of such runs" if found else ""
    return "\n".join([
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}; form-action \'none\'">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{title}</title><style>{style}</style></head><body>",
        f"<header><h1>{title}</h1>{nav}</header><main>",
        *([_study(study)] if study else []),
        *(_one(runs[0]) if len(runs) == 1 else _several(runs) if runs else []),
        *(_of_the_lab(i, one, several) for i, one in enumerate(studies)),
        *([_samples(runs, found)] if found else []),
        f'</main><footer class="quiet">Made by harness {escape(__version__)}{made}.</footer>',
        *([f"<script>{script}</script>"] if script else []),
        "</body></html>",
        "",
    ])  # fmt: skip


def _title(runs: Sequence[RunData], studies: Sequence[Study]) -> str:
    if runs:
        return words.title(runs)
    return studies[0].title if len(studies) == 1 else f"{len(studies)} studies"


def _of_the_lab(i: int, study: Study, titled: bool) -> str:
    title = f"<h2>{escape(printable(study.title))}</h2>" if titled else ""
    return f'<section id="study-{i}">{title}{study.section()}</section>'


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _study(lines: Sequence[str]) -> str:
    said = escape(printable_lines("\n".join(lines)))
    return f'<section id="study"><h2>What the study says</h2><pre>{said}</pre></section>'


def _nav(runs: Sequence[RunData], studies: Sequence[Study]) -> str:
    of_lab = [(f"study-{i}", printable(study.title)) for i, study in enumerate(studies)]
    if not runs:
        return " ".join(link(target, name) for target, name in of_lab)
    accuracy = (("accuracy-0", "Accuracy"),) if runs[0].contrasts.total.accuracy else ()
    one = (*accuracy, ("wrong-0", "What went wrong"), ("details-0", "Details"))
    spent = (("costs", "Accuracy and cost"),) if runs[0].spending else ()
    several = (("runs", "Runs side by side"), ("differences", "Differences"), *spent, ("each", "Each run"))
    places = (*(one if len(runs) == 1 else several), *of_lab, ("samples", "Samples"))
    return " ".join(link(target, name) for target, name in places)


def _one(run: RunData) -> list[str]:
    named = f"{run.title}; " if run.label != run.title else ""
    about = f"{named}{run.facts['date'] or 'no date'}; {run.recorded.status}"
    return [paragraph(about, "quiet"), f'<section id="run-0">{sections.run(0, run)}</section>']


def _several(runs: Sequence[RunData]) -> list[str]:
    cautions = [
        paragraph(f"{run.label}: {line}", "caution") for run in runs for line in words.cautions(run)[:1]
        if run.recorded.status != "complete"
    ]  # fmt: skip
    parts = [f'<section id="runs">{"".join(cautions)}{overview.side_by_side(runs)}</section>']
    parts.append(f'<section id="differences"><h2>Differences</h2>{overview.differences(runs)}</section>')
    if spent := overview.costs(runs):
        parts.append(f'<section id="costs"><h2>Accuracy and cost</h2>{spent}</section>')
    parts.append('<section id="each"><h2>Each run</h2>')
    for i, run in enumerate(runs):
        inside = f'<div id="run-{i}">{sections.run(i, run)}</div>'
        parts.append(folded(run.label, inside, "run", opened=len(runs) <= MOST_OPEN))
    return [*parts, "</section>"]


def _samples(runs: Sequence[RunData], found: Samples) -> str:
    data = {"index": found.index, "blocks": found.blocks, "runs": [run.label for run in runs]}
    # With these three escaped, no name in the data can end the script block or start another.
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    of_run = '<label>Run <select id="run"></select></label>\n' if len(runs) > 1 else ""
    changed = '<label>Changed <select id="flip"></select></label>\n' if found.changed else ""
    return f"""<section id="samples"><h2>Samples</h2>
<form id="filters" role="search">
<label>Search <input id="search" type="search" placeholder="text of prompt or answer ( / )" autocomplete="off"></label>
{of_run}<label>Condition <select id="condition"></select></label>
<label>Outcome <select id="outcome"></select></label>
{changed}<label>Group <input id="group" list="groups" autocomplete="off"></label>
<output id="count" aria-live="polite"></output></form>
<div id="list" role="listbox" tabindex="0" aria-label="Samples"><div id="space"></div><div id="window"></div></div>
<p class="note">Keys: j and k go through the list, Enter opens a sample, Esc closes it, / searches. The address of the
page keeps filters and the open sample, to be sent or kept.</p>
<dialog id="sample" aria-label="Sample"><div class="bar"><button id="back" type="button">Previous (k)</button>
<button id="next" type="button">Next (j)</button><button id="close" type="button">Close (Esc)</button></div>
<div id="body"></div></dialog>
<script type="application/json" id="data">{text}</script></section>"""
