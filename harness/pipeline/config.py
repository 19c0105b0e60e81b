"""What a run is asked to do, and the one definition of each of its options.

A field of RunConfig, Sampling or ModelOptions has the type and the default; its row in OPTIONS has the words and the
limits. The command line, `harness.run`, HARNESS_<NAME>, --config and the README's table are made from these rows.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Union, get_args, get_origin

from harness import plugins
from harness.errors import DataError, UsageError
from harness.options import suggestion
from harness.pipeline.selection import Limit, read_limit
from harness.types import ModelOptions, Sampling


@dataclass(frozen=True)
class RunConfig:
    """Everything that was asked for: one task, one model, one strategy. Written to run.json, read by --resume."""

    task: str
    model: str
    strategy: str = "io"
    task_options: Mapping[str, str] = field(default_factory=dict)
    model_options: ModelOptions = field(default_factory=ModelOptions)
    strategy_options: Mapping[str, str] = field(default_factory=dict)
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    limit: Limit | None = None
    sample_id: tuple[str, ...] = ()
    epochs: int | None = None
    system_message: str | None = None
    num_fewshot: int = 0
    placebo: int = 0
    sensitivity: int = 0
    cache: bool = False
    budget_tokens: int | None = None
    until_width: float | None = None
    name: str | None = None
    twins: str = ""
    """Published items beside fresh ones, in place of the task's own samples: a kind of harness.twins, or ""."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunConfig:
        """DataError if it is not what `asdict` of a RunConfig gives."""
        try:
            values = dict(value)
            values["model_options"] = _checked(ModelOptions(**values.get("model_options") or {}))
            sampling = values.get("sampling") or {}
            values["sampling"] = Sampling(**{**sampling, "stop": tuple(sampling.get("stop") or ())})
            values["sample_id"] = tuple(values.get("sample_id") or ())
            return cls(**values)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"the run's configuration can't be read ({type(error).__name__}: {error})") from None


def _checked(options: ModelOptions) -> ModelOptions:
    """The model options of a file; TypeError for text that is none."""
    texts = [options.base_url, options.api_key_env, *options.extra, *options.extra.values()]
    if not all(text is None or isinstance(text, str) for text in texts):
        raise TypeError("a model option is not text")
    return options


