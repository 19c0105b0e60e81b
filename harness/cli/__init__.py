"""The `harness` command. Each subcommand reads its options, calls one function and prints the result. Everything else
is imported inside the commands, so that `harness --help` stays quick.
"""

from __future__ import annotations

import sys

import click

from harness.cli import asking, machine, recipes, results  # noqa: F401  their commands join the group
from harness.cli.group import EXIT_INCOMPLETE, cli


def main() -> None:
    """Entry point. Shows an error as a message and what to do about it, never as a traceback; exits with its code."""
    from harness.errors import HarnessError

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INCOMPLETE)
    except HarnessError as error:
        click.echo(f"error: {error.message}" + (f"\n  {error.hint}" if error.hint else ""), err=True)
        sys.exit(error.exit_code)
