"""What `tco replay` leaves behind of a journal: on stdout, in files, as a profile; and whether anything was proven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from tco.cli.app import (
    EXIT_INPUT,
    EXIT_OUTSIDE,
    check_named,
    faults_reported,
    faults_text,
    usage_error,
    write_whole,
)

if TYPE_CHECKING:
    from tco.document import Faults
    from tco.replay.record.header import Header
    from tco.replay.session.account import Account


class Outputs(NamedTuple):
    """What the command line asks for."""

    png: Path | None
    csv: Path | None
    json: bool
    md: bool
    profile: Path | None
    name: str | None
    force: bool
    gpu: str | None
    precision: str | None

    def check(self, journal: Path, *inputs: Path) -> None:
        """Leave with 2 where two outputs are one, or one would replace what is read or recorded."""
        from os.path import realpath

        if self.json and self.md:
            raise typer.BadParameter("--json and --md both print to stdout: choose one")
        for path, suffixes in (
            (self.csv, (".csv",)),
            (self.png, (".png",)),
            (self.profile, (".yaml", ".yml")),
        ):
            check_named(path)
            if path is not None and path.suffix.lower() not in suffixes:
                raise typer.BadParameter(f"{path}: name a file that ends in {suffixes[0]}")
            if path is not None:
                check_writable(path)
        if self.profile is None and (self.name is not None or self.force):
            raise typer.BadParameter("--name and --force are of the profile: name its file by -o")
        self._check_entry()
        seen = {realpath(path) for path in inputs}
        if realpath(journal) in seen:
            raise usage_error(f"{journal}: the journal would replace the trace: name another file by --journal")
        seen.add(realpath(journal))
        from tco.report.replay_words import TIMELINE

        second = None if self.png is None else self.png.with_name(f"{self.png.stem}{TIMELINE}{self.png.suffix}")
        for path in (self.png, second, self.csv, self.profile):
            if path is not None and realpath(path) in seen:
                raise usage_error(f"{path}: it would replace what is read, recorded or written besides")
            seen.add(realpath(path) if path is not None else "")
        if self.profile is not None:
            self._check_profile()

    def check_name(self, header: Header) -> None:
        """Raises Faults where the profile's file has its entry already, as soon as the entry's name is known."""
        from tco.replay.profile.profile_file import check_room
        from tco.replay.session.provenance import default_name, gpu_of

        gpu = gpu_of(header, self.gpu)
        if self.profile is not None and gpu is not None:
            check_room(self.profile, self.name or default_name(header, gpu), force=self.force)

    def _check_entry(self) -> None:
        """Leave with 2 where the entry's name is none that a catalogue takes."""
        if self.name is None:
            return
        from tco.fields import check_name
        from tco.units import UnitError

        try:
            check_name(self.name)
        except UnitError as problem:
            raise usage_error(f"--name: {problem}") from None

    def _check_profile(self) -> None:
        """Leave with 2 where its file is no catalogue, or has an entry of the name that was given."""
        from tco.replay.profile.profile_file import check_room

        assert self.profile is not None
        with faults_reported():
            check_room(self.profile, self.name, force=self.force)


def check_writable(path: Path) -> None:
    """Leave with 2 where a file cannot be written there: what was measured for an hour must have its place."""
    import os

    if path.is_dir():
        raise usage_error(f"{path}: a folder; name a file")
    if path.exists() and not path.is_file():  # a pipe or a device is written to itself
        if not os.access(path, os.W_OK):
            raise usage_error(f"{path}: it cannot be written to")
        return
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise usage_error(f"{path}: there is no folder `{path.parent}`")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise usage_error(f"{path}: the folder `{path.parent}` cannot be written to")


class Written(NamedTuple):
    """What became of the files of one journal."""

    account: Account
    """With the name of the profile, where it was written."""
    paths: list[Path]
    refused: list[str]
    """What was asked for and is not there, each with its reason."""
    wrong: list[Faults]
    """Why the profile cannot be put into its file."""


