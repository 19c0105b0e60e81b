"""From a model's name to a model: aliases of registry.toml and harness.toml, else BACKEND/NAME.

A backend is an entry point of the group `harness.models`: a function `open_model(name, options) -> Model`,
where `name` is what follows the backend's name and a slash.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from harness import plugins, trust
from harness.errors import DataError, UsageError, cause
from harness.options import suggestion
from harness.text import printable
from harness.types import Model, ModelOptions


class Price(NamedTuple):
    """US dollars per million prompt tokens, and per million completion tokens."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of so many tokens, in US dollars."""
        return round((prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6, 6)


@dataclass(frozen=True)
class Alias:
    """A short name: the full one, what it is, and the options it stands for."""

    name: str
    model: str
    about: str
    options: dict[str, str]
    base_url: str | None = None
    api_key_env: str | None = None
    price: Price | None = None
    file: str = "registry.toml"
    replaces: Alias | None = None
    """The alias of this name in an earlier file."""

    @property
    def decisions(self) -> trust.Decisions:
        """What it decides although its file is not the user's: it can only be used with --trust-config. See
        harness.trust."""
        if self.file != LOCAL:
            return {}
        found = {"base_url": self.base_url, "api_key_env": self.api_key_env}
        options = trust.deciding_options(self.model.partition("/")[0], self.options)
        return {name: value for name, value in (found | options).items() if value is not None}

    @property
    def means(self) -> tuple[object, ...]:
        """Aliases that agree in this ask the same model."""
        return self.model, self.options, self.base_url, self.api_key_env


LOCAL = "harness.toml"
"""The file of aliases in the working directory."""

_trusting: ContextVar[bool] = ContextVar("trusting", default=False)


@contextlib.contextmanager
def trusting_local() -> Iterator[None]:
    """Within this block the working directory's harness.toml is trusted (--trust-config)."""
    token = _trusting.set(True)
    try:
        yield
    finally:
        _trusting.reset(token)


def trusts_local() -> bool:
    """Whether the user said so: --trust-config, or HARNESS_TRUST_CONFIG=1."""
    return _trusting.get() or os.environ.get("HARNESS_TRUST_CONFIG", "").lower() in ("1", "true", "t", "yes", "y", "on")


def user_file() -> Path:
    """The user's own file of aliases, which is trusted."""
    return Path(platformdirs.user_config_dir("harness")) / "harness.toml"


def aliases() -> dict[str, Alias]:
    """All aliases by name. The package's registry.toml comes first; harness.toml in the user's config directory
    replaces its aliases, and harness.toml in the working directory those of both. Raises DataError for a file that
    can't be read."""
    texts = [("registry.toml", (resources.files("harness.models") / "registry.toml").read_text(encoding="utf-8"))]
    user, local = user_file(), Path(LOCAL)
    texts += [(str(user), _read(user))] if user.is_file() else []
    if local.is_file() and not (user.is_file() and local.samefile(user)):
        texts.append((LOCAL, _read(local)))
    found: dict[str, Alias] = {}
    for where, text in texts:
        try:
            table = tomllib.loads(text).get("models", {})
            if not isinstance(table, dict):
                raise DataError(f"{where}: `models` must be a table, as in [models.NAME]")
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"{where}: not valid TOML: {error}") from None
        for name, row in table.items():
            found[name] = replace(_alias(name, row, where), file=where, replaces=found.get(name))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read: {cause(error)}") from None


def _alias(name: str, row: Any, where: str) -> Alias:
    if not isinstance(row, dict) or not isinstance(row.get("model"), str):
        raise DataError(f'{where}: [models.{name}] needs a `model`, as in model = "openai/gpt-4o"')
    wrong = [k for k in ("about", "base_url", "api_key_env") if not isinstance(row.get(k, ""), str)]
    wrong += [] if isinstance(row.get("options", {}), dict) else ["options"]
    if wrong:
        raise DataError(f"{where}: [models.{name}]: {', '.join(wrong)} of the wrong type")
    unknown = set(row) - {"model", "about", "options", "base_url", "api_key_env", "price"}
    if unknown:
        raise DataError(f"{where}: [models.{name}] has unknown keys: {', '.join(sorted(unknown))}")
    price = row.get("price")
    if price is not None and not (isinstance(price, list) and len(price) == 2 and all(is_price(p) for p in price)):
        raise DataError(f"{where}: [models.{name}]: price must be two numbers, dollars a million tokens in and out")
    options = {key: str(value) for key, value in row.get("options", {}).items()}
    about, base_url, key = row.get("about", ""), row.get("base_url"), row.get("api_key_env")
    return Alias(name, row["model"], about, options, base_url, key, Price(*price) if price else None)


