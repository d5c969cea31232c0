"""`tco diff`: what a change does to the bill, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tco.cli import completion
from tco.cli.app import (
    EXIT_CROSSED,
    EXIT_INPUT,
    EXIT_OUTSIDE,
    app,
    check_exit_code,
    check_named,
    faults_reported,
    faults_text,
    usage_error,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tco.analysis.change.limit import IncreaseLimit
    from tco.analysis.change.record import Change
    from tco.report.diff_outcome import Judged, Outcome


@app.command(epilog="Example: tco diff --base origin/main scenarios/ --max-increase 10%")
def diff(
    files: Annotated[
        list[str],
        typer.Argument(
            help="The old and the new scenario, or folder of scenarios; with --base, --baseline or --save the "
            "scenarios or folders as they are now.",
            metavar="OLD NEW | SCENARIO...",
            show_default=False,
            autocompletion=completion.scenarios,
        ),
    ],
    base: Annotated[
        str | None, typer.Option(help="Read the old side from this Git revision.", metavar="REVISION")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Read the old side from this file, which --save wrote.", metavar="FILE")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Write the scenarios and what they cost to a file, as a baseline.", metavar="FILE"),
    ] = None,
    option: Annotated[
        str | None, typer.Option(help="Look at this option; what runs today when absent.", metavar="NAME")
    ] = None,
    max_increase: Annotated[
        list[str] | None,
        typer.Option(help="Fail where it costs more than that: 500, '$500/month' or 10%.", metavar="LIMIT"),
    ] = None,
    max_total_increase: Annotated[
        list[str] | None,
        typer.Option(
            help="Fail where more than that is paid over the projection: 20k, '$20k' or 10%.", metavar="LIMIT"
        ),
    ] = None,
    exit_code: Annotated[
        int, typer.Option(help="The exit code of a limit that is crossed.", min=0, max=255, metavar="N")
    ] = EXIT_CROSSED,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Print a comment for a pull request, and only that.")] = False,
) -> None:
    """Say what a change does to the bill: before, after, and how much each cause adds."""
    if json and md:
        raise typer.BadParameter("--json and --md both print to stdout: choose one")
    if sum(given is not None for given in (base, baseline, save)) > 1:
        raise typer.BadParameter("one of --base, --baseline and --save")
    check_exit_code(exit_code)
    check_named(*files)
    if base is None and baseline is None and save is None and len(files) != 2:
        raise typer.BadParameter(
            f"two scenarios or two folders, not {len(files)}; or name the old side with --base or --baseline"
        )
    limits = [*_limits("month", max_increase or []), *_limits("total", max_total_increase or [])]
    if save is not None:
        if limits or option is not None or json or md:
            raise typer.BadParameter("--save writes a baseline and compares nothing: leave the other options out")
        _save(save, files)
        return
    outcome, failure = _compared(files, base, baseline, option, limits)
    if json:
        from tco.report.diff_json import as_json

        typer.echo(as_json(outcome))
    elif md:
        from tco.report.diff_markdown import as_comment

        typer.echo(as_comment(outcome), nl=False)
    else:
        from tco.report.console import console
        from tco.report.diff_table import print_outcome

        print_outcome(outcome, console())
    if failure == EXIT_OUTSIDE or outcome.unsure:
        raise typer.Exit(failure or EXIT_INPUT)
    if outcome.crossed:
        raise typer.Exit(exit_code)


def _limits(of: str, texts: Sequence[str]) -> list[IncreaseLimit]:
    from tco.analysis.change.limit import parse_increase
    from tco.numerals import UnitError

    try:
        return [parse_increase(text, of) for text in texts]
    except UnitError as problem:
        name = "--max-increase" if of == "month" else "--max-total-increase"
        raise usage_error(f"{name}: {problem}") from None


def _compared(
    files: Sequence[str], base: str | None, baseline: Path | None, option: str | None, limits: Sequence[IncreaseLimit]
) -> tuple[Outcome, int]:
    """Every scenario compared that can be, and the exit code that those which cannot ask for; 0 where all can."""
    from datetime import date
    from tempfile import TemporaryDirectory

    from tco.analysis.change.change import change
    from tco.catalog.store import Reading
    from tco.cli import sides
    from tco.document import Faults
    from tco.document.excerpt import visible
    from tco.report.diff_outcome import Failed, Outcome

    today, failure = sides.Today(date.today(), Reading()), 0
    done: list[Judged] = []
    failed: list[Failed] = []
    with TemporaryDirectory(prefix="tco-") as folder:
        with faults_reported():
            if base is not None:
                pairs = list(sides.since(base, files, Path(folder), today))
            elif baseline is not None:
                pairs = list(sides.saved(baseline, files, Path(folder), today))
            else:
                pairs = list(sides.two(files[0], files[1], today))
        for pair in pairs:
            try:
                done.append(_judged(change(*pair.read(), option), limits, today.day))
            except Faults as faults:
                typer.echo(faults_text(faults), err=True)
                failed.append(
                    Failed(visible(pair.name), tuple(_message(f.file, f.line, f.message) for f in faults.faults))
                )
                failure = max(failure, EXIT_INPUT)
            except OSError as problem:
                message = f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem)
                typer.echo(f"error: {message}", err=True)
                failed.append(Failed(visible(pair.name), (message,)))
                failure = EXIT_OUTSIDE
    old = base if base is not None else str(baseline) if baseline is not None else files[0]
    new = files[1] if base is None and baseline is None else "now"
    return Outcome(old, new, tuple(done), tuple(failed)), failure


def _judged(change: Change, limits: Sequence[IncreaseLimit], today: date) -> Judged:
    """A change held against the limits, and against the budgets of its scenario."""
    from tco.analysis.change.limit import verdict
    from tco.draws import DRAWS, SEED
    from tco.gate.newly import newly_failed
    from tco.report.diff_outcome import Judged

    crossed, faults = newly_failed(*change.cases, today, DRAWS, SEED)
    unchecked = tuple(_message(f.file, f.line, f.message) for f in faults)
    return Judged(change, tuple(verdict(limit, change) for limit in limits), crossed, unchecked)


def _message(file: str, line: int, message: str) -> str:
    from tco.document.excerpt import visible

    return visible(f"{file}:{line}: {message}" if line else f"{file}: {message}")


def _save(save: Path, files: Sequence[str]) -> None:
    """Write the baseline of scenarios, or leave with what is wrong in any of them."""
    from os.path import realpath

    from tco.analysis.case import Case, read_case
    from tco.analysis.change.baseline import baseline_text, name_in
    from tco.cli import sides
    from tco.document import Fault, Faults
    from tco.document.excerpt import visible

    with faults_reported():
        faults: list[Fault] = []
        cases: dict[str, Case] = {}
        for file in sides.scenarios(files):
            try:
                name = name_in(save, file)
                name.encode("utf-8")
                cases[name] = read_case(file)
            except UnicodeEncodeError:
                expected = "a file name in UTF-8, as the text of a baseline is"
                faults.append(Fault(visible(file), 0, 0, "its name cannot be kept in a baseline", expected))
            except Faults as problem:
                faults += problem.faults
        if faults:
            raise Faults(faults)
        text = baseline_text(cases)
        inputs = {realpath(d.path) for case in cases.values() for d in (case.document, *case.store.documents)}
        if realpath(save) in inputs:
            raise usage_error(f"{save}: it would replace what was read")
    write_whole(save, text.encode("utf-8"))
    typer.echo(f"wrote {save}: now `tco diff --baseline {save} {' '.join(files)}`", err=True)
