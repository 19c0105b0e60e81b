"""A run in the formats of other tools: a log of inspect_ai, results of lm-evaluation-harness (`harness export`).

Written from the formats, without those packages; `tox -e interop` opens both with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.results.records import open_run
from harness.statistics.intervals import Estimate
from harness.types import Outcome

STOPS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter"}


def inspect_log(directory: Path) -> dict[str, Any]:
    """An EvalLog (version 2) of inspect_ai, to be saved as .json. Scores are `C`, `I`, `N` (no verdict) or a number;
    outcome, parsed answer and detail are in their metadata, params with group and condition in the sample's."""
    run = open_run(directory)
    about, config = run.about, run.config
    samples: list[dict[str, Any]] = []
    contrasts = run.read(lambda record: samples.append(_sample(record, config["model"])))
    total = contrasts.total.accuracy
    metrics = (
        {}
        if total is None
        else {"accuracy": _metric("accuracy", total.value), "stderr": _metric("stderr", _error(total))}
    )
    score = {"name": "harness", "scorer": "harness", "params": {}, "metrics": metrics}
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
            "packages": dict(about.get("versions") or {}),
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


def _sample(record: Mapping[str, Any], model: str) -> dict[str, Any]:
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
            "harness": {
                "value": value,
                "answer": record.get("answer"),
                "metadata": {"outcome": outcome.value, "detail": record.get("detail") or {}},
            }
        },
        "metadata": {**record["params"], "group": record["group"], "condition": record["condition"]},
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
        "git_hash": about.get("git_commit"),
        "date": about.get("created"),
        "source": {"harness": (about.get("versions") or {}).get("harness"), "run_id": about.get("run_id")},
    }


def _error(a: Estimate) -> float:
    return (a.high - a.low) / 4


FORMATS: dict[str, Callable[[Path], dict[str, Any]]] = {"inspect": inspect_log, "lm-eval": lm_eval_results}


def write(directory: Path, kind: str, target: Path) -> None:
    """Write the run in another tool's format, as JSON. OSError if the file can't be written."""
    target.write_text(json.dumps(FORMATS[kind](directory), ensure_ascii=False), encoding="utf-8")
