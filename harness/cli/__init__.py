"""The `harness` command. Each subcommand reads its options, calls one function and prints the result. Everything else
is imported inside the commands, so that `harness --help` stays quick.
"""

from __future__ import annotations

import io
import signal
import sys
import warnings

import click

from harness.cli import (  # noqa: F401  their commands join the group
    asking,
    budget,
    claims,
    falsify,
    lab,
    lab_components,
    lab_context,
    lab_edit,
    lab_localise,
    lab_probe,
    machine,
    recipes,
    results,
    twins,
)
from harness.cli.group import EXIT_INCOMPLETE, cli, echo, patient, show_error


def main() -> None:
    """Entry point. Shows an error as a message and what to do about it, never as a traceback; exits with its code. A
    reader of its output that goes away changes nothing."""
    with patient():
        sys.exit(_exit_code())


def _exit_code() -> int | str | None:
    from harness.errors import HarnessError, cause

    warnings.formatwarning = _warning
    try:
        cli.main(standalone_mode=False)
    except SystemExit as end:
        return end.code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        from harness.trust import masked

        said = io.StringIO()
        error.show(said)
        echo(masked(said.getvalue()), err=True, nl=False)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end is near: one more Ctrl-C would only tear it
        echo("interrupted", err=True)
        return EXIT_INCOMPLETE
    except HarnessError as error:
        show_error(error)
        return error.exit_code
    except OSError as error:
        show_error(HarnessError(f"{error.filename}: {cause(error)}" if error.filename else cause(error)))
        return 1
    return 0


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """A warning of some library, which may quote a name from a file, as one line."""
    from harness.text import printable

    return f"warning: {printable(str(message))}\n"
