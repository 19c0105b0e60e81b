"""Tensors that a study keeps and reads again. A file may come from a stranger: it is safetensors, which holds numbers
and texts alone, and names, kinds and shapes are checked before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError, HarnessError, UsageError, cause
from harness.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
MOST_BYTES = 8 * 2**30
MOST_TEXT = 10_000


def write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """As float32, with texts beside them. HarnessError if that is not possible."""
    from safetensors.torch import save

    data = save({name: t.detach().float().cpu().contiguous() for name, t in tensors.items()}, dict(about))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(data)
    except OSError as error:
        raise HarnessError(f"{path} can't be written: {cause(error)}", "choose another file") from None


def writable(path: Path) -> None:
    """UsageError if the file can't be written, before anything is computed for it."""
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise UsageError(f"{path} is no file", "choose another file")
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: the file's name has to end in .safetensors")


def read(
    path: Path, what: str, wrong: Callable[[Mapping[str, Shape], Mapping[str, str]], str]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors, texts). `wrong` looks at shapes and texts and says what is wrong with them, "" if nothing is.
    UsageError if there is no file, DataError for one that is none of ours."""
    import torch
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UsageError(f"{path}: there is no such file", f"give a file with {what}")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 2**30} GiB: it is not read")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            names = list(file.keys())
            about = {str(k): str(v)[:MOST_TEXT] for k, v in (file.metadata() or {}).items()}
            slices = {name: file.get_slice(name) for name in names}
            kinds = {name: str(s.get_dtype()) for name, s in slices.items()}
            why = wrong({name: tuple(s.get_shape()) for name, s in slices.items()}, about)
            if not why and set(kinds.values()) != {"F32"}:
                why = f"its tensors are not all float32: {', '.join(sorted(set(kinds.values())))[:80]}"
            if why:
                raise DataError(f"{path} has no {what}: {why}")
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{path} can't be read as safetensors: {str(error)[:200]}") from None
    if bad := [name for name, t in tensors.items() if not bool(torch.isfinite(t).all())]:
        raise DataError(f"{path} has no {what}: {bad[0]} has values that are no finite numbers")
    return tensors, about
