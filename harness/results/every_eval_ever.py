"""A run as a record of Every Eval Ever, the EvalEval coalition's common schema (`harness export --to every-eval-ever`).

Written from the schema (evaleval/every_eval_ever, MIT, version 0.3.0), without the package. Each condition is a result
with its interval and n, all of them together too, and each gap between matched conditions.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from harness import __version__
from harness.errors import DataError
from harness.files import compact, file_name, json_line, writing
from harness.pipeline.store import identity
from harness.results.counts import Contrasts, Gap
from harness.results.lines import messages
from harness.results.records import RecordedRun
from harness.statistics.intervals import Estimate
from harness.types import Outcome

SCHEMA_VERSION = "0.3.0"

METHOD = "by group: the answers to one problem, which conditions share, are not independent"

LIBRARIES = {"lm-eval": "lm-evaluation-harness", "inspect_ai": "inspect_ai"}
"""Who evaluated a run whose verdicts were taken from a file."""

Json = dict[str, Any]


def write(run: RecordedRun, root: Path) -> list[Path]:
    """Write the record and its samples to `root`/data/TASK/DEVELOPER/MODEL, as the coalition's store has them; the
    files. DataError if no answer has a verdict, HarnessError if a file can't be written."""
    contrasts = run.read()
    if contrasts.total.accuracy is None:
        raise DataError(f"{run.directory}: no answer has a verdict: there is no score to report")
    # The same run has the same name, however often it is written.
    name = str(uuid.UUID(identity(run.about.get("run_id"), "every-eval-ever"), version=4))
    developer, _, model = model_id(run).rpartition("/")
    parts = [file_name(part) for part in (run.task, developer or "unknown", model)]
    folder = Path("data", *(f"{part}_" if part == "data" else part for part in parts))  # as the store wants it
    samples, digest, rows = root / folder / f"{name}_samples.jsonl", hashlib.sha256(), 0
    with writing(samples) as file:
        for line in map(json_line, instances(run)):
            digest.update(line)
            file.write(line)
            rows += 1
    detailed: Json = {"format": "jsonl", "file_path": (folder / samples.name).as_posix(), "hash_algorithm": "sha256"}
    detailed |= {"checksum": digest.hexdigest(), "total_rows": rows}
    whole = root / folder / f"{name}.json"
    with writing(whole) as file:
        text = json.dumps(aggregate(run, contrasts) | {"detailed_evaluation_results": detailed}, indent=1)
        file.write(text.encode() + b"\n")
    return [whole, samples]


def model_id(run: RecordedRun) -> str:
    """The model as ORG/NAME if the run knows it so: without what says how it was reached, or where a folder is."""
    name = str(run.part("model").get("model") or run.config["model"])
    for backend in ("imported/", "openai/", "vllm/", "hf/", "embedded/"):
        name = name.removeprefix(backend)
    name = name.rstrip("/").rpartition("/")[2] if name.startswith(("/", ".")) else name.strip("/")
    return name or "unknown"


# The record ---------------------------------------------------------------------------------------------------------


def aggregate(run: RecordedRun, contrasts: Contrasts) -> Json:
    """The aggregate file, without its reference to the samples."""
    config, model, served = run.config, model_id(run), run.part("model")
    tool = str(run.imported.get("scored_by") or "")
    exported = {"exported_by": f"reasoning-harness {__version__}", "run_id": str(run.about.get("run_id"))}
    library = {"name": "reasoning-harness", "version": str(run.part("versions").get("harness", "unknown"))}
    engine = {"name": "vLLM", "version": str(served["vllm_version"])} if served.get("vllm_version") else None
    deployed = "self_deployed" if served.get("weights") else "unknown"
    if tool:
        library = {"name": LIBRARIES.get(tool, tool), "version": "unknown"}
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": _evaluation_id(run),
        "evaluation_timestamp": run.date,
        "retrieved_timestamp": f"{time.time():.0f}",
        "source_metadata": {
            "source_name": "reasoning-harness",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {**library, "additional_details": exported},
        "model_info": {
            "name": str(config["model"]),
            "id": model,
            "developer": model.rpartition("/")[0] or "unknown",
            **({"inference_engine": engine} if engine else {}),
            "additional_details": {"deployment_type": deployed, "model_availability": "unknown"},
        },
        "evaluation_results": list(_results(run, contrasts)),
    }


def _evaluation_id(run: RecordedRun) -> str:
    created = str(run.about.get("created") or "")
    try:
        stamp = f"{datetime.fromisoformat(created).timestamp():.0f}"
    except ValueError:
        stamp = "0"
    return f"{run.task}/{model_id(run).replace('/', '_')}/{stamp}-{identity(run.about.get('run_id'))[:8]}"


def _results(run: RecordedRun, contrasts: Contrasts) -> Iterator[Json]:
    cells, asked = contrasts.conditions, {"generation_config": _generation(run, contrasts.aid or "none")}
    if len(cells) > 1:
        cells["all"] = contrasts.total
    for condition, cell in cells.items():
        a = cell.accuracy
        if a is not None:
            counts = {str(o): str(cell.outcomes[o]) for o in Outcome if cell.outcomes[o]}
            details = {"condition": condition, "groups": str(len(cell.clusters))} | counts
            yield _result(run, condition, ACCURACY, a, details, METHOD) | asked
    for gap in contrasts.gaps():
        method = f"{METHOD}; p = {gap.p:.3g}, {gap.p_holm:.3g} corrected for all gaps (Holm)"
        details = {"groups": str(gap.groups), "p": f"{gap.p:.6g}", "p_holm": f"{gap.p_holm:.6g}"}
        name = f"gap.{gap.factor}.{gap.level}-{gap.reference}"
        yield _result(run, name, _gap_metric(gap), gap.gap, details, method) | asked


