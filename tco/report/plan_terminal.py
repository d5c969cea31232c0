"""A plan in a terminal: the answer first, then what it rests on. Readable at 80 columns, and without colour."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tco.analysis.plan import Plan
from tco.report import plan_words as words
from tco.report.plan_chart import chart
from tco.report.plan_sheets import of_option, sheets
from tco.report.table import print_notes, print_sheets


def print_plan(plan: Plan, console: Console, option: str | None = None) -> None:
    """Print the whole plan, or one option of it line by line; warnings last, so that they are read."""
    console.print(Text(plan.title, style="bold"))
    console.print(Text(words.subtitle(plan), style="dim"))
    console.print()
    console.print(Text(words.verdict(plan), style="bold red" if plan.best is None else "bold green"))
    for sentence in words.why(plan):
        console.print(Text(sentence))
    if option is not None:
        print_sheets(list(of_option(plan, option, console.width)), console)
    else:
        labels = {p.name: p.label for p in plan.prospects if p.label != p.name} if console.width >= 100 else {}
        print_sheets(list(sheets(plan, console.width)), console, labels)
        drawn = chart(plan, console.width)
        if drawn is not None:
            console.print()
            console.print(drawn)
    print_notes(plan.assumptions, plan.warnings, console)
