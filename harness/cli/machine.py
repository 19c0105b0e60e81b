"""Commands about what is installed: tasks, strategies, models, serve, doctor."""

from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.group import cli, opt


@cli.command()
@click.argument("task", required=False)
def tasks(task: str | None) -> None:
    """List the installed tasks; with a name, the options of that task."""
    _list("tasks", task, "-T")


@cli.command()
@click.argument("strategy", required=False)
def strategies(strategy: str | None) -> None:
    """List the installed strategies; with a name, the options of that strategy."""
    _list("strategies", strategy, "-S")


def _list(kind: Any, name: str | None, flag: str) -> None:
    from harness import plugins
    from harness.options import describe
    from harness.text import align

    if name is None:
        loaded = {n: plugins.load(kind, n) for n in plugins.installed(kind)}
        body = [[n, (c.__doc__ or "").strip().partition("\n")[0]] for n, c in loaded.items()]
        header = ["name", "what"]
        if kind == "strategies":
            header.append("aid")
            body = [[*row, str(getattr(c, "aid", "not said"))] for row, c in zip(body, loaded.values(), strict=True)]
        click.echo(align(header, body, left=3))
        return
    made = plugins.load(kind, name)
    click.echo((made.__doc__ or "").strip())
    options = describe(made)
    if options:
        click.echo("\n" + align([f"{flag} option", "default", "what"], [list(o) for o in options], left=3))


@cli.command()
def models() -> None:
    """List the model aliases, including your own, and the backends."""
    from harness import plugins
    from harness.models.registry import aliases
    from harness.text import align

    body = [[a.name, a.model, a.about] for a in aliases().values()]
    click.echo(align(["alias", "model", "what"], body, left=3))
    click.echo(f"\nor BACKEND/NAME, with one of: {', '.join(plugins.installed('models'))}")
    click.echo(
        "baseline/oracle, baseline/random, baseline/shallow; replay/RUN; embedded/DIR; openai/NAME; vllm/ORG/NAME"
    )


@cli.command()
@click.argument("model")
@opt("--port", type=click.IntRange(1, 65535), help="Port on the loopback interface.  [default: a free one]")
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Engine argument (repeatable).")
def serve(model: str, port: int | None, model_option: tuple[str, ...]) -> None:
    """Start a local OpenAI-compatible vLLM server for a model of the registry."""
    from harness.errors import UsageError
    from harness.models.registry import resolve
    from harness.options import parse_pairs
    from harness.types import ModelOptions

    backend, name, options = resolve(model, ModelOptions(extra=parse_pairs(model_option, "-M")))
    if backend != "vllm":
        raise UsageError(f"{model} is not a vLLM model but {backend}/{name}", "`harness models` lists those on vLLM")
    from harness.models import vllm_server

    sys.exit(vllm_server.serve(name, options, port))


@cli.command()
def doctor() -> None:
    """What works on this machine, and what to install for what does not."""
    from harness.doctor import examine
    from harness.text import align

    findings = examine()
    body = [[f.what, {True: "ok", False: "MISSING", None: "-"}[f.works], f.detail] for f in findings]
    click.echo(align(["part", "state", "detail"], body, left=3))
    sys.exit(1 if any(f.works is False for f in findings) else 0)
