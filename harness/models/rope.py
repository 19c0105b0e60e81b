"""A longer context: `-M rope_scaling=yarn:4` as a change of a model's config, which vLLM takes as an override of it and
transformers as the config itself.

linear: positions are divided by the factor (position interpolation). ntk: the base grows instead, so that the slowest
frequency is divided by the factor and the quickest one is kept. dynamic: the same by the length at hand. yarn: between
the two by frequency (Peng et al. 2023).

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

METHODS = ("linear", "ntk", "dynamic", "yarn")
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
    _read(text)
    if not elsewhere:
        del found["rope_scaling"]
        changed = scaled(text, _config(directory))
        found["hf_overrides"] = json.dumps({**given, **changed}, sort_keys=True)
    return dict(sorted(found.items()))


def scaled(text: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What changes in a model's config if its rope is scaled as `text` says; `config` is empty if it is not known here.
    UsageError if what the model was trained with is not known."""
    method, factor, length, base = _read(text)
    trained, own, kept = _trained(config)
    length, base = length or trained, base or own
    if base is None or (length is None and method in ("yarn", "ntk")):
        raise UsageError(
            f"-M rope_scaling={text}: what the model was trained with is not known here",
            f"{_FORM}: max_position_embeddings and rope_theta of its config.json",
        )
    if method == "ntk":
        width = _rotated(config, kept)
        if width is None:
            raise UsageError(
                f"-M rope_scaling={text}: the width of the model's heads is not known here",
                "it is for models in a directory; of others give yarn, linear or dynamic",
            )
        assert length is not None
        theta = base * factor ** (width / (width - 2))
        changed = {**kept, "rope_type": "default", "rope_theta": theta}
        return {"rope_parameters": changed, "max_position_embeddings": round(factor * length)}
    parameters: dict[str, Any] = {**kept, "rope_type": method, "factor": factor, "rope_theta": base}
    if length is not None and method != "linear":
        parameters["original_max_position_embeddings"] = length
    return {"rope_parameters": parameters}


def longest(text: str, config: Mapping[str, Any]) -> int | None:
    """Tokens of the context that the model then has; None if its trained one is not known."""
    _, factor, length, _ = _read(text)
    length = length or _trained(config)[0]
    return round(factor * length) if length else None


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


def _config(directory: Path | None) -> dict[str, Any]:
    """config.json of a local model; empty if there is none that can be read."""
    if directory is None:
        return {}
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def _trained(config: Mapping[str, Any]) -> tuple[int | None, float | None, dict[str, Any]]:
    """(trained context, base, what else of rope is kept); None for what the config does not say."""
    own: dict[str, Any] = next((config[key] for key in KEYS if isinstance(config.get(key), dict)), {})
    base = own.get("rope_theta", config.get("rope_theta"))
    length = _whole(own.get("original_max_position_embeddings", config.get("max_position_embeddings")))
    number = isinstance(base, int | float) and not isinstance(base, bool) and math.isfinite(base) and base > 1
    kept = {key: own[key] for key in ("partial_rotary_factor",) if key in own}
    return length, float(base) if number and base is not None else None, kept


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _rotated(config: Mapping[str, Any], kept: Mapping[str, Any]) -> int | None:
    """How many numbers of a head are rotated; None if the config does not say it."""
    head, width, heads = (_whole(config.get(k)) for k in ("head_dim", "hidden_size", "num_attention_heads"))
    head = head or (width // heads if width and heads else None)
    share = kept.get("partial_rotary_factor", 1)
    if head is None or isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        return None
    return rotated if (rotated := int(head * share)) > 2 else None
