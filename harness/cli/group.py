"""What all commands share: the group they belong to, and how options are declared."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness import __version__
from harness.cli.commands import OWN, SECTIONS
from harness.errors import HarnessError, cause

if TYPE_CHECKING:
    from harness.errors import HarnessError
    from harness.pipeline.config import RunOption
    from harness.results.records import RecordedRun

F = TypeVar("F", bound=Callable[..., Any])

EXIT_INCOMPLETE = 3

CONFIG_PAIRS = "harness.config_pairs"
"""The key under which click's context keeps the [T], [M] and [S] of a --config file. Pairs on the command line
override them."""


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Print text, of one line or several, that may hold what a file or a model says: no control character of it reaches
    the terminal. All commands print by this or `note`."""
    from harness.text import printable_lines

    click.echo(printable_lines(text), err=err, nl=nl)


def echo_json(text: str, nl: bool = True) -> None:
    """Print JSON: what can't be printed is in it as JSON's own escapes, so that it reads back as it was."""
    from harness.text import printable_json

    click.echo(printable_json(text), nl=nl)


def echo_value(value: Any) -> None:
    """Print a value as JSON."""
    import json

    echo_json(json.dumps(value, ensure_ascii=False, indent=1))


def note(text: str, err: bool = True) -> None:
    """Print a note, on one line whatever names are in it."""
    from harness.text import printable

    click.echo(f"note: {printable(text)}", err=err)


def message(text: str) -> None:
    """Print what went wrong on standard error. Its further lines are indented: a name with a line end in it then passes
    for no line of ours."""
    echo("\n  ".join(line.strip() for line in text.split("\n")), err=True)


def opt(*names: str, **attributes: Any) -> Callable[[F], F]:
    """An option that can also be set as HARNESS_<NAME> and by its name in the --config file."""
    long = next(n for n in names if n.startswith("--")).removeprefix("--").partition("/")[0]
    variable = "HARNESS_" + long.replace("-", "_").upper()
    if not attributes.get("is_flag") and attributes.get("default") not in (None, ()):
        attributes.setdefault("show_default", True)
    return click.option(*names, envvar=variable, **attributes)


class RunCommand(click.Command):
    """A command that also has every option of a run (harness.pipeline.config.OPTIONS), after its own first two.

    The options of a run are made on first use, because `harness --help` needs none of them.
    """

    @cached_property
    def run_options(self) -> list[click.Parameter]:
        """One click option for each entry of OPTIONS."""
        from harness.pipeline.config import OPTIONS

        return [_run_option(option) for option in OPTIONS]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own first two parameters, the options of a run, then the rest of its own."""
        own = super().get_params(ctx)
        return [*own[:2], *self.run_options, *own[2:]]


def _run_option(option: RunOption) -> click.Option:
    flags = [option.flag, *option.also]
    said = f"  [default: {option.default_said}]" if option.default_said else ""
    kind: Any = {int: click.INT, float: click.FLOAT, bool: click.BOOL}.get(option.kind, click.STRING)
    if option.least is not None:
        ranged: Any = click.IntRange if option.kind is int else click.FloatRange
        kind = ranged(min=option.least, max=option.most, min_open=option.above)
    if option.kind is bool:
        flags = [f"{option.flag}/--no-{option.flag.removeprefix('--')}"]
    return click.Option(
        flags,
        type=kind,
        default=option.default,
        multiple=option.kind is tuple,
        show_default=option.default not in (None, ()),
        help=option.help + said,
        envvar=option.variable,
    )


def read_config_file(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Callback of --config: reads a TOML file of option names and values, which the command line overrides.

    Raises UsageError if the file can't be read, names an unknown option or has a value of the wrong kind.
    """
    if path is None:
        return
    import tomllib

    from harness.errors import UsageError, cause
    from harness.options import suggestion
    from harness.pipeline.config import as_text

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: can't be read as TOML: {cause(error)}") from None
    known = {p.name: p for p in context.command.get_params(context) if p.name}
    defaults: dict[str, Any] = {}
    pairs: dict[str, tuple[str, ...]] = {}
    for key, value in values.items():
        name = {"T": "task_option", "M": "model_option", "S": "strategy_option"}.get(key, key.replace("-", "_"))
        if name not in known:
            raise UsageError(f"{path}: there is no option '{key}'", suggestion(key, sorted(known), "options"))
        if name in ("task_option", "model_option", "strategy_option") and isinstance(value, dict):
            pairs[name] = tuple(f"{k}={v}" for k, v in as_text(value).items())
            continue
        several = getattr(known[name], "multiple", False)
        items = value if isinstance(value, list) and several else [value]
        if not all(isinstance(item, str | int | float) for item in items):
            raise UsageError(f"{path}: {key} = {value!r}: not a value of this option")
        defaults[name] = items if several else value
    context.meta[CONFIG_PAIRS] = pairs
    context.default_map = {**(context.default_map or {}), **defaults}