def is_price(value: Any) -> bool:
    """Whether a value can be a price: a number from zero on, and neither infinite nor NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def price_of(model: str) -> Price | None:
    """The price of a model; None if it is not an alias that has one."""
    known = aliases().get(model)
    return known.price if known else None


def cost(model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    """Of so many tokens, in US dollars; None if the price of the model is not known."""
    price = price_of(model)
    return price.of(prompt_tokens, completion_tokens) if price else None


def resolve(name: str, options: ModelOptions) -> tuple[str, str, ModelOptions]:
    """(backend, name at the backend, options); the given options go before those of an alias. Says on standard error
    if an alias of the working directory stands for another model than the package or the user say.

    Raises UsageError for an unknown name, for an alias of the working directory that decides what only a trusted file
    may, and for options with a secret in them.
    """
    known = aliases()
    full = name
    if name in known:
        alias = known[name]
        _check_trust(alias)
        full = alias.model
        # The alias's key belongs to the alias's server: another server does not get it.
        key = alias.api_key_env if options.base_url in (None, alias.base_url) else None
        options = replace(
            options,
            base_url=options.base_url or alias.base_url,
            api_key_env=options.api_key_env or key,
            extra={**alias.options, **options.extra},
        )
    trust.check_no_secret(options)
    backend, slash, rest = full.partition("/")
    if not slash or not rest:
        raise UsageError(f"there is no model '{name}'", f"{suggestion(name, list(known), 'aliases')}\n  {_ways(name)}")
    if backend not in plugins.installed("models"):
        raise UsageError(f"there is no model backend '{backend}'", _ways(rest))
    return backend, rest, options


def _check_trust(alias: Alias) -> None:
    """Say what an alias of the working directory replaces; UsageError if it decides what it may not."""
    if alias.decisions and not trusts_local():
        what = ", ".join(name.removeprefix("-M ") for name in alias.decisions)
        raise UsageError(
            f"{LOCAL} in this directory sets {printable(what)} for the model '{printable(alias.name)}'",
            "that decides what is executed, or who gets a key and your prompts: give --trust-config if you trust the "
            f"file, or move the alias to {user_file()}",
        )
    before = alias.replaces
    if alias.file != LOCAL or (before.means == alias.means if before else "/" not in alias.name):
        return
    instead = f"{before.model} ({before.file})" if before else f"the {alias.name} of that backend"
    line = f"{alias.name} is {alias.model} here ({LOCAL}), not {instead}"
    if line not in _said:
        _said.add(line)
        print(f"note: {printable(line)}", file=sys.stderr, flush=True)


_said: set[str] = set()
"""What was said already: a run resolves its model's name several times."""


def needs_trust(name: str) -> bool:
    """Whether this model can be used with --trust-config only."""
    alias = aliases().get(name)
    return alias is not None and bool(alias.decisions)


def _ways(name: str) -> str:
    """How models that are no aliases are named."""
    return (
        f"or openai/{name}: a model of OpenAI or, with --base-url, of any OpenAI-compatible server (most providers "
        f"have one); vllm/ORG/NAME: weights on a GPU; [models.{name}] in harness.toml makes an alias. Backends: "
        + ", ".join(plugins.installed("models"))
    )


@contextlib.contextmanager
def shared(names: Iterable[str]) -> Iterator[None]:
    """For several runs in one process: within this block a model is loaded once, if its backend can do that (its
    `sharing`)."""
    with contextlib.ExitStack() as stack:
        for backend in sorted({resolve(name, ModelOptions())[0] for name in names}):
            module = sys.modules[plugins.load("models", backend).__module__]
            stack.enter_context(getattr(module, "sharing", contextlib.nullcontext)())
        yield


def open_model(name: str, options: ModelOptions) -> Model:
    """The model behind an alias or a BACKEND/NAME, not yet started. Raises UsageError for an unknown name or wrong
    options."""
    backend, rest, options = resolve(name, options)
    model: Model = plugins.load("models", backend)(rest, options)
    return model
