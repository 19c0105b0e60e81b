"""What the gate compares: the answers of a run, or of a committed baseline (`harness baseline set`), which keeps only
what is needed here. Knows nothing of verdicts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageError
from harness.files import no_links
from harness.options import suggestion
from harness.pipeline import store
from harness.pipeline.checks import OUTCOMES
from harness.results.records import RecordedRun
from harness.text import printable
from harness.types import Outcome

BASELINES = Path("results/baselines")
ANSWERS = "answers.jsonl"

MOST = 1e100
"""A measured number beyond this is a fault of its file; its square could still be added up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one sample: `asked` is a hash of the question, `value` None without a verdict."""

    id: str
    epoch: int
    group: str
    condition: str
    asked: str
    outcome: str
    value: float | None
    text: str = ""
    """A hash of the response; "" if it is not known, as in baselines of earlier versions."""
    prompt: str = ""
    """A hash of the prompt, if another tool made it of the question: it may differ from model to model (chat templates)
    and is no part of `asked` then."""


Answers = dict[tuple[str, int], Answer]
"""Every sample's answer by (id, epoch)."""


def folders() -> list[Path]:
    """Where baselines are looked for: results/baselines in the working directory and in its parents, up to the root of
    the repository (a folder with .git). Outside of a repository in the working directory alone."""
    here = Path.cwd()
    above = (here, *here.parents)
    roots = [i for i, folder in enumerate(above) if (folder / ".git").exists()]
    return [folder / BASELINES for folder in above[: roots[0] + 1 if roots else 1]]


def find(name: str | Path) -> Path:
    """The folder of a baseline by its name, or a run directory. UsageError that says where was looked."""
    looked = folders()
    try:
        if Path(name).name == str(name):
            for folder in looked:
                if (folder / name / ANSWERS).is_file():
                    return folder / name
        return store.find_run(name)
    except (OSError, UsageError):
        if store.find_study(name):
            raise
        known = sorted({path.parent.name for folder in looked for path in folder.glob(f"*/{ANSWERS}")})
        places = ", ".join(map(str, [*looked, name, Path("results") / name]))
        meant = suggestion(str(name), known, "baselines") if known else "there is no baseline"
        hint = f"{meant}; looked in {places}"
        raise UsageError(f"{name} is neither a baseline nor a run directory", hint) from None


def check_metric(metric: str) -> str:
    """The name in `detail.NAME`, "" for accuracy. UsageError for anything else."""
    kind, _, name = metric.partition(".")
    if metric != "accuracy" and (kind != "detail" or not name):
        raise UsageError(f"metric {metric}: there is no such metric", "accuracy, or detail.NAME")
    return name


def answers(run: RecordedRun, metric: str = "accuracy", only: Sequence[str] = ()) -> Answers:
    """Every sample's answer by (id, epoch). `metric` is accuracy, or `detail.NAME` for a number or truth value of the
    scores' detail; `only` are conditions, or levels of them (see `is_of`). UsageError for another metric, for one that
    no record has, and for a condition that no record has."""
    name = check_metric(metric)
    directory = run.directory
    if (directory / ANSWERS).is_file():
        if name:
            raise UsageError(f"{directory} is a baseline: it has accuracy only", "compare run directories for others")
        kept = list(_kept(directory / ANSWERS))
        _check_conditions(only, {a.condition for a in kept}, directory)
        return {(a.id, a.epoch): a for a in kept if is_of(a.condition, only)}
    found, measured, conditions = {}, set[str](), set[str]()
    for record in run.records():
        answer = answer_of(record, run, name)
        conditions.add(answer.condition)
        if not is_of(answer.condition, only):
            continue
        if name:
            measured |= {key for key, value in _detail(record).items() if isinstance(value, bool | int | float)}
        found[answer.id, answer.epoch] = answer
    _check_conditions(only, conditions, directory)
    if name and name not in measured:
        hint = printable(suggestion(name, sorted(measured), "numbers in its detail"))
        raise UsageError(f"metric {metric}: no record of {directory} has it", hint)
    return found


