"""The application and its commands, and what they share: reporting faults, writing files whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer

import tco

if TYPE_CHECKING:
    from tco.analysis.case import Case
    from tco.document import Faults

app = typer.Typer(
    name="tco",
    help=tco.__doc__,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_INPUT, EXIT_CROSSED, EXIT_OUTSIDE = 2, 3, 4
FIRST_OF_SHELL = 126


def check_exit_code(code: int) -> None:
    """Leave with 2 where the exit code that is asked for has a meaning of its own: 1 is Python's, for a crash; from 126
    on they are the shell's, for what cannot be run and for signals."""
    if code in (0, 1, EXIT_INPUT, EXIT_OUTSIDE) or code >= FIRST_OF_SHELL:
        message = f"--exit-code: 0, 1, 2, 4 and those from {FIRST_OF_SHELL} on have a meaning of their own"
        raise typer.BadParameter(f"{message}: choose another")


def check_named(*paths: str | Path | None) -> None:
    """Leave with 2 where a path is empty, as an unset variable leaves it: it would be the current folder."""
    if any(path == "" for path in paths):
        raise usage_error("an empty path: name a file or a folder (is a variable unset?)")


@contextmanager
def faults_reported() -> Iterator[None]:
    """Print what is wrong with the input to stderr and leave with exit code 2."""
    from tco.document import Faults

    try:
        yield
    except Faults as faults:
        typer.echo(faults_text(faults), err=True)
        raise typer.Exit(EXIT_INPUT) from None


def faults_text(faults: Faults) -> str:
    """Faults for stderr, in colour where that is a terminal."""
    return faults.render(color=_colour(err=True))


def usage_error(message: str) -> typer.Exit:
    """Say what is wrong with the command line; raise the result."""
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(EXIT_INPUT)


def _colour(err: bool = False) -> bool:
    import os
    import sys

    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR")


def write_whole(path: Path, content: bytes) -> None:
    """Write aside, then rename: a file is there in full or as it was. A pipe or a device is written to."""
    with writing_whole(path) as file:
        file.write(content)


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[bytes]]:
    """The same for what is written bit by bit: the file aside, renamed when all is well at the end."""
    import errno
    import os
    import tempfile

    try:
        target = Path(os.path.realpath(path))
        if target.is_symlink():  # what is left of links that lead in a circle: to no file
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
            return
        handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
            os.chmod(aside, mode)
            os.replace(aside, target)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as problem:  # named as the user did, not as the file aside
        raise OSError(problem.errno, problem.strerror, str(path)) from None


def check_outputs(case: Case, *outputs: Path | None) -> None:
    """Leave with 2 where an output would replace an input, or another output."""
    import os

    inputs = {os.path.realpath(d.path) for d in (case.document, *case.store.documents)}
    seen: set[str] = set()
    for path in outputs:
        if path is None:
            continue
        real = os.path.realpath(path)
        if real in inputs or real in seen:
            raise usage_error(f"{path}: it would replace {'what was read' if real in inputs else 'another output'}")
        seen.add(real)


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def _without_volumes(variants: Any) -> Any:
    """Variants that leave the volume as it is: one given on the command line holds for all."""
    if not isinstance(variants, dict):
        return variants
    found = dict(variants)
    for name, change in variants.items():
        if isinstance(change, dict) and isinstance(change.get("workload"), dict):
            found[name] = {**change, "workload": {k: v for k, v in change["workload"].items() if k != "volume"}}
    return found


def _horizon(text: str) -> int:
    from tco.scenario.projection import horizon

    return horizon(text)


def read(
    scenario: str,
    variant: str | None = None,
    *,
    at: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    months: str | None = None,
    start: str | None = None,
) -> Case:
    """The case of a scenario named on the command line, with volumes and months given there. Raises `Faults`, or leaves
    with 2."""
    from tco.analysis.case import build_case, document_of
    from tco.analysis.compare import window_of
    from tco.calendar import parse_month
    from tco.document import Faults
    from tco.scenario.variant import with_variant
    from tco.units import UnitError, parse_rate

    check_named(scenario)
    document = document_of(scenario)
    if variant is not None:
        document = with_variant(document, variant)
    data = dict(document.data)
    for flag, text, path, parse in (
        ("--at", at, ("workload", "volume"), parse_rate),
        ("--from", from_, ("range", "from"), parse_rate),
        ("--to", to, ("range", "to"), parse_rate),
        ("--months", months, ("projection", "months"), _horizon),
        ("--start", start, ("projection", "start"), parse_month),
    ):
        if text is None:
            continue
        try:
            parse(text)
        except UnitError as problem:
            raise usage_error(f"{flag}: {problem}") from None
        if flag == "--at":
            data = {**data, "variants": _without_volumes(data["variants"])} if "variants" in data else data
        inner = data.get(path[0])
        if path[0] == "projection" and inner is not None and not isinstance(inner, dict):
            continue  # what is no mapping is a fault of the scenario
        data[path[0]] = {**(inner if isinstance(inner, dict) else {}), path[1]: text}
    case = build_case(replace(document, data=data), variant)
    if from_ is not None or to is not None:
        try:
            window_of(case)
        except Faults as empty:
            raise usage_error(f"--from, --to: {empty.faults[0].message}") from None
    return case