def model_args(text: str) -> dict[str, str]:
    """`a=1,b=2`, as lm-evaluation-harness writes them; a comma without a key behind it belongs to the value."""
    from harness.options import parse_pairs

    found: list[str] = []
    for part in text.split(","):
        if "=" in part or not found:
            found.append(part)
        else:
            found[-1] += f",{part}"
    return parse_pairs(tuple(part.strip() for part in found), "--model-args")


def pairs(options: Mapping[str, Any], name: str, flag: str) -> dict[str, str]:
    """The -T, -M or -S pairs of a command: those of its command line over those of its --config file."""
    from harness.options import parse_pairs

    kept = click.get_current_context().meta.get(CONFIG_PAIRS, {}).get(name, ())
    return parse_pairs(kept, flag) | parse_pairs(options[name], flag)


def with_rule(given: Mapping[str, str], rule: str | None) -> dict[str, str]:
    """Task options with that of --rule; UsageError if -T says otherwise."""
    from harness.errors import UsageError

    if rule and given.get("rule", rule) != rule:
        raise UsageError(f"--rule {rule} and -T rule={given['rule']} contradict each other", "give one of them")
    return {**given, **({"rule": rule} if rule else {})}


def show_error(error: HarnessError) -> None:
    """An error as a message and what to do about it, on standard error."""
    from harness.trust import masked

    message(masked(f"error: {error.message}" + (f"\n{error.hint}" if error.hint else "")))


def split(values: tuple[str, ...]) -> list[str]:
    """Repeated and comma-separated names, in order, each once."""
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


class _Patient(io.TextIOWrapper):
    """A standard output that does not mind if its reader goes: the command comes to its end, and to its exit code."""

    def write(self, text: str, /) -> int:
        """Write, or drop the text if nobody reads it any more."""
        if text == "":  # click's test of what a stream takes; it hides errors
            return 0
        return self._try(lambda: super(_Patient, self).write(text)) or len(text)

    def flush(self) -> None:
        """Flush, or drop what is left if nobody reads it any more."""
        self._try(super().flush)

    def _try(self, do: Callable[[], int | None]) -> int | None:
        try:
            return do()
        except BrokenPipeError:
            _to_nowhere(self)
        except OSError as error:  # a full disk behind `> FILE`
            _to_nowhere(self)
            if self is sys.stdout:
                raise HarnessError(f"the output can't be written: {cause(error)}") from None
        return None


