"""The command line: one file a command. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import gc
import io
import os
import re
import signal
import sys
from contextlib import suppress

import typer

from tco.cli import check, compare, diff, explain, init, plan, prices, replay, scenarios, schema, trace, validate
from tco.cli.app import app

# importing a command registers it
COMMANDS = (init, compare, plan, check, diff, explain, validate, scenarios, schema, prices, replay, trace)


def main() -> None:
    """The console script. Exit codes: 0 done, 2 input or usage is wrong, 4 something outside failed."""
    gc.disable()  # a run is short: what it leaves goes with the process
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads that nothing here uses
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or all that is installed is searched for them
    _set_up_streams()
    try:
        try:
            app(prog_name="tco")
        except SystemExit:
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()  # all of it is out before the exit code says so
            raise
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        with suppress(OSError):  # where stderr is what failed, the exit code has to do
            typer.echo(f"error: {where}{problem.strerror or problem}", err=True)
        with suppress(OSError, ValueError):  # or Python tries once more, and leaves with a code of its own
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(4) from None
    finally:
        gc.freeze()  # or Python looks through all of it once more before it leaves


def _set_up_streams() -> None:
    """A reader that has seen enough (`| head`) ends the run in silence, and no terminal is too plain to print to."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.stderr is None or sys.stderr.closed:  # or saying what is wrong would fail, and the exit code be Python's
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for as long as the process lives)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    columns = os.environ.get("COLUMNS", "")
    if not re.fullmatch("[1-9][0-9]{0,3}", columns):
        os.environ.pop("COLUMNS", None)  # what is no width would stop rich
