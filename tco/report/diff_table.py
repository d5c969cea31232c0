"""What a change does to the bill, in a terminal: the sentence first, then the tables."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tco.report import diff_words as words
from tco.report.diff_outcome import Judged, Outcome
from tco.report.diff_sheets import overview, sheets
from tco.report.table import print_sheets


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print every scenario that changed; of several, all in a table first."""
    console.print(Text(f"{outcome.old} → {outcome.new}", style="dim"))
    if len(outcome.scenarios) > 1:
        print_sheets([overview(outcome.scenarios)], console)
    for judged in outcome.scenarios:
        if len(outcome.scenarios) == 1 or judged.worth_saying:
            console.print()
            _scenario(judged, console)
    for one in outcome.failed:
        console.print()
        console.print(Text(words.failed(one), style="bold red"))


def _scenario(judged: Judged, console: Console) -> None:
    change = judged.change
    console.print(Text(f"{change.title} ({change.file})", style="bold"))
    rise = change.bill.amount
    style = "bold" if not rise else "bold yellow" if rise > 0 else "bold green"
    console.print(Text(words.headline(change), style=style))
    if sentence := words.in_all(change):
        console.print(Text(sentence, style="bold"))
    console.print(Text(words.answer(change)))
    for v in judged.verdicts:
        console.print(Text(words.limit(v, change), style="green" if v.holds else "bold red"))
    for finding in judged.crossed:
        console.print(Text(words.crossed(finding), style="bold red"))
    if text := words.limits_changed(change):
        console.print(Text(text, style="yellow"))
    for why in judged.unchecked:
        console.print(Text(words.unchecked(why), style="yellow"))
    for text in change.warnings:
        console.print(Text(f"Warning: {text}.", style="yellow"))
    if change.status == "unchanged":
        console.print(Text("Nothing that decides the cost or the answer changed.", style="dim"))
        return
    print_sheets(list(sheets(change)), console)
