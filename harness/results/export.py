"""A run in the formats of other tools (`harness export`): a log of inspect_ai, results and samples of
lm-evaluation-harness, and (every_eval_ever.py) a record of Every Eval Ever.

Written from the formats, without those packages; `tox -e interop` opens all of them with them. What inspect_ai and
lm-evaluation-harness get, `harness import` reads back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import file_name, json_line, writing
from harness.pipeline.store import identity
from harness.results import every_eval_ever
from harness.results.lines import EXPORTED, messages
from harness.results.records import RecordedRun, open_run
from harness.statistics.intervals import Estimate
from harness.types import Outcome

STOPS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter"}


def inspect_log(directory: Path) -> dict[str, Any]:
    """An EvalLog (version 2) of inspect_ai, to be saved as .json. Scores are `C`, `I`, `N` (no verdict) or a number;
    outcome, parsed answer and detail are in their metadata. A sample's metadata is a line of `harness show --json`."""
    run = open_run(directory)
    about, config = run.about, run.config
    samples: list[dict[str, Any]] = []
    scorer = run.scored_by or "harness"  # a verdict that was taken from a log does not become ours
    contrasts = run.read(lambda record: samples.append(_sample(record, config["model"], scorer)))
    total = contrasts.total.accuracy
    metrics = (
        {}
        if total is None
        else {"accuracy": _metric("accuracy", total.value), "stderr": _metric("stderr", _error(total))}
    )
    score = {"name": scorer, "scorer": scorer, "params": {}, "metrics": metrics}
    tokens = contrasts.total.prompt_tokens, contrasts.total.completion_tokens
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)}
    return {
        "version": 2,
        "status": "success" if about.get("status") == "complete" else "cancelled",
        "eval": {
            "eval_id": about.get("run_id"),
            "run_id": about.get("run_id"),
            "task_id": about.get("run_id"),
            "created": about.get("created") or "1970-01-01T00:00:00+00:00",
            "task": config["task"],
            "task_version": run.version or 0,
            "task_args": dict(config.get("task_options") or {}),
            "dataset": {"name": config["task"], "samples": len({s["id"] for s in samples})},
            "model": config["model"],
            "config": {"epochs": config.get("epochs") or max((s["epoch"] for s in samples), default=1)},
            "packages": dict(run.part("versions")),
            "metadata": {"strategy": config.get("strategy"), "seed": config.get("seed"), "source": "harness"},
        },
        "plan": {"name": "plan", "steps": [{"solver": str(config.get("strategy")), "params": {}}]},
        "results": {"total_samples": len(samples), "completed_samples": len(samples), "scores": [score]},
        "stats": {
            "started_at": about.get("created") or "",
            "completed_at": about.get("finished") or about.get("created") or "",
            "model_usage": {config["model"]: usage},
        },
        "samples": samples,
    }


def _metric(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "value": value, "params": {}}


def _sample(record: Mapping[str, Any], model: str, scorer: str) -> dict[str, Any]:
    outcome = Outcome(record["outcome"])
    value: str | float = "N" if not outcome.has_verdict or outcome is Outcome.UNPARSED else record["value"]
    value = {1.0: "C", 0.0: "I"}.get(value, value) if isinstance(value, int | float) else value
    answer = {"role": "assistant", "content": record["response"], "source": "generate", "model": model}
    stop = STOPS.get(record.get("stop_reason") or "", "unknown")
    tokens = record.get("prompt_tokens") or 0, record.get("completion_tokens") or 0
    found = {
        "id": record["id"],
        "epoch": record["epoch"],
        "input": [dict(m) for m in record.get("input") or []],
        "target": str(record.get("target") or ""),
        "messages": [*(dict(m) for m in record.get("input") or []), answer],
        "output": {
            "model": model,
            "choices": [{"message": answer, "stop_reason": stop}],
            "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)},
            "time": record.get("latency_s"),
        },
        "scores": {
            scorer: {
                "value": value,
                "answer": record.get("answer"),
                "metadata": {"outcome": outcome.value, "detail": record.get("detail") or {}},
            }
        },
        "metadata": {key: record.get(key) for key in EXPORTED if key not in ("input", "target")},
    }
    if outcome.is_infrastructure:
        found["error"] = {"message": str(record.get("error")), "traceback": "", "traceback_ansi": ""}
    return found


