"""The `harness` command. Each subcommand reads its options, calls one function and prints the result. Everything else
is imported inside the commands, so that `harness --help` stays quick.
"""

from __future__ import annotations

import signal
import sys

import click

from harness.cli import asking, machine, recipes, results  # noqa: F401  their commands join the group
from harness.cli.group import EXIT_INCOMPLETE, cli, patient


def main() -> None:
    """Entry point. Shows an error as a message and what to do about it, never as a traceback; exits with its code. A
    reader of its output that goes away changes nothing."""
    with patient():
        sys.exit(_exit_code())


def _exit_code() -> int | str | None:
    from harness.errors import HarnessError, cause

    try:
        cli.main(standalone_mode=False)
    except SystemExit as end:
        return end.code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end is near: one more Ctrl-C would only tear it
        click.echo("interrupted", err=True)
        return EXIT_INCOMPLETE
    except HarnessError as error:
        _show(error.message, error.hint)
        return error.exit_code
    except OSError as error:
        _show(f"{error.filename}: {cause(error)}" if error.filename else cause(error))
        return 1
    return 0


def _show(message: str, hint: str = "") -> None:
    click.echo(f"error: {message}" + (f"\n  {hint}" if hint else ""), err=True)
