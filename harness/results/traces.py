"""Training data from runs: answers that the verifier found right, and pairs of a right and a wrong one.

Some groups are held out, by a hash of their name: no answer to them is ever written, so that what is trained on these
lines can be tested on those groups. An answer that was given with a hint is left out, unless it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from harness.files import json_line, writing
from harness.results.records import RecordedRun
from harness.seeds import derive
from harness.types import Outcome

Kind = Literal["sft", "preference"]
"""sft: chats that end in a right answer, one a line (`messages`). preference: two answers to one prompt (`prompt`,
`chosen`, `rejected`: lists of messages), as trainers of preferences read them."""

HELD_OUT = 0.2
"""The share of groups that no line is written of."""


def is_held_out(task: str, group: str, share: float = HELD_OUT) -> bool:
    """Whether a group is held out: always the same for the same names, and growing with the share."""
    return derive("held out", task, group) < share * 2**63


def write(run: RecordedRun, kind: Kind, target: Path, held_out: float = HELD_OUT, hinted: bool = False) -> Counter[str]:
    """Write the lines as JSONL; what was counted: `lines`, and the answers left out (`held out`, `hinted`, and those of
    which the prompt is `not known`, as in some imported runs). HarnessError if the file can't be written."""
    counted: Counter[str] = Counter()
    usable = _usable(run.records(), held_out, hinted, counted)
    with writing(target) as file:
        for line in _chats(usable) if kind == "sft" else _pairs(usable):
            counted["lines"] += 1
            file.write(json_line(line))
    return counted


def _usable(
    records: Iterable[Mapping[str, Any]], held_out: float, hinted: bool, counted: Counter[str]
) -> Iterator[Mapping[str, Any]]:
    """Answers with a verdict, each text of a sample once."""
    seen: set[int] = set()
    for record in records:
        if not Outcome(record["outcome"]).has_verdict or not record["response"].strip():
            continue
        if is_held_out(record["task"], record["group"], held_out):
            counted["held out"] += 1
        elif _is_hinted(record) and not hinted:
            counted["hinted"] += 1
        elif not record.get("input"):
            counted["not known"] += 1
        else:
            same = hash((record["id"], record["response"]))
            if same not in seen:
                seen.add(same)
                yield record


def _chats(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        if record["outcome"] == Outcome.CORRECT:
            yield {"messages": [*record["input"], *_said(record)]} | _about(record)


def _pairs(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each right answer of a sample with another wrong one, as long as there are both. An answer that waits for its
    other is kept in memory."""
    waiting: dict[str, tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]] = {}
    for record in records:
        right = record["outcome"] == Outcome.CORRECT
        own, others = waiting.setdefault(record["id"], ([], []))[:: 1 if right else -1]
        if not others:
            own.append(record)
            continue
        other = others.pop(0)
        chosen, rejected = (record, other) if right else (other, record)
        yield {"prompt": record["input"], "chosen": _said(chosen), "rejected": _said(rejected)} | _about(record)


def _said(record: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": record["response"]}]


def _about(record: Mapping[str, Any]) -> dict[str, Any]:
    about = {name: record[name] for name in ("task", "id", "group", "condition")}
    return about | ({"hinted": True} if _is_hinted(record) else {})


def _is_hinted(record: Mapping[str, Any]) -> bool:
    """Whether the strategy showed the right answer before this one was given (Response.detail, strategy star)."""
    said = (record.get("detail") or {}).get("strategy")
    return isinstance(said, dict) and bool(said.get("hinted"))