@dataclass(frozen=True)
class RunOption:
    """One option of a run. `part` is the dataclass that has it as a field of this name.

    `least` and `most` are allowed values, but the least is not if `above`. `default_said` is for a default that is
    decided later, in words; `also` are other spellings of the flag.
    """

    name: str
    part: type
    help: str
    least: float | None = None
    most: float | None = None
    above: bool = False
    default_said: str = ""
    also: tuple[str, ...] = ()
    read: Callable[[Any], Any] | None = None
    """Reads and checks a value, also a text, if values of several kinds are allowed."""

    @property
    def flag(self) -> str:
        """Its spelling on the command line, `--max-tokens`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "HARNESS_" + self.name.upper()

    @property
    def default(self) -> Any:
        """That of its field; None if somebody else decides it later."""
        return next(f.default for f in fields(self.part) if f.name == self.name)

    @property
    def kind(self) -> type:
        """int, float, str or bool; tuple for several texts."""
        hint = typing.get_type_hints(self.part)[self.name]
        if self.read is not None:
            return str
        if get_origin(hint) in (Union, types.UnionType):
            hint = next(a for a in get_args(hint) if a is not type(None))
        hint = get_origin(hint) or hint
        return typing.cast(type, hint)

    def check(self, value: Any) -> Any:
        """The value as the field takes it; UsageError for another type, or if it is out of range."""
        if value is None and self.default is None:
            return None
        if self.read is not None:
            return self.read(value)
        kind = self.kind
        if kind is tuple:
            values = (value,) if isinstance(value, str) else value
            if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
                raise UsageError(f"{self.flag}: {value!r} is no list of texts")
            return tuple(values)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            said = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[kind]
            raise UsageError(f"{self.flag}: {value!r} is not {said}")
        if isinstance(value, int | float) and not isinstance(value, bool) and not self._in_range(value):
            raise UsageError(f"{self.flag}: {value} is not {self.range}")
        return value

    def _in_range(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        enough = self.least is None or value > self.least or (value == self.least and not self.above)
        return enough and (self.most is None or value <= self.most)

    @property
    def range(self) -> str:
        """The allowed values in words."""
        parts = [] if self.least is None else [f"{'above' if self.above else 'at least'} {self.least:g}"]
        parts += [] if self.most is None else [f"at most {self.most:g}"]
        return " and ".join(parts) or "a finite number"


OPTIONS = (
    RunOption("limit", RunConfig, "Samples a task, before epochs: 20, a share such as 0.1, or places such as 10-20.",
              default_said="the task's", read=read_limit),
    RunOption("sample_id", RunConfig, "Only the samples with these ids (repeatable)."),
    RunOption("seed", RunConfig, "Seed of generated samples and of sampling."),
    RunOption("epochs", RunConfig, "How often each sample is asked.", least=1, default_said="the task's",
              also=("--trials",)),
    RunOption("strategy", RunConfig, "How the model is asked. See `harness strategies`."),
    RunOption("temperature", Sampling, "Sampling temperature.", least=0, default_said="the task's"),
    RunOption("top_p", Sampling, "Nucleus sampling: the share of probability that is drawn from.", least=0, most=1,
              above=True),
    RunOption("max_tokens", Sampling, "Most tokens of an answer.", least=1, default_said="the task's"),
    RunOption("logprobs", Sampling, "Ask for this many alternatives a token.", least=0, most=20),
    RunOption("reasoning_effort", Sampling, "For models that take one: low, medium, high ..."),
    RunOption("thinking_tokens", Sampling, "Most tokens of thinking, for models and servers that take a limit.",
              least=1),
    RunOption("system_message", RunConfig, "A system message before each sample."),
    RunOption("num_fewshot", RunConfig, "Worked examples before each sample, in its own form.", least=0),
    RunOption("placebo", RunConfig, "So many rewordings that must not matter, beside each sample at the main factor's "
              "reference level.",
              least=0),
    RunOption("sensitivity", RunConfig, "So many changes of one fact, after which another answer is right, beside the "
              "same samples.",
              least=0),
    RunOption("max_connections", ModelOptions, "Simultaneous requests.", least=1, default_said="the backend's"),
    RunOption("max_retries", ModelOptions, "Retries of a failed request.", least=0),
    RunOption("timeout", ModelOptions, "Seconds for one attempt.", least=0, above=True),
    RunOption("cache", RunConfig, "Keep answers and reuse them in later runs."),
    RunOption("budget_tokens", RunConfig, "Stop when this many tokens are used, and at most one request later.",
              least=1),
    RunOption("until_width", RunConfig, "Ask whole groups until the 95% interval of the main gap is this narrow (high "
              "- low), --limit at most.", least=0, most=2, above=True),
    RunOption("name", RunConfig, "A label, shown if the run stands beside others."),
    RunOption("base_url", ModelOptions, "An OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1"),
    RunOption("api_key_env", ModelOptions, "Name of the environment variable with the server's key. Without it, a key "
              "goes to its own host alone."),
)  # fmt: skip


def configure(
    task: str,
    model: str,
    options: Mapping[str, Any],
    task_options: Mapping[str, str],
    model_options: Mapping[str, str],
    strategy_options: Mapping[str, str],
) -> RunConfig:
    """The configuration of a run from option names and values. UsageError for an unknown name or a bad value."""
    known = {option.name: option for option in OPTIONS}
    for name in options:
        if name not in known:
            raise UsageError(f"a run has no option '{name}'", suggestion(name, list(known), "options"))
    values = {name: known[name].check(value) for name, value in options.items()}

    def of(part: type) -> dict[str, Any]:
        return {name: value for name, value in values.items() if known[name].part is part}

    task, brought = plugins.named(task)
    return RunConfig(
        task,
        model,
        task_options={**task_options, **brought},
        model_options=ModelOptions(**of(ModelOptions), extra=model_options),
        strategy_options=strategy_options,
        sampling=Sampling(**of(Sampling)),
        **of(RunConfig),
    )


def as_text(options: Mapping[str, Any]) -> dict[str, str]:
    """-T, -M or -S options with values of a program or a TOML file, as the command line gives them."""
    return {key: _text(value) for key, value in options.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def markdown_table(options: Iterable[RunOption] = OPTIONS) -> str:
    """The options as a Markdown table, for the README."""
    lines = ["| option | default | what it does |", "|---|---|---|"]
    for option in options:
        spelled = ", ".join(f"`{flag}`" for flag in (option.flag, *option.also))
        default = option.default_said or ("" if option.default in (None, ()) else str(option.default))
        limits = f" ({option.range})" if option.least is not None else ""
        lines.append(f"| {spelled} | {default.lower()} | {option.help}{limits} |")
    return "\n".join(lines)