def lm_eval_results(directory: Path) -> dict[str, Any]:
    """Results as lm-evaluation-harness writes them: the task as a group, each condition as a task of it. `acc_stderr`
    is a quarter of the width of our 95% interval (cluster-robust, so usually wider than a plain standard error)."""
    run = open_run(directory)
    about, config, contrasts = run.about, run.config, run.read()
    task, version = run.task, run.version
    names = {condition: f"{task}_{condition.replace('/', '_')}" for condition in contrasts.conditions}
    cells = {task: contrasts.total} | {names[c]: cell for c, cell in contrasts.conditions.items()}
    results: dict[str, dict[str, Any]] = {}
    for name, cell in cells.items():
        a = cell.accuracy
        values = {"alias": name, "sample_len": a.n if a else 0}
        results[name] = values | ({"acc,none": a.value, "acc_stderr,none": _error(a)} if a else {})
    sizes = {name: {"original": cell.samples, "effective": results[name]["sample_len"]} for name, cell in cells.items()}
    every = list(cells)
    return {
        "results": results,
        "groups": {task: results[task]},
        "group_subtasks": {task: list(names.values())},
        "configs": {
            name: {"task": name, "group": task, "output_type": "generate_until", "metadata": {"version": version}}
            for name in every
        },
        "versions": dict.fromkeys(every, version),
        "n-shot": dict.fromkeys(every, config.get("num_fewshot") or 0),
        "higher_is_better": {name: {"acc": True} for name in every},
        "n-samples": sizes,
        "config": {
            "model": config["model"],
            "model_args": dict((config.get("model_options") or {}).get("extra") or {}),
            "gen_kwargs": about.get("sampling"),
            "random_seed": config.get("seed"),
        },
        "model_name": config["model"],
        "git_hash": about.get("git_commit"),
        "date": about.get("created"),
        "source": {
            "harness": run.part("versions").get("harness"),
            "run_id": about.get("run_id"),
            "verdicts": run.scored_by or "harness",
        },
    }


def _error(a: Estimate) -> float:
    return (a.high - a.low) / 4


def lm_eval_samples(run: RecordedRun) -> Iterator[dict[str, Any]]:
    """The lines of a samples file as `lm_eval --log_samples` writes them: one a sample, with a line of `harness show
    --json` as its document and all its repeats. `acc` is their mean, null if none has a verdict; `repeats` has what
    lm_eval would not know of each."""
    by_sample: dict[str, list[dict[str, Any]]] = {}
    for record in run.records():
        by_sample.setdefault(record["id"], []).append(record)
    for number, records in enumerate(by_sample.values()):
        records.sort(key=lambda r: r["epoch"])
        yield _lm_eval_line(run, number, records)


def _lm_eval_line(run: RecordedRun, number: int, records: list[dict[str, Any]]) -> dict[str, Any]:
    first, turns = records[0], messages(records[0].get("input"))
    doc = {key: first.get(key) for key in EXPORTED}
    prompt = turns[0].content if len(turns) == 1 else json.dumps([m.as_dict() for m in turns], ensure_ascii=False)
    protocol = run.part("sampling")
    request = {"until": protocol.get("stop") or [], "max_gen_toks": protocol.get("max_tokens")}
    values = [r["value"] for r in records if Outcome(r["outcome"]).has_verdict]
    kept = ("epoch", "outcome", "value", "stop_reason", "error")
    return {
        "doc_id": number,
        "doc": doc,
        "target": str(first.get("target") or ""),
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": request | {"temperature": protocol.get("temperature")}}},
        "resps": [[r["response"] for r in records]],
        "filtered_resps": [[r.get("answer") for r in records]],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": _sha256(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _sha256(prompt),
        "target_hash": _sha256(str(first.get("target") or "")),
        "acc": sum(values) / len(values) if values else None,
        "model": run.config["model"],
        "repeats": [{key: r.get(key) for key in kept} for r in records],
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


# Writing ------------------------------------------------------------------------------------------------------------


def write(directory: Path, kind: str, target: Path) -> list[Path]:
    """Write the run in another tool's format; the files that were written. UsageError for a name that the tool would
    not read, HarnessError if a file can't be written."""
    return FORMATS[kind](directory, target)


def _write_inspect(directory: Path, target: Path) -> list[Path]:
    """inspect_ai tells its formats by the extension."""
    if target.suffix not in ("", ".json"):
        raise UsageError(f"{target}: inspect_ai would not read it as JSON", f"-o {target.with_suffix('.json')}")
    target = target.with_suffix(".json")
    return [_write_json(target, inspect_log(directory))]


def _write_lm_eval(directory: Path, target: Path) -> list[Path]:
    results, run = lm_eval_results(directory), open_run(directory)
    # As lm_eval names them; the digits are of the run instead of a clock, so that two runs never share a name.
    date = str(run.about.get("created") or "1970-01-01T00:00:00")[:19].replace(":", "-")
    digits = int(identity(run.about.get("run_id"))[:8], 16) % 10**6
    samples = target.parent / file_name(f"samples_{run.task}_{date}.{digits:06d}.jsonl")
    with writing(samples) as file:
        file.writelines(map(json_line, lm_eval_samples(run)))
    return [_write_json(target, results), samples]


def _write_every_eval_ever(directory: Path, target: Path) -> list[Path]:
    return every_eval_ever.write(open_run(directory), target)


def _write_json(target: Path, value: Mapping[str, Any]) -> Path:
    with writing(target) as file:
        file.write(json_line(value))
    return target


FORMATS: dict[str, Callable[[Path, Path], list[Path]]] = {
    "inspect": _write_inspect,
    "lm-eval": _write_lm_eval,
    "every-eval-ever": _write_every_eval_ever,
}