def show(journal: Path, outputs: Outputs, *, judged: bool, measured: bool = False) -> int:
    """Print and write all that a journal says. The exit code: 4 where something that was asked for cannot be made or
    written, as a profile of what is not proven, or where a measurement is `judged` and says nothing; 2 where the
    profile's file cannot take it. The reasons are on stderr, and the report is printed all the same.

    measured: this is the end of a measurement, and it is said where its record is. Leaves with 2 where there is no
    journal.
    """
    with faults_reported():
        from tco.replay.session.recount import recount

        header, account = recount(journal)
    written = _written(header, account, outputs)
    typer.echo(_text(written.account, outputs), nl=False, color=True)
    for path in written.paths:
        typer.echo(f"wrote {path}", err=True)
    failed = bool(written.refused or written.wrong)
    if measured:
        again = " with another `-o`, `--png` or `--csv` writes them" if failed else " says this again"
        typer.echo(f"all is in {journal}: `tco replay summarize {journal}`{again}", err=True)
    for wrong in written.wrong:
        typer.echo(faults_text(wrong), err=True)
    reason = nothing_said(account) if judged else ""
    for refusal in written.refused or filter(None, [reason]):
        typer.echo(f"error: {refusal}", err=True)
    if written.wrong:
        return EXIT_INPUT
    return EXIT_OUTSIDE if failed or reason else 0


def _written(header: Header, account: Account, outputs: Outputs) -> Written:
    """Make and write the files. One that fails does not keep the others, nor the report, from being there."""
    from tco.document import Faults
    from tco.replay.profile.profile import NotProven

    paths: list[Path] = []
    refused: list[str] = []
    wrong: list[Faults] = []

    def put(path: Path, content: bytes) -> bool:
        try:
            write_whole(path, content)
        except OSError as problem:
            refused.append(f"{path}: {problem.strerror or problem}")
            return False
        paths.append(path)
        return True

    if outputs.profile is not None:
        try:
            if put(outputs.profile, _profile(header, account, outputs)):
                account = account._replace(profile=str(outputs.profile))
        except NotProven as why:
            refused.append(f"{outputs.profile} is not written: {why}")
        except Faults as faults:
            wrong.append(faults)
        except OSError as problem:
            refused.append(f"{outputs.profile}: {problem.strerror or problem}")
    if account.outcomes is None or not len(account.outcomes):
        refused += [f"{path} is not written: no request was made" for path in (outputs.csv, outputs.png) if path]
        return Written(account, paths, refused, wrong)
    if outputs.csv is not None:
        from tco.report.replay_csv import requests_csv

        put(outputs.csv, requests_csv(account.outcomes).encode("utf-8", "replace"))
    if outputs.png is not None:
        from tco.report.replay_png import pictures

        stem = outputs.png.with_suffix("")
        for added, drawn in pictures(account).items():
            put(Path(f"{stem}{added}{outputs.png.suffix}"), drawn)
    return Written(account, paths, refused, wrong)


def _profile(header: Header, account: Account, outputs: Outputs) -> bytes:
    """Raises NotProven, and Faults where its file has such an entry already."""
    from tco.replay.profile.profile import NotProven
    from tco.replay.profile.profile_file import file_text
    from tco.replay.results import NoCapacity
    from tco.replay.session.provenance import NO_GPU, about, gpu_of

    assert outputs.profile is not None
    found = account.found
    if isinstance(found, NoCapacity):
        raise NotProven(found.reason)
    if account.ended in ("interrupted", "cut", "gone"):
        raise NotProven("the run was not ended: go on with it by `--resume`")
    gpu = gpu_of(header, outputs.gpu)
    if gpu is None:
        raise NotProven(NO_GPU)
    told = about(header, account, gpu, outputs.precision, outputs.name)
    return file_text(found, told, outputs.profile, force=outputs.force).encode()


def _text(account: Account, outputs: Outputs) -> str:
    if outputs.json:
        from tco.report.replay_json import as_json

        return f"{as_json(account)}\n"
    if outputs.md:
        from tco.report.replay_markdown import as_markdown

        return as_markdown(account)
    from tco.report.console import console
    from tco.report.replay_terminal import print_account

    shown = console()
    with shown.capture() as captured:
        print_account(account, shown)
    return captured.get()


def nothing_said(account: Account) -> str:
    """Why a measurement says nothing; empty where it says something."""
    from tco.replay.results import LATENESS_LIMIT, NoCapacity

    if isinstance(account.found, NoCapacity):
        return f"no capacity was found: {account.found.reason}"
    summary = account.summary
    if summary is None or not summary.succeeded:
        failures = {} if summary is None else summary.failures
        return (
            f"no request succeeded: {', '.join(f'{n:,} {status}' for status, n in failures.items()) or 'none was sent'}"
        )
    reasons = "; ".join(summary.verdict.reasons)
    late = summary.latencies["lateness"].quantiles[-1]
    if late is not None and late > LATENESS_LIMIT and account.concurrency is None:
        most = f"{LATENESS_LIMIT * 1000:g} ms is the most"
        return f"inconclusive: the client was late: {late * 1000:.2f} ms at p99, where {most}"
    if summary.verdict.passed is None and account.objectives:
        return f"inconclusive: {reasons}"
    return ""
