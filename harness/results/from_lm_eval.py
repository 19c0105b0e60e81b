"""The logs of lm-evaluation-harness as answers (`harness import lm-eval samples_TASK_DATE.jsonl`).

`lm_eval --log_samples` writes a line for each document and filter. If the document is a line of `harness show --json`,
our task scores the responses; else the value of the line's own metric is taken. Written from the format
(EleutherAI/lm-evaluation-harness, MIT, version 0.4), without the package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.answers import PublishedAnswer, Scorer
from harness.errors import DataError, UsageError
from harness.files import compact, read_json, read_jsonl
from harness.pipeline.store import identity
from harness.results.importing import choose, known_options, share
from harness.results.lines import Asked, asked, messages, short_name, stop_reason
from harness.types import Sample

OPTIONS = {"metric": "exact_match", "filter": "strict-match", "model": "NAME", "task": "NAME"}

OWN = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash"}
OWN |= {"prompt_hash", "target_hash"}
"""Keys of a line that are no metrics."""

Line = dict[str, Any]


def read(path: Path, options: Mapping[str, str]) -> Iterator[PublishedAnswer]:
    """The answers of one samples file. Options: `metric` and `filter` if the file has several; `model`, which else
    comes from the results file in the same folder; `task`, which else comes from the file's name.

    Raises UsageError if something has to be chosen, DataError for what is not such a file.
    """
    known_options("lm-eval", options, OPTIONS)
    lines = [(where, _line(line, where)) for where, line in read_jsonl(path)]
    if not lines:
        raise DataError(f"{path} has no lines")
    model = options.get("model") or lines[0][1].get("model") or _results_beside(path).get("model_name")
    if not model or not isinstance(model, str):
        hint = "--with model=NAME, or keep the results_*.json of the same run in its folder"
        raise UsageError(f"{path}: does not say which model was asked", hint)
    model = short_name(model)
    ours = [(where, line, found) for where, line in lines if (found := asked(line["doc"])) is not None]
    if len(ours) == len(lines):
        yield from _scored_here(path, options, model, ours)
        return
    filters = list(dict.fromkeys(str(line["filter"]) for _, line in lines))
    chosen = choose(str(path), "filter", filters, options.get("filter"))
    kept = [line for _, line in lines if line["filter"] == chosen]
    metric = choose(str(path), "metric", _metrics(kept), options.get("metric"))
    task = short_name(options.get("task") or _task_of(path)).rpartition("/")[2] or "unnamed"
    scorer = Scorer("lm-eval", short_name(f"{metric},{chosen}"))
    for line in kept:
        yield _taken(line, task, model, metric, scorer)


def _line(text: bytes, where: str) -> Line:
    """A line with the types that are relied on. DataError if it has others."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON: {error}") from None
    wrong = f"{where}: not a line of lm-evaluation-harness (--log_samples): "
    if not isinstance(line, dict) or not {"doc_id", "doc", "resps"} <= line.keys():
        raise DataError(wrong + "it needs doc_id, doc and resps")
    line.setdefault("filter", "none")
    if not isinstance(line["filter"], str) or not isinstance(line["doc_id"], int | str) or not _repeats(line):
        raise DataError(wrong + "doc_id, filter or resps has another form")
    return line


def _repeats(line: Line) -> list[Any]:
    """The responses to the first request of a document: one for each repeat. [] if there are none."""
    first = line["resps"][0] if isinstance(line["resps"], list) and line["resps"] else None
    return first if isinstance(first, list) else [first] if isinstance(first, str) else []


def _results_beside(path: Path) -> Mapping[str, Any]:
    """The results file of the same run: that of the same date, or the only one of the folder. {} if there is none."""
    date = re.search(r"_(\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl", path.name)
    found = sorted(path.resolve().parent.glob("results*.json"))
    same = [file for file in found if date and date[1] in file.name] or (found if len(found) == 1 else [])
    about = read_json(same[0]) if same else {}
    return about if isinstance(about, dict) else {}