ACCURACY: Json = {
    "evaluation_description": "Share of right answers among those with a verdict",
    "metric_id": "accuracy",
    "metric_name": "Accuracy",
    "metric_kind": "accuracy",
    "metric_unit": "proportion",
    "lower_is_better": False,
    "score_type": "continuous",
    "min_score": 0.0,
    "max_score": 1.0,
}


def _gap_metric(gap: Gap) -> Json:
    return {
        "evaluation_description": f"Accuracy of {gap.factor} {gap.level} less that of {gap.reference}, within the same "
        "problems: 0 is no gap",
        "metric_id": "reasoning-harness.gap_within_groups",
        "metric_name": "Gap within groups",
        "metric_kind": "accuracy_difference",
        "metric_unit": "proportion",
        "metric_parameters": {"factor": gap.factor, "level": gap.level, "reference": gap.reference},
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": -1.0,
        "max_score": 1.0,
    }


def _result(run: RecordedRun, name: str, metric: Json, e: Estimate, details: Mapping[str, str], method: str) -> Json:
    interval = {"lower": e.low, "upper": e.high, "confidence_level": 0.95, "method": method}
    source = {"task_version": str(run.version), "seed": str(run.config.get("seed", 0))}
    source |= {"asked": run.asked} if run.asked else {}
    note = {"verdicts": run.scored_by} if run.scored_by else {}
    return {
        "evaluation_result_id": _result_id(run, name),
        "evaluation_name": _evaluation_name(run, name),
        "source_data": {"dataset_name": run.task, "source_type": "other", "additional_details": source},
        "evaluation_timestamp": run.date,
        "metric_config": metric,
        "score_details": {
            "score": e.value,
            "details": {**details, **note},
            "uncertainty": {"confidence_interval": interval, "num_samples": e.n},
        },
    }


def _result_id(run: RecordedRun, name: str) -> str:
    return f"{_evaluation_id(run)}#{name}"


def _evaluation_name(run: RecordedRun, name: str) -> str:
    """Dotted, as the store has them; answers to another tool's task have no conditions."""
    return run.task if run.scored_by else f"{run.task}.{name.replace('/', '.')}"


def _generation(run: RecordedRun, aid: str) -> Json:
    """How it was asked. The strategy and its aid are part of what a score means."""
    asked = run.part("sampling")
    known = {key: asked[key] for key in ("temperature", "top_p", "max_tokens") if asked.get(key) is not None}
    more = {"strategy": str(run.config.get("strategy")), "aid": aid}
    more |= {"reasoning_effort": str(asked["reasoning_effort"])} if asked.get("reasoning_effort") else {}
    more |= {"thinking_tokens": str(asked["thinking_tokens"])} if asked.get("thinking_tokens") else {}
    return {"generation_args": known, "additional_details": more}


# Its samples --------------------------------------------------------------------------------------------------------


def instances(run: RecordedRun) -> Iterator[Json]:
    """The lines of the samples file: one an answer that has a verdict, each with the result of its condition. Answers
    without one (truncated, errors) have no score; the counts of the results say how many they are."""
    for record in run.records():
        if Outcome(record["outcome"]).has_verdict:
            yield _instance(run, record)


def _instance(run: RecordedRun, record: Mapping[str, Any]) -> Json:
    turns, reference = messages(record.get("input")), [str(record.get("target") or "")]
    raw = turns[0].content if len(turns) == 1 else "\n\n".join(f"{role}: {text}" for role, text in turns)
    hashed = json.dumps({"raw": raw, "reference": reference}, sort_keys=True, separators=(",", ":"))
    answer, thinking = record.get("answer"), record.get("thinking")
    found = {"turn_idx": 0, "source": "output.raw", "extracted_value": str(answer), "is_terminal": True}
    found |= {"extraction_method": run.scored_by or "reasoning-harness, the task's reader"}
    tokens = [record.get("prompt_tokens"), record.get("completion_tokens")]
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(t or 0 for t in tokens)}
    params = {f"params.{k}": v if isinstance(v, str) else compact(v) for k, v in record["params"].items()}
    told = {key: str(record.get(key)) for key in ("condition", "group", "epoch", "outcome", "aid", "calls")}
    seconds = record.get("latency_s")
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": _evaluation_id(run),
        "model_id": model_id(run),
        "evaluation_name": _evaluation_name(run, record["condition"]),
        "evaluation_result_id": _result_id(run, record["condition"]),
        "sample_id": record["id"],
        "sample_hash": hashlib.sha256(hashed.encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": raw, "reference": reference},
        "output": {"raw": [record["response"]], "reasoning_trace": [thinking] if thinking else None},
        "answer_attribution": [found] if answer is not None else [],
        "evaluation": {"score": float(record["value"]), "is_correct": record["value"] == 1},
        "token_usage": usage if None not in tokens else None,
        "performance": {"latency_ms": 1000 * seconds} if seconds is not None else None,
        "metadata": told | params,
    }
