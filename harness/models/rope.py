"""A longer context for a model on vLLM: `-M rope_scaling=yarn:4` as the override of the model's config that vLLM takes.

An override replaces all rope parameters of the config. One without `rope_theta` would leave the model with the base
10000, whatever it was trained with, if it runs on Transformers 5: so it is refused here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError

METHODS = ("linear", "dynamic", "yarn")
MOST = 1024.0
KEYS = ("rope_parameters", "rope_scaling")
_FORM = "-M rope_scaling=METHOD:FACTOR, or METHOD:FACTOR:LENGTH:BASE with the trained context in tokens and rope_theta"


def overridden(arguments: Mapping[str, str], directory: Path | None, elsewhere: bool) -> dict[str, str]:
    """The arguments of vLLM with `rope_scaling` as part of `hf_overrides`, in the order of their names.

    `directory` is that of a local model: its config.json says the trained context and the base. If the server runs
    `elsewhere` (--base-url), the values are what the user claims of it: they are checked and kept as they are. Raises
    UsageError for values that vLLM could not use, or would use otherwise than is meant.
    """
    found = dict(arguments)
    given = _json(found["hf_overrides"]) if "hf_overrides" in found else {}
    for key in KEYS:
        if key in given:
            _check(given[key], f"-M hf_overrides: {key}")
    text = found.get("rope_scaling")
    if text is None:
        return dict(sorted(found.items()))
    if any(key in given for key in KEYS):
        raise UsageError("-M rope_scaling and -M hf_overrides both say how rope is scaled", "leave one of them out")
    method, factor, length, base = _read(text)
    if not elsewhere:
        del found["rope_scaling"]
        trained, own, kept = _known(directory)
        length, base = length or trained, base or own
        if base is None or (length is None and method == "yarn"):
            raise UsageError(
                f"-M rope_scaling={text}: what the model was trained with is not known here",
                f"{_FORM}: max_position_embeddings and rope_theta of its config.json",
            )
        parameters: dict[str, Any] = {**kept, "rope_type": method, "factor": factor, "rope_theta": base}
        if length is not None and method != "linear":
            parameters["original_max_position_embeddings"] = length
        found["hf_overrides"] = json.dumps({**given, "rope_parameters": parameters}, sort_keys=True)
    return dict(sorted(found.items()))


def _read(text: str) -> tuple[str, float, int | None, float | None]:
    """(method, factor, trained context, base) of `yarn:4` or `yarn:4:32768:1000000`."""
    method, *numbers = text.strip().lower().split(":")
    if method not in METHODS:
        raise UsageError(f"-M rope_scaling={text}: '{method}' is none of {', '.join(METHODS)}", _FORM)
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = []
    if len(values) not in (1, 3) or not all(math.isfinite(value) for value in values):
        raise UsageError(f"-M rope_scaling={text} is not of the form METHOD:FACTOR", _FORM)
    if not 1 <= values[0] <= MOST:
        raise UsageError(f"-M rope_scaling={text}: the factor {values[0]:g} is not between 1 and {MOST:g}", _FORM)
    if len(values) == 1:
        return method, values[0], None, None
    if values[1] < 1 or not values[1].is_integer() or values[2] <= 1:
        raise UsageError(f"-M rope_scaling={text}: LENGTH is a number of tokens, BASE a number above 1", _FORM)
    return method, values[0], int(values[1]), values[2]


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError(f"-M hf_overrides={text[:80]}: not a JSON object", """as in -M hf_overrides='{"key": 1}'""")
    return value


def _check(parameters: Any, where: str) -> None:
    if not isinstance(parameters, dict):
        raise UsageError(f"{where} is not a JSON object")
    if any(isinstance(value, dict) for value in parameters.values()):
        return  # a model with parameters for each kind of layer
    factor = parameters.get("factor", 1)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor <= MOST:
        raise UsageError(f"{where}: factor {factor!r} is not a number between 1 and {MOST:g}")
    if "rope_theta" not in parameters:
        raise UsageError(
            f"{where} has no rope_theta: vLLM would take 10000 for it, whatever the model was trained with",
            "add rope_theta from the model's config.json",
        )


def _known(directory: Path | None) -> tuple[int | None, float | None, dict[str, Any]]:
    """(trained context, base, what else of rope is kept) of a local model; None if its config.json does not say it."""
    if directory is None:
        return None, None, {}
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None, None, {}
    if not isinstance(config, dict):
        return None, None, {}
    scaled: dict[str, Any] = next((config[key] for key in KEYS if isinstance(config.get(key), dict)), {})
    base: Any = scaled.get("rope_theta", config.get("rope_theta"))
    length: Any = scaled.get("original_max_position_embeddings", config.get("max_position_embeddings"))
    number = isinstance(base, int | float) and not isinstance(base, bool) and math.isfinite(base) and base > 1
    whole = isinstance(length, int) and not isinstance(length, bool) and length > 0
    kept = {key: scaled[key] for key in ("partial_rotary_factor",) if key in scaled}
    return length if whole else None, float(base) if number else None, kept
