"""Logs in the forms in which lm-evaluation-harness and inspect_ai write them, small and made by hand."""

import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

DATE = "2026-01-02T10-00-00.000001"
Json = dict[str, Any]


def lm_eval_line(number: int, value: float = 1.0, **changes: Any) -> Json:
    """A line of gsm8k, in the keys and nesting of lm_eval 0.4."""
    return {
        "doc_id": number,
        "doc": {"question": f"What is {number}?", "answer": f"#### {number}"},
        "target": f"#### {number}",
        "arguments": {"gen_args_0": {"arg_0": f"Q: What is {number}?", "arg_1": {"until": ["\n"]}}},
        "resps": [[f"It is {number}."]],
        "filtered_resps": [str(number)],
        "filter": "strict-match",
        "metrics": ["exact_match"],
        "doc_hash": "d" * 64,
        "prompt_hash": "p" * 64,
        "target_hash": "t" * 64,
        "exact_match": value,
    } | changes


def lm_eval_log(folder: Path, lines: list[Any], task: str = "gsm8k", model: str = "org/model") -> Path:
    """A samples file with the results file of its run beside it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"samples_{task}_{DATE}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / f"results_{DATE}.json").write_text(json.dumps({"model_name": model, "results": {}}))
    return path


def inspect_sample(number: int, value: Any = "C", **changes: Any) -> Json:
    """A sample of a log of inspect_ai, version 2."""
    answer = {"role": "assistant", "content": f"It is {number}.", "source": "generate"}
    return {
        "id": number,
        "epoch": 1,
        "input": [{"id": f"random{value}", "role": "user", "content": f"What is {number}?", "source": "input"}],
        "target": str(number),
        "messages": [],
        "output": {
            "model": "m",
            "choices": [{"message": answer, "stop_reason": "stop"}],
            "completion": answer["content"],
            "usage": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8},
            "time": 0.5,
        },
        "scores": {"match": {"value": value, "answer": str(number), "explanation": "x", "metadata": {}}},
        "metadata": {},
        "store": {},
        "events": [],
        "attachments": {},
    } | changes


def inspect_header(task: str = "gsm8k", model: str = "openai/m") -> Json:
    return {"version": 2, "status": "success", "eval": {"task": task, "model": model, "dataset": {}}, "plan": {}}


def inspect_log(path: Path, samples: list[Any], **header: Any) -> Path:
    """A .json log, or an .eval log with members compressed as inspect_ai does (zstandard)."""
    about = inspect_header(**header)
    if path.suffix == ".json":
        path.write_text(json.dumps(about | {"samples": samples}))
        return path
    members = {f"samples/{s['id']}_epoch_{s['epoch']}.json": json.dumps(s).encode() for s in samples}
    return zstd_zip(path, {"_journal/start.json": b"{}", **members, "header.json": json.dumps(about).encode()})


def zstd_zip(path: Path, members: dict[str, bytes], frames: int = 1) -> Path:
    """A zip file of the method 93, which zipfile can't write before Python 3.14: stored, then relabelled."""
    packed = {}
    for name, data in members.items():
        size = len(data) // frames + 1
        parts = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
        packed[name] = b"".join(pa.compress(part, codec="zstd", asbytes=True) for part in parts)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in packed.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        infos = archive.infolist()
    raw, central = bytearray(path.read_bytes()), 0
    central = raw.index(b"PK\x01\x02", infos[-1].header_offset + 30 + len(packed[infos[-1].filename]))
    for info in infos:
        facts = struct.pack("<LLL", zlib.crc32(members[info.filename]), info.file_size, len(members[info.filename]))
        for start, method, crc in ((info.header_offset, 8, 14), (central, 10, 16)):
            raw[start + method : start + method + 2] = struct.pack("<H", 93)
            raw[start + crc : start + crc + 12] = facts
        central += 46 + len(info.filename.encode())
    path.write_bytes(bytes(raw))
    return path
