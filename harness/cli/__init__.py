"""The `harness` command. Each subcommand reads its options, calls one function and prints the result. Everything else
is imported inside the commands, so that `harness --help` stays quick.
"""

from __future__ import annotations

import io
import sys
import warnings

import click

from harness.cli import asking, machine, recipes, results  # noqa: F401  their commands join the group
from harness.cli.group import EXIT_INCOMPLETE, cli, echo, show_error


def main() -> None:
    """Entry point. Shows an error as a message and what to do about it, never as a traceback; exits with its code."""
    from harness.errors import HarnessError

    warnings.formatwarning = _warning
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        from harness.trust import masked

        said = io.StringIO()
        error.show(said)
        echo(masked(said.getvalue()), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        echo("interrupted", err=True)
        sys.exit(EXIT_INCOMPLETE)
    except HarnessError as error:
        show_error(error)
        sys.exit(error.exit_code)


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """A warning of some library, which may quote a name from a file, as one line."""
    from harness.text import printable

    return f"warning: {printable(str(message))}\n"
