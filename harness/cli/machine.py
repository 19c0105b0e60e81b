"""Commands about what is installed: tasks, strategies, models, serve, doctor."""

from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.group import cli, opt

json_flag = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@cli.command()
@click.argument("task", required=False)
@json_flag
def tasks(task: str | None, as_json: bool) -> None:
    """List the installed tasks; with a name, the options of that task."""
    _list("tasks", task, "-T", as_json)


@cli.command()
@click.argument("strategy", required=False)
@json_flag
def strategies(strategy: str | None, as_json: bool) -> None:
    """List the installed strategies; with a name, the options of that strategy."""
    _list("strategies", strategy, "-S", as_json)


def _list(kind: Any, name: str | None, flag: str, as_json: bool) -> None:
    from harness import plugins
    from harness.options import describe

    if name is not None:
        made = plugins.load(kind, name)
        options = [dict(zip(("name", "default", "help"), row, strict=True)) for row in describe(made)]
        what = (made.__doc__ or "").strip()
        if as_json:
            _print_json({"name": name, "what": what, "options": options})
            return
        click.echo(what)
        for o in options:
            default = f"  [{o['default']}]" if o["default"] else ""
            click.echo(_wrapped(f"\n{flag} {o['name']}=...{default}\n", o["help"]))
        return
    rows = []
    for n in plugins.installed(kind):
        loaded = plugins.load(kind, n)
        row = {"name": n, "what": (loaded.__doc__ or "").strip().partition("\n")[0]}
        if kind == "strategies":
            by_options = isinstance(getattr(loaded, "aid", None), property)
            row["aid"] = plugins.strategy(n, {}).aid + (" (by option)" if by_options else "")
        rows.append(row)
    _print_rows(rows, as_json)


@cli.command()
@json_flag
def models(as_json: bool) -> None:
    """List the model aliases, including your own, and the backends.

    Your own stand in a file harness.toml, in the working directory or in your config directory:

    \b
    [models.my-model]
    model = "openai/my-model"                     # BACKEND/NAME
    base_url = "http://127.0.0.1:8000/v1"         # these may be left out
    api_key_env = "MY_KEY"                        # the NAME of an environment variable, never a key
    price = [2.5, 10.0]                           # dollars a million tokens, in and out: costs in tables
    options = { revision = "main" }               # as with -M
    """
    from harness import plugins
    from harness.models.registry import aliases

    rows = [{"alias": a.name, "model": a.model, "what": a.about} for a in aliases().values()]
    _print_rows(rows, as_json)
    if as_json:
        return
    click.echo(f"\nor BACKEND/NAME, with one of: {', '.join(plugins.installed('models'))}")
    click.echo("  openai/NAME       OpenAI, or with --base-url any OpenAI-compatible server")
    click.echo("  vllm/ORG/NAME     weights on a GPU, on a server that is started for you")
    click.echo("  embedded/DIR      a model that CTranslate2 has converted, in this process")
    click.echo("  baseline/oracle   answers without a model; baseline/random, baseline/shallow")
    click.echo("  replay/RUN        the answers of an earlier run")
    click.echo("\nYour own aliases: [models.NAME] in harness.toml, see `harness models --help`")


def _print_rows(rows: list[dict[str, str]], as_json: bool) -> None:
    from harness.text import align

    if as_json:
        _print_json(rows)
    elif rows:
        click.echo(align(list(rows[0]), [list(row.values()) for row in rows], left=3))


def _print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _wrapped(head: str, text: str) -> str:
    import textwrap

    return head + textwrap.fill(text, 96, initial_indent="    ", subsequent_indent="    ")


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
