"""The command line: one file a command. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import gc
import os
import sys

import typer

from tco.cli import compare, explain, scenarios, schema, validate
from tco.cli.app import app

COMMANDS = (compare, explain, validate, scenarios, schema)  # importing a command registers it


def main() -> None:
    """The console script. Exit codes: 0 done, 2 input or usage is wrong, 4 something outside failed."""
    gc.disable()  # a run is short: what it leaves goes with the process
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads that nothing here uses
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or all that is installed is searched for them
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
    finally:
        gc.freeze()  # or Python looks through all of it once more before it leaves
