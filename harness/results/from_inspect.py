"""The logs of inspect_ai as answers (`harness import inspect LOG.eval` or `LOG.json`).

If the metadata of a sample is a line of `harness show --json`, our task scores the response; else the value of the
log's own scorer is taken. Written from the format (UKGovernmentBEIS/inspect_ai, MIT, log version 2), without the
package. A log is read one sample at a time, and never unpacked to disk.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.answers import PublishedAnswer, Scorer
from harness.errors import DataError, UsageError, cause
from harness.files import read_json
from harness.pipeline.checks import MOST
from harness.pipeline.store import identity
from harness.results.importing import choose, known_options, share
from harness.results.lines import asked, messages, short_name, text_of
from harness.types import Sample, StopReason

OPTIONS = {"scorer": "NAME", "model": "NAME"}

VALUES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""What inspect_ai's own accuracy makes of a score that is text."""

STOPS: Mapping[str, StopReason] = {
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}

MOST_BYTES = 128 * 2**20
"""A sample that is longer (unpacked) is refused."""
MOST_IN_ALL = 8 * 2**30
"""All samples of a log together."""

ZSTANDARD = 93
"""The compression of .eval logs since 2025, which Python's zipfile knows from version 3.14 on."""

Json = dict[str, Any]


class _Read(NamedTuple):
    """One sample of a log, with what is kept of it."""

    where: str
    id: str
    epoch: int
    input: Any
    target: str
    metadata: Json
    response: str
    stop_reason: StopReason
    scores: Mapping[str, float]
    answers: Mapping[str, str]
    usage: Mapping[str, Any]
    error: str


def read(path: Path, options: Mapping[str, str]) -> Iterator[PublishedAnswer]:
    """The answers of one log. Options: `scorer` if the log has several, `model` in place of the log's.

    Raises UsageError if something has to be chosen, DataError for what is not a log.
    """
    known_options("inspect", options, OPTIONS)
    header, samples = _log(path)
    about = header.get("eval")
    if not isinstance(about, dict) or not isinstance(about.get("task"), str):
        raise DataError(f"{path}: not a log of inspect_ai: it has no `eval` with a task")
    model = short_name(options.get("model") or about.get("model") or "")
    if not model:
        raise UsageError(f"{path}: does not say which model was asked", "--with model=NAME")
    found = [_sample(value, where) for where, value in samples]
    if not found:
        raise DataError(f"{path}: no sample is in it (status {short_name(header.get('status'))})")
    ids = _list(_dict(about.get("dataset")).get("sample_ids"))
    # A log has its samples in the order in which they ended; a task's conditions have an order.
    order = {short_name(name): i for i, name in enumerate(ids)}
    found.sort(key=lambda s: (s.epoch, order.get(s.id, len(order))))
    ours = [asked({"id": s.id, "target": s.target, **s.metadata, "input": s.input}) for s in found]
    names = _scorers(found)
    if all(one is not None for one in ours):
        name = options.get("scorer") or (names[0] if len(names) == 1 else "")
        for s, one in zip(found, ours, strict=True):
            assert one is not None
            yield PublishedAnswer(one.task, model, one.sample, s.response, s.epoch, s.stop_reason, s.scores.get(name),
                                  s.usage, s.error, one.strategy, one.aid, one.task_version)  # fmt: skip
        return
    name = choose(str(path), "scorer", names, options.get("scorer"))
    task = short_name(about["task"]).rpartition("/")[2] or "unnamed"
    for s in found:
        params = {"sample_id": s.id, "sample_hash": identity(s.id, s.input, s.target)}
        sample = Sample(s.id, s.id, "none", params, messages(s.input), s.target)
        usage = {**s.usage, "answer": s.answers.get(name)}
        yield PublishedAnswer(task, model, sample, s.response, s.epoch, s.stop_reason, s.scores.get(name), usage,
                              s.error, scorer=Scorer("inspect_ai", name))  # fmt: skip


def _scorers(samples: Sequence[_Read]) -> list[str]:
    """The scorers that gave every sample a value from 0 to 1, but for samples that ended in an error."""
    scored = [s for s in samples if s.scores or not s.error]
    return [name for name in (scored[0].scores if scored else ()) if all(name in s.scores for s in scored)]


# A sample -----------------------------------------------------------------------------------------------------------


