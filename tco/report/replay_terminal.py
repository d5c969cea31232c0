"""A replay in a terminal: the answer first, then what it rests on. Readable at 80 columns, and without colour.

Names of a log, a server or a journal reach it without what it would obey.
"""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tco.document.excerpt import visible
from tco.options.base import Note
from tco.replay.results import Capacity, NoCapacity
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.replay_sheets import sheets
from tco.report.table import print_notes, print_sheets


def print_account(a: Account, console: Console) -> None:
    """Print the whole account; warnings last, so that they are read."""
    console.print(Text(visible(words.title(a)), style="bold"))
    console.print(Text(visible(words.subtitle(a)), style="dim"))
    console.print()
    console.print(Text(visible(words.verdict(a)), style="bold green" if _good(a) else "bold red"))
    for sentence in words.why(a):
        console.print(Text(visible(sentence)))
    print_sheets([sheet.visible() for sheet in sheets(a)], console)
    print_notes((), [Note("", visible(text)) for text in a.warnings], console)


def _good(a: Account) -> bool:
    if isinstance(a.found, NoCapacity):
        return False
    return isinstance(a.found, Capacity) or a.found.verdict.passed is True
