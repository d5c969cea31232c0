"""The command line: one file a command. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import sys

import typer

from tco.cli import compare, explain, scenarios, schema, validate
from tco.cli.app import app

COMMANDS = (compare, explain, validate, scenarios, schema)  # importing a command registers it


def main() -> None:
    """The console script. Exit codes: 0 done, 2 input or usage is wrong, 4 something outside failed."""
    try:
        app(prog_name="tco")
    except BrokenPipeError:
        # a reader that has seen enough (`tco compare ... | head`) is no fault; leave before Python flushes again
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        typer.echo(f"error: {where}{problem.strerror or problem}", err=True)
        raise SystemExit(4) from None
