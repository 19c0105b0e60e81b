"""The `harness` command. Each subcommand reads its options, calls one function and prints the result. Everything else
is imported inside the commands, so that `harness --help` stays quick.
"""

from __future__ import annotations

import sys
import warnings

import click

from harness.cli import asking, machine, results  # noqa: F401  their commands join the group
from harness.cli.group import EXIT_INCOMPLETE, cli, echo


def main() -> None:
    """Entry point. Shows an error as a message and what to do about it, never as a traceback; exits with its code."""
    from harness.errors import HarnessError

    warnings.formatwarning = _warning
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        from harness.text import printable_lines
        from harness.trust import masked

        error.message = printable_lines(masked(error.message))
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        echo("interrupted", err=True)
        sys.exit(EXIT_INCOMPLETE)
    except HarnessError as error:
        from harness.trust import masked

        # Lines that follow are indented: a name with a line end in it passes for no line of ours.
        said = "\n".join([f"error: {error.message}", *([error.hint] if error.hint else [])])
        echo("\n  ".join(line.strip() for line in masked(said).split("\n")), err=True)
        sys.exit(error.exit_code)


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """A warning of some library, which may quote a name from a file, as one line."""
    from harness.text import printable

    return f"warning: {printable(str(message))}\n"