def is_of(condition: str, only: Sequence[str]) -> bool:
    """Whether a condition is one of those, or has one of those levels (`friends` in `friends/standard`); without any,
    each is."""
    return not only or condition in only or any(level in only for level in condition.split("/"))


def _check_conditions(only: Sequence[str], conditions: Iterable[str], directory: Path) -> None:
    known = sorted({part for c in conditions for part in (c, *c.split("/"))})
    for name in only:
        if name not in known:
            hint = printable(suggestion(name, known, "conditions and levels"))
            raise UsageError(f"no record of {directory} has the condition or level '{name}'", hint)


def _detail(record: Mapping[str, Any]) -> Mapping[str, Any]:
    detail = record.get("detail")
    return detail if isinstance(detail, dict) else {}


def answer_of(record: Mapping[str, Any], run: RecordedRun, measure: str = "") -> Answer:
    """A record as the gate compares it; `measure` names a number of its detail that counts instead of its value. An
    answer without that number (it could not be read) counts as 0."""
    question = record["task"], record.get("task_version") or run.version, record["id"], record["params"]
    foreign = bool(run.scored_by)
    asked = store.identity(*question, record.get("target" if foreign else "input"))
    prompt = store.identity(record.get("input")) if foreign else ""
    value = record["value"] if Outcome(record["outcome"]).has_verdict else None
    if measure and value is not None:
        value = _detail(record).get(measure)
        value = value if isinstance(value, bool | int | float) else 0.0
    text = hashlib.sha256(str(record["response"]).encode("utf-8", "replace")).hexdigest()[:16]
    own = (record["id"], record["epoch"], record["group"], record["condition"], asked, record["outcome"], value)
    return _checked(Answer(*own, text, prompt), run.directory / store.RECORDS)


def _kept(path: Path) -> Iterator[Answer]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            answer = Answer(**json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: not a baseline's answer: {error}") from None
        yield _checked(answer, path)


def _checked(answer: Answer, path: Path) -> Answer:
    """A file may hold anything: the answer, with its value as a float, or DataError."""
    texts = (answer.id, answer.group, answer.condition, answer.asked, answer.outcome, answer.text, answer.prompt)
    value: Any = answer.value
    known = all(isinstance(text, str) for text in texts) and isinstance(answer.epoch, int)
    if not known or answer.outcome not in OUTCOMES:
        raise DataError(f"{path}: the answer to sample {answer.id!r:.60} is not one: a name is no text, or its epoch")
    if value is not None and not (isinstance(value, bool | int | float) and -MOST <= value <= MOST):
        raise DataError(f"{path}: the value of sample {answer.id!r:.60} is not a number that can be compared")
    return answer


def baseline_folder(name: str, root: Path = BASELINES) -> Path:
    """The folder of a baseline, which may not be there yet. UsageError for a name that leads elsewhere."""
    if Path(name).name != name or name in ("", ".", "..") or "\\" in name:
        raise UsageError(f"'{name}' is not a name for a baseline", "a name is one folder in results/baselines/")
    return root / name


def set_baseline(opened: RecordedRun, name: str, root: Path = BASELINES) -> Path:
    """Keep of a run what later runs are compared with: small, one line a sample, so that a diff shows what changed."""
    run, target = opened.directory, baseline_folder(name, root)
    if opened.status != "complete":
        raise UsageError(f"{run} is not complete: {opened.status}", f"harness run --resume {run}")
    if target.is_symlink():
        raise DataError(f"{target} is a symbolic link", "a baseline is a folder of its own: remove the link")
    target.mkdir(parents=True, exist_ok=True)
    no_links(target)
    lines = sorted(json.dumps(asdict(a), ensure_ascii=False) for a in answers(opened).values())
    (target / ANSWERS).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    names = "run_id created config task conditions versions git_commit model strategy imported".split()
    kept = {name: opened.about[name] for name in names if name in opened.about}
    (target / "run.json").write_text(json.dumps(kept, indent=1, default=str) + "\n", encoding="utf-8")
    return target