def _to_nowhere(stream: Any) -> None:
    """What is still in the stream's buffer is dropped: Python would try to write it once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """Let no command be ended by the reader of its output (`harness compare A B | head -1`): its exit code, and the
    files that it has yet to write, are worth more than what nobody reads."""
    before = sys.stdout, sys.stderr
    for name, stream in zip(("stdout", "stderr"), before, strict=True):
        if type(stream) is io.TextIOWrapper and stream in (sys.__stdout__, sys.__stderr__):
            own = _Patient(stream.buffer, stream.encoding, stream.errors, line_buffering=stream.line_buffering,
                           write_through=stream.write_through)  # fmt: skip
            setattr(sys, name, own)
    try:
        yield
    finally:
        for name, stream in zip(("stdout", "stderr"), before, strict=True):
            own = getattr(sys, name)
            if isinstance(own, _Patient):
                with contextlib.suppress(HarnessError):  # was said
                    own.flush()
                own.detach()
            setattr(sys, name, stream)


class Commands(click.Group):
    """Our own commands (harness.cli.commands), and those that installed packages register as `harness.commands`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Exits with 0 if the reader of a stream of results has gone (`harness score FILE | head`): nothing was wrong,
        and nobody wants the rest. Click exits with 1. What is printed is no such stream, see `patient`."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _to_nowhere(sys.stdout)
            sys.exit(0)
        return done

    @cached_property
    def brought(self) -> dict[str, Any]:
        """Entry points by command name. Read here, because harness.plugins imports too much for --help."""
        from importlib.metadata import entry_points

        return {e.name: e for e in entry_points(group="harness.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of our own and of the brought commands, sorted."""
        return sorted({*OWN, *self.brought})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """None for an unknown name. Raises ClickException if a brought command can't be imported."""
        if cmd_name in OWN:
            import_module(f"harness.cli.{OWN[cmd_name].file}")  # its commands join the group
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self.brought:
            return None
        try:
            command: click.Command = self.brought[cmd_name].load()
        except ImportError as error:
            raise click.ClickException(f"command '{cmd_name}' can't be imported: {error}") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by what they are for. Of our own none is imported."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, declared.short) for name, declared in section.items()], col_max=13)
        if self.brought:
            found = [(name, command) for name in self.brought if (command := self.get_command(ctx, name))]
            with formatter.section("Brought by tasks and other packages"):
                formatter.write_dl([(name, c.get_short_help_str(formatter.width - 19)) for name, c in found])


def _with_dashes(name: str) -> str:
    """--max_tokens is --max-tokens."""
    return name.replace("_", "-")


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110, "token_normalize_func": _with_dashes}


@click.group(cls=Commands, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Does a language model reason, or only recognise? The same question in matched worlds, checked by verifiers."""


def _trust(context: click.Context, _: click.Parameter, trusted: bool) -> None:
    if trusted:
        from harness.models.registry import trusting_local

        context.with_resource(trusting_local())


trust_option = opt(
    "--trust-config",
    is_flag=True,
    expose_value=False,
    callback=_trust,
    help="Let ./harness.toml say which server is asked, which key it gets and what is started.",
)
task_options = opt("-T", "--task-option", multiple=True, metavar="KEY=VALUE", help="Option of the task (repeatable).")
rule_option = opt(
    "--rule", help="How answers are read: -T rule=..., such as original; `harness tasks TASK` lists them."
)


def find_runs(names: tuple[Path, ...]) -> list[Path]:
    """The run directories among `names`. Reports the names that are not runs on standard error."""
    from harness.pipeline import store

    found, others = store.find_runs(names)
    if others:
        note(f"no run, left out: {', '.join(others)}")
    return found


def scored_elsewhere(run: RecordedRun) -> None:
    """Say it if a run's verdicts are those of another tool."""
    if run.scored_by:
        note(f"{run.directory.name}: verdicts {run.scored_by}")


def open_runs(names: tuple[Path, ...], incomplete: bool) -> list[RecordedRun]:
    """The runs that were named; those that are not complete only if the user says so, else a note is printed.
    UsageError if none is left."""
    from harness.errors import UsageError
    from harness.results.records import complete_runs

    found, notes = complete_runs(find_runs(names), incomplete)
    for line in notes:
        note(line)
    if not found:
        raise UsageError("no run is complete", "harness run --resume RUN finishes one, --incomplete takes it in")
    return found
