"""The records of a run as a Parquet file, written in batches: memory does not grow with their number.

Arrays are built from buffers: `pyarrow.array` would import pandas first, half a second and 50 MiB for nothing.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.files import replacing
from harness.pipeline.record import Record
from harness.pipeline.store import flatten, located_records

BATCH_ROWS = 500
BATCH_BYTES = 16 * 2**20


class Kinds:
    """The types of the values that each param has in a run."""

    def __init__(self) -> None:
        self.of: dict[str, set[type]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Note the types of one record's params."""
        for name, value in record["params"].items():
            self.of.setdefault(name, set()).add(type(value))


def write_parquet(directory: Path, path: Path, params: Kinds) -> None:
    """The tidy table: params become `params_*` columns, nested values JSON text. Nothing for a run without records.

    `params` has the kinds of all of its records' params.
    """
    if not params.of:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {f.name: _RECORD_TYPES.get(str(f.type), {str}) for f in fields(Record) if f.name != "params"}
    columns |= {f"params_{name}": kinds - {type(None)} for name, kinds in params.of.items()}
    schema = pa.schema([(name, _column_type(pa, kinds)) for name, kinds in columns.items()])
    with replacing(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for rows in _batches(directory):
            arrays = [_column(pa, [row.get(field.name) for row in rows], field.type) for field in schema]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def warm_up() -> None:
    """Import what write_parquet needs. In a thread, while the first answers are on their way, it costs no time."""
    import pyarrow.parquet  # noqa: F401


_RECORD_TYPES: dict[str, set[type]] = {
    "int": {int},
    "int | None": {int},
    "float": {float},
    "float | None": {float},
}
"""What is not listed, text and nested values, is text."""


def _batches(directory: Path) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    size = 0
    for _, length, record in located_records(directory):
        rows.append(flatten(record))
        size += length
        if len(rows) == BATCH_ROWS or size > BATCH_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _column_type(pa: Any, types: set[type]) -> Any:
    """The Arrow type that holds all values of a column: text if they are of several kinds."""
    if types == {bool}:
        return pa.bool_()
    if types == {int}:
        return pa.int64()
    if types and types <= {int, float}:
        return pa.float64()
    return pa.string()


def _column(pa: Any, values: Sequence[Any], kind: Any) -> Any:
    """An Arrow array from its buffers (Arrow columnar format, "Physical Memory Layout")."""
    absent = [v is None for v in values]
    valid = pa.py_buffer(_bits([not a for a in absent])) if any(absent) else None
    if kind == pa.string():
        texts = [b"" if v is None else str(v).encode("utf-8", "replace") for v in values]
        offsets = array("i", itertools.accumulate(map(len, texts), initial=0))
        data = [pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(texts))]
    elif kind == pa.bool_():
        data = [pa.py_buffer(_bits([bool(v) for v in values]))]
    else:
        code = "q" if kind == pa.int64() else "d"
        data = [pa.py_buffer(array(code, [0 if v is None else v for v in values]).tobytes())]
    return pa.Array.from_buffers(kind, len(values), [valid, *data])


def _bits(flags: Sequence[bool]) -> bytes:
    """A bitmap, the first flag in the lowest bit."""
    packed = bytearray((len(flags) + 7) // 8)
    for i, flag in enumerate(flags):
        if flag:
            packed[i >> 3] |= 1 << (i & 7)
    return bytes(packed)