def _task_of(path: Path) -> str:
    """The task in `samples_TASK_DATE.jsonl`."""
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return re.sub(r"_\d{4}-\d\d-\d\dT[\d.-]+$", "", name).removeprefix("samples_")


def _metrics(lines: Sequence[Line]) -> list[str]:
    """The metrics that have a value from 0 to 1 on every line."""
    first = lines[0]
    named = first["metrics"] if isinstance(first.get("metrics"), list) else [key for key in first if key not in OWN]
    return [m for m in named if isinstance(m, str) and all(share(line.get(m)) is not None for line in lines)]


def _scored_here(
    path: Path, options: Mapping[str, str], model: str, lines: Sequence[tuple[str, Line, Asked]]
) -> Iterator[PublishedAnswer]:
    """The repeats of each of our prompts; the filters of a document are filters of the same responses."""
    wanted = options.get("filter", lines[0][1]["filter"])
    kept = [one for one in lines if one[1]["filter"] == wanted]
    if not kept:
        choose(str(path), "filter", list(dict.fromkeys(line["filter"] for _, line, _ in lines)), wanted)
    metrics = _metrics([line for _, line, _ in kept])
    metric = options.get("metric") or (metrics[0] if len(metrics) == 1 else "")
    for where, line, found in kept:
        responses = _repeats(line)
        for number, response in enumerate(responses):
            if not isinstance(response, str):
                raise DataError(f"{where}: the response is not text", "prompts of ours are asked with generate_until")
            more = _exported(line, number)
            verdict = more.get("value") if more else share(line.get(metric)) if len(responses) == 1 else None
            epoch = more.get("epoch", number + 1)
            yield PublishedAnswer(
                found.task,
                model,
                found.sample,
                response,
                epoch if isinstance(epoch, int) and epoch > 0 else number + 1,
                stop_reason(more.get("stop_reason")),  # lm_eval does not say why an answer ended
                share(verdict),
                error=str(more.get("error") or "")[:1000],
                strategy=found.strategy,
                aid=found.aid,
                task_version=found.task_version,
            )


def _exported(line: Line, number: int) -> Mapping[str, Any]:
    """What `harness export --to lm-eval` adds for each repeat; {} in a file that lm_eval wrote."""
    more = line.get("repeats")
    one = more[number] if isinstance(more, list) and len(more) == len(_repeats(line)) else None
    return one if isinstance(one, dict) else {}


def _taken(line: Line, task: str, model: str, metric: str, scorer: Scorer) -> PublishedAnswer:
    """An answer with the value of its own metric: one a document, whatever the number of repeats it was made from."""
    filtered = line.get("filtered_resps")
    answer = filtered[0] if isinstance(filtered, list) and filtered and isinstance(filtered[0], str) else None
    number = short_name(line["doc_id"])
    params = {"doc_id": number, "doc_hash": identity(line["doc"])}
    prompt = messages(_argument(line, 0, 0))
    sample = Sample(number, number, "none", params, prompt, short_name(line.get("target"), 2000))
    value = share(line[metric])
    return PublishedAnswer(task, model, sample, _said(line), verdict=value, usage={"answer": answer}, scorer=scorer)


def _said(line: Line) -> str:
    """The first response; of a multiple-choice question, each option with its log-likelihood on a line."""
    response = _repeats(line)[0]
    if isinstance(response, str):
        return response
    options = [_argument(line, number, 1) for number in range(len(line["resps"]))]
    scores = [one[0][0] if isinstance(one, list) and one and isinstance(one[0], list) and one[0] else None
              for one in line["resps"]]  # fmt: skip
    if all(isinstance(option, str) for option in options) and all(isinstance(s, str | float) for s in scores):
        return "\n".join(f"{str(option).strip()}: {score}" for option, score in zip(options, scores, strict=True))
    return compact(line["resps"])


def _argument(line: Line, request: int, number: int) -> Any:
    """An argument of a request: 0 is the prompt, 1 the option (or how to generate). None if the line has none."""
    arguments = line.get("arguments")
    found = arguments.get(f"gen_args_{request}") if isinstance(arguments, dict) else None
    return found.get(f"arg_{number}") if isinstance(found, dict) else None
