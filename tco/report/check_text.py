"""The gate in a terminal: what fails first, what holds in a line each, the verdict last."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tco.gate.finding import PASSED, Checked, Finding, Report
from tco.report import check_words as words

STYLES = {"crossed": "bold red", "violated": "bold red", "warned": "yellow", "allowed": "yellow", "within": "green"}
MOST_PASSING = 5
"""Scenarios that hold, beyond which they are one line together."""


def as_text(report: Report, console: Console) -> str:
    """The whole report as it is printed, with colours where the console has them."""
    with console.capture() as capture:
        passing = [s for s in report.scenarios if s.findings and not (s.failed or s.faults or s.failure)]
        # what needs somebody is first
        for scenario in sorted(report.scenarios, key=lambda s: not (s.failure or s.faults or s.failed)):
            if len(passing) <= MOST_PASSING or scenario not in passing:
                _print_scenario(scenario, console)
        if len(passing) > MOST_PASSING:
            found = [f for s in passing for f in s.findings]
            console.print(Text(f"{len(passing)} scenarios hold: {words.counted(found)}", style="green"))
            console.print()
        console.print(Text(words.summary(report)))
        console.print(Text(words.verdict(report), style="bold green" if report.verdict == PASSED else "bold red"))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _print_scenario(scenario: Checked, console: Console) -> None:
    as_of = f" · prices as of {scenario.as_of}" if scenario.as_of else ""
    console.print(Text.assemble((words.title(scenario), "bold"), (as_of, "dim")))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    if scenario.failure:
        grid.add_row(Text("FAILED", style="bold red"), Text(scenario.failure))
    for fault in scenario.faults:
        grid.add_row(Text("UNKNOWN", style="bold red"), Text(f"{words.where(fault)}: {words.fault(fault)}"))
    for finding in words.by_gravity(scenario.findings):
        for status, text in _lines(finding):
            grid.add_row(status, text)
    console.print(Padding(grid, (0, 0, 0, 2)))
    console.print()


def _lines(f: Finding) -> Iterator[tuple[Text, Text]]:
    """A finding in rows: in full where it needs somebody, in one line where it holds."""
    status = Text(f.status.upper() if f.failed else f.status, style=STYLES[f.status])
    if f.status == "within":
        ahead = f"; {words.ahead(f)}" if f.outlook is not None else ""
        yield status, Text(f"{f.name}: {words.outcome(f)}{ahead}", style="dim" if not ahead else "")
        return
    heading = words.heading(f)
    yield status, Text.assemble((f.name, "bold"), heading.removeprefix(f.name))
    yield Text(""), Text(words.outcome(f))
    for detail in words.details(f):
        yield Text(""), Text(detail)
