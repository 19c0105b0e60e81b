"""Installed tasks, models, strategies and importers, found by entry point. The engine knows none of them by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, get_args

from harness.errors import HarnessError, UsageError
from harness.options import build, suggestion
from harness.types import Aid, Strategy, Task

Kind = Literal["tasks", "models", "strategies", "importers"]


def installed(kind: Kind) -> dict[str, EntryPoint]:
    """Entry points of this kind by name, sorted. Raises HarnessError if there are none: then the package is not
    properly installed."""
    found = {e.name: e for e in sorted(entry_points(group=f"harness.{kind}"), key=lambda e: e.name)}
    if not found:
        raise HarnessError(
            f"no {kind} are registered: the package metadata was not found",
            "install the project (`pip install -e .` in a clone): `python -m` from the clone's root does not see it",
        )
    return found


def load(kind: Kind, name: str) -> Any:
    """The object behind a name. Raises UsageError for an unknown name, HarnessError if the object can't be imported."""
    found = installed(kind)
    if name not in found:
        singular = {"tasks": "task", "models": "model backend", "strategies": "strategy", "importers": "format"}[kind]
        raise UsageError(f"there is no {singular} '{name}'", suggestion(name, list(found), kind))
    try:
        return found[name].load()
    except ImportError as error:
        raise HarnessError(
            f"{kind} '{name}' can't be imported: {error}", "reinstall the package that brings it"
        ) from error


def named(text: str) -> tuple[str, dict[str, str]]:
    """(name of a task, options that its name brings): `hub/arc-challenge` is the task hub with set=arc-challenge, as
    that task says (Task.behind_slash). Raises UsageError for an unknown task, or one that takes nothing there."""
    name, slash, rest = text.partition("/")
    if not slash or name not in installed("tasks"):
        return text, {}
    key = load("tasks", name).behind_slash
    if not key or not rest:
        raise UsageError(f"there is no task '{text}'", f"-t {name} is one; `harness tasks {name}` has its options")
    return name, {key: rest}


def is_task(text: str) -> bool:
    """Whether a text names an installed task, perhaps with what stands behind its slash."""
    name, slash, _ = text.partition("/")
    return name in installed("tasks") and (not slash or bool(load("tasks", name).behind_slash))


def task(name: str, options: Mapping[str, str]) -> Task:
    """The task with that name, built from its -T options. Raises UsageError for a wrong name or option, HarnessError if
    it is not a Task."""
    text = name
    name, brought = named(text)
    for key, value in brought.items():
        if options.get(key, value) != value:
            raise UsageError(f"task {text}: -T {key}={options[key]} says another one", f"-t {text} alone")
    options = {**options, **brought}
    built = build(load("tasks", name), options, f"task {name}")
    if not isinstance(built, Task):
        raise HarnessError(f"task '{name}' is not a subclass of harness.types.Task", "see CONTRIBUTING.md for one")
    return built


def strategy(name: str, options: Mapping[str, str]) -> Strategy:
    """The strategy with that name, built from its -S options. Raises UsageError for a wrong name or option,
    HarnessError if it does not declare `aid` and `max_calls`."""
    built: Strategy = build(load("strategies", name), options, f"strategy {name}")
    if getattr(built, "aid", None) not in get_args(Aid) or not hasattr(built, "max_calls"):
        raise HarnessError(
            f"strategy '{name}' does not say what helps it and how often it calls",
            f"aid is one of {', '.join(get_args(Aid))}; max_calls is a number, or None if it depends",
        )
    return built