def _sample(value: Any, where: str) -> _Read:
    """What is kept of a sample. DataError if it has another form."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), int | str):
        raise DataError(f"{where}: not a sample of inspect_ai: it has no id")
    epoch = value.get("epoch", 1)
    if not isinstance(epoch, int) or epoch < 1:
        raise DataError(f"{where}: its epoch is not a number from 1 on")
    name, attached = short_name(value["id"]), _dict(value.get("attachments"))
    output = _dict(value.get("output"))
    choices = output.get("choices")
    choice = _dict(choices[0]) if isinstance(choices, list) and choices else {}
    said = _attached(_dict(choice.get("message")).get("content", output.get("completion")), attached)
    used, error = _dict(output.get("usage")), value.get("error")
    target = value.get("target")
    scores, answers = _scores(value.get("scores"))
    usage = {"prompt_tokens": _count(used.get("input_tokens")), "completion_tokens": _count(used.get("output_tokens"))}
    return _Read(
        where=where,
        id=name,
        epoch=epoch,
        input=_attached(value.get("input"), attached),
        target=target if isinstance(target, str) else text_of([{"text": t} for t in _list(target)]),
        metadata=_dict(value.get("metadata")),
        response=text_of(said),
        stop_reason=STOPS.get(str(choice.get("stop_reason")), "stop"),
        scores=scores,
        answers=answers,
        usage=usage | {"latency_s": _seconds(output.get("time"))},
        error="" if error is None else short_name(_dict(error).get("message", "an error"), 1000),
    )


def _scores(value: Any) -> tuple[dict[str, float], dict[str, str]]:
    """(value from 0 to 1, answer) of each scorer; of a scorer that gives several values, each as `scorer.value`."""
    found: dict[str, float] = {}
    answers: dict[str, str] = {}
    for name, score in _dict(value).items():
        given = _dict(score).get("value")
        parts = {f"{name}.{key}": one for key, one in given.items()} if isinstance(given, dict) else {name: given}
        for part, one in parts.items():
            number = VALUES.get(one, VALUES.get(one.lower())) if isinstance(one, str) else share(one)
            if number is not None:
                found[short_name(part)] = number
                answer = _dict(score).get("answer")
                if isinstance(answer, str):
                    answers[short_name(part)] = answer
    return found, answers


def _attached(value: Any, attached: Mapping[str, Any]) -> Any:
    """The value with the texts that it refers to as `attachment://KEY`; only in messages and their parts."""
    if isinstance(value, str) and value.startswith("attachment://"):
        found = attached.get(value.removeprefix("attachment://"))
        return found if isinstance(found, str) else value
    if isinstance(value, list):
        return [_attached(one, attached) for one in value]
    if isinstance(value, dict):
        kept = ("role", "type", "text", "content")  # ids of messages differ from log to log
        return {key: _attached(value[key], attached) for key in kept if key in value}
    return value


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < MOST else None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < MOST else None


# The file -----------------------------------------------------------------------------------------------------------


def _log(path: Path) -> tuple[Json, Iterator[tuple[str, Any]]]:
    """(the log without its samples, (place, sample) of each)."""
    try:
        with path.open("rb") as file:
            packed = zipfile.is_zipfile(file)
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {cause(error)}") from None
    if not packed:
        log = _dict(read_json(path))
        samples = enumerate(_list(log.get("samples")), 1)
        return log, ((f"{path}, sample {number}", sample) for number, sample in samples)
    names = [info.filename for info in _members(path)]
    # A log that was cut off has no header yet; the journal says what was asked.
    header = next((name for name in ("header.json", "_journal/start.json") if name in names), None)
    if header is None:
        raise DataError(f"{path}: not a log of inspect_ai: it has no header.json")
    [(_, about)] = _unpacked(path, [header])
    return _dict(about), _unpacked(path, [name for name in names if name.startswith("samples/")])


BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises for files that are no zip files, are encrypted, or packed in another way."""


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (OSError, *BROKEN) as error:
        raise DataError(f"{path}: can't be unpacked: {error}") from None


def _unpacked(path: Path, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """(place, value) of each member that is named, one after the other."""
    left = MOST_IN_ALL
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            for name in names:
                where = f"{path}, {short_name(name)}"
                data = _member(file, archive, archive.getinfo(name))
                left -= len(data)
                if len(data) > MOST_BYTES or left < 0:
                    raise DataError(f"{where}: is too large when it is unpacked")
                try:
                    yield where, json.loads(data)
                except (ValueError, RecursionError) as error:
                    raise DataError(f"{where}: not valid JSON: {error}") from None
    except (OSError, *BROKEN) as error:
        hint = "inspect_ai can convert it: inspect log convert --to json"
        raise DataError(f"{path}: can't be unpacked: {error}", hint) from None


def _member(file: io.BufferedReader, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The unpacked bytes, at most one more than MOST_BYTES, whatever the archive says of its size."""
    if info.compress_type != ZSTANDARD:
        with archive.open(info) as member:
            return member.read(MOST_BYTES + 1)
    import pyarrow as pa

    file.seek(info.header_offset)
    signature, *_, name, extra = struct.unpack("<4s5H3I2H", file.read(30))  # the local header of a zip member
    if signature != b"PK\x03\x04" or info.compress_size > MOST_BYTES:
        raise zipfile.BadZipFile("a member is not where the archive says, or too large")
    file.seek(name + extra, io.SEEK_CUR)
    packed = pa.BufferReader(file.read(info.compress_size))
    with pa.CompressedInputStream(packed, "zstd") as stream:
        found: bytes = stream.read(MOST_BYTES + 1)
    if len(found) <= MOST_BYTES and zlib.crc32(found) != info.CRC:
        raise zipfile.BadZipFile(f"bad CRC-32 of {short_name(info.filename)}")
    return found
