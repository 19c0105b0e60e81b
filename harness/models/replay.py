"""Answers from the records of an earlier run: `replay/RUN`, to score or tabulate anew without any model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from harness.errors import DataError, ModelError
from harness.options import build
from harness.pipeline.store import find_run, located_records, read_config
from harness.types import Completion, ModelOptions, Outcome, Params, Request, StopReason


@dataclass(frozen=True)
class Settings:
    """Replay has no -M options."""


class Replay:
    """Answers with the record of the sample and epoch; only places in the file are kept in memory."""

    def __init__(self, directory: Path, max_connections: int) -> None:
        self.name = f"replay/{directory.name}"
        self.max_connections = max_connections
        self._records = directory / "records.jsonl"
        self._offsets: dict[tuple[str, int], tuple[int, int]] = {}

    @property
    def identity(self) -> Params:
        """See harness.types.Model. The name of the run."""
        return {"model": self.name}

    async def start(self) -> None:
        """See harness.types.Model.start. Finds the run's answers; raises DataError if it has none."""
        directory = self._records.parent
        for offset, length, record in located_records(directory, read_config(directory)):
            if not Outcome(record["outcome"]).is_infrastructure:
                self._offsets[record["id"], record["epoch"]] = (offset, length)
        if not self._offsets:
            raise DataError(f"{self._records.parent} holds no answers to replay")

    async def complete(self, request: Request) -> Completion:
        """See harness.types.Model.complete. Raises ModelError if the run has no answer to this sample and epoch."""
        origin = request.origin
        assert origin is not None, "the runner says where a request comes from"
        found = self._offsets.get((origin.sample.id, origin.epoch))
        if found is None:
            raise ModelError(
                f"{self.name} holds no answer to sample {origin.sample.id}, epoch {origin.epoch}",
                "bad_request",
                "replay with the options (-T, --seed, --limit, --epochs) of that run",
            )
        with self._records.open("rb") as file:
            file.seek(found[0])
            record = json.loads(file.read(found[1]))
        reason = record.get("stop_reason") or "stop"
        return Completion(
            record["response"],
            cast(StopReason, reason if reason in get_args(StopReason) else "other"),
            record.get("prompt_tokens"),
            record.get("completion_tokens"),
            record.get("thinking_tokens"),
            record.get("thinking") or "",
            latency_s=record.get("latency_s") or 0.0,
            served_by=record.get("served_by") or "",
            error="" if record["response"] else record.get("error") or "",
        )

    async def close(self) -> None:
        """See harness.types.Model.close. There is nothing to release."""


def open_model(name: str, options: ModelOptions) -> Replay:
    """The replay of a run, given by its directory or name. Raises UsageError if there is no such run, or for any -M
    option."""
    build(Settings, options.extra, f"model replay/{name}")
    return Replay(find_run(name), options.max_connections or 64)
