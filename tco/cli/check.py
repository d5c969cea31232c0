"""`tco check`: the gate. Leaves with 3 where projected spend crosses a budget, and never passes what it cannot tell."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tco.cli import completion
from tco.cli.app import EXIT_CROSSED, app, check_exit_code, check_named, faults_text, usage_error, write_whole

if TYPE_CHECKING:
    from datetime import date

    from tco.gate.finding import Report
    from tco.gate.gate import Limit

EXIT_INTERRUPTED = 130
"""As shells have it for a command that Ctrl-C ends."""
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


class Format(StrEnum):
    """The ways to say it."""

    text = "text"
    json = "json"
    markdown = "markdown"
    github = "github"
    junit = "junit"
    sarif = "sarif"


@app.command(epilog="Example: tco check scenarios/ --write junit=report.xml")
def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Scenario files, shipped scenarios, folders of them, or quoted patterns.",
            metavar="PATH...",
            show_default=False,
            autocompletion=completion.scenarios,
        ),
    ],
    max_monthly: Annotated[
        str | None,
        typer.Option(
            help="A limit on monthly cost, beside the budgets of the scenarios: 12000 or '$12k/month'.", metavar="LIMIT"
        ),
    ] = None,
    option: Annotated[
        str | None,
        typer.Option(help="What --max-monthly is a limit on; what runs today when absent.", metavar="NAME"),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to print, and only that.")] = Format.text,
    json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    md: Annotated[bool, typer.Option("--md", help="As --format markdown: a comment for a pull request.")] = False,
    write: Annotated[
        list[str] | None,
        typer.Option(help="Write a format to a file as well; may be repeated.", metavar="FORMAT=FILE"),
    ] = None,
    exit_code: Annotated[
        int, typer.Option(help="The exit code of a budget that is crossed.", min=0, max=255, metavar="N")
    ] = EXIT_CROSSED,
    draws: Annotated[int, typer.Option(help="Draws of what is a range.", min=1, max=100_000, metavar="N")] = 256,
    seed: Annotated[int, typer.Option(help="Other draws of the same ranges.", min=0, metavar="N")] = 1,
    today: Annotated[
        str | None,
        typer.Option(help="The day of the run, for the age of prices and what expires.", metavar="DATE"),
    ] = None,
) -> None:
    """Hold projected spend against its budgets: exit code 0 within them, 3 where one is crossed, 2 where one could not
    be evaluated."""
    if sum((json, md, format_ is not Format.text)) > 1:
        raise typer.BadParameter("one of --format, --json and --md: they all print to stdout")
    chosen = Format.json if json else Format.markdown if md else format_
    check_exit_code(exit_code)
    check_named(*paths)
    files = _files(write or [])
    limit = _limit(max_monthly, option)
    try:
        report = _checked(paths, _day(today), draws, seed, limit, exit_code)
        # all of it is made before any of it is written: a fault in tco leaves no half of a verdict behind
        outputs = [(path, _render(fmt, report)) for fmt, path in files]
        comment = _render(Format.markdown, report) if chosen is Format.github else ""
        text = _render(chosen, report)
        _refuse_inputs(report, [path for path, _ in outputs])
        failed = _written(outputs, comment)
        if failed:
            report = report._replace(failure=failed)
            text = _render(chosen, report)
        typer.echo(text, nl=False, color=True)
    except KeyboardInterrupt:
        typer.echo("interrupted: nothing was decided", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(report.exit_code)


def _files(texts: list[str]) -> list[tuple[Format, Path]]:
    """What --write asks for. Leaves with 2 where it is no format, or two outputs are one file."""
    from os.path import realpath

    found: list[tuple[Format, Path]] = []
    for text in texts:
        name, separator, file = text.partition("=")
        if not separator or not file or name not in list(Format):
            raise usage_error(f"--write {text}: write FORMAT=FILE, with a format among {', '.join(Format)}")
        if realpath(file) in {realpath(path) for _, path in found}:
            raise usage_error(f"--write {text}: it would replace another output")
        found.append((Format(name), Path(file)))
    return found


def _limit(text: str | None, option: str | None) -> Limit | None:
    """What --max-monthly asks for."""
    if text is None:
        if option is not None:
            raise typer.BadParameter("--option names what --max-monthly is a limit on: state that too")
        return None
    from tco.gate.gate import Limit
    from tco.units import UnitError, parse_count, parse_money

    try:
        return Limit(parse_count(text), None, option)
    except UnitError:
        pass
    try:
        money = parse_money(text, per=frozenset({None, "month"}))
    except UnitError as problem:
        raise usage_error(f"--max-monthly: {problem}") from None
    return Limit(money.amount, money.currency, option)


def _day(text: str | None) -> date:
    from datetime import date

    try:
        return date.today() if text is None else date.fromisoformat(text)
    except ValueError:
        raise usage_error(f"--today {text}: write a date such as 2026-11-21") from None


def _checked(paths: list[str], today: date, draws: int, seed: int, limit: Limit | None, exit_code: int) -> Report:
    """Every scenario that the paths name, as far as it can be evaluated; what cannot be is said on stderr at once."""
    from tco.document import Faults
    from tco.gate.finding import Checked, Report
    from tco.gate.gate import check_each
    from tco.gate.paths import scenarios

    meant = scenarios(paths)
    done = [Checked(f.file, f.file, "", "", (), (f,), "", {}) for f in meant.faults]
    done += check_each(meant.scenarios, today, draws, seed, limit)
    for scenario in done:
        if scenario.faults:
            typer.echo(faults_text(Faults(scenario.faults)), err=True)
        if scenario.failure:
            typer.echo(f"error: {scenario.failure}", err=True)
    return Report(tuple(done), meant.skipped, today, exit_code)


def _render(fmt: Format, report: Report) -> str:
    """A report in a format, whole."""
    if fmt is Format.text:
        from tco.report.check_text import as_text
        from tco.report.console import console

        return as_text(report, console())
    if fmt is Format.json:
        from tco.report.check_json import as_json

        return f"{as_json(report)}\n"
    if fmt is Format.markdown:
        from tco.report.check_markdown import as_comment

        return as_comment(report)
    if fmt is Format.github:
        from tco.report.check_github import as_annotations

        return as_annotations(report)
    if fmt is Format.junit:
        from tco.report.check_junit import as_junit

        return as_junit(report)
    from tco.report.check_sarif import as_sarif

    return f"{as_sarif(report)}\n"


def _refuse_inputs(report: Report, outputs: list[Path]) -> None:
    """Leave with 2 where an output would replace what was read."""
    from os.path import realpath

    inputs = {realpath(file) for file in (*report.inputs, *(s.file for s in report.scenarios))}
    for path in outputs:
        if realpath(path) in inputs:
            raise usage_error(f"{path}: it would replace what was read")


def _written(outputs: list[tuple[Path, str]], comment: str) -> str:
    """Write every file, and the job's summary: one that fails keeps no other from it. What failed, "" for nothing."""
    import os

    tasks = [partial(_write_file, path, content) for path, content in outputs]
    summary = os.environ.get(STEP_SUMMARY)
    if comment and summary:
        tasks.append(partial(_append, Path(summary), comment))
    failed = []
    for task in tasks:
        try:
            task()
        except OSError as problem:
            failed.append(f"{problem.filename}: {problem.strerror}")
            typer.echo(f"error: {failed[-1]}", err=True)
    return "; ".join(failed)


def _write_file(path: Path, content: str) -> None:
    write_whole(path, content.encode("utf-8", "replace"))
    typer.echo(f"wrote {path}", err=True)


def _append(path: Path, content: str) -> None:
    """To the summary of the job, which other steps write to as well."""
    try:
        with path.open("ab") as file:
            file.write(content.encode("utf-8", "replace"))
    except OSError as problem:  # when it is flushed, a full disk names no file
        raise OSError(problem.errno, problem.strerror, str(path)) from None
