"""A comparison as Markdown, for a page or a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tco.analysis.compare import Comparison
from tco.analysis.variants import VariantResult
from tco.options.base import Note
from tco.report import words
from tco.report.sheets import Sheet, sheets

MOST_OF_A_COMMENT = 60_000
"""Characters of a comment under a pull request; GitHub takes 65,536."""


def as_markdown(c: Comparison, variants: Sequence[VariantResult] = ()) -> str:
    """The comparison in tables, the answer first."""
    answer = f"**{escaped(words.verdict(c))}** {escaped(' '.join((words.changes(c), *words.why(c))))}"
    parts = [f"## {escaped(c.title)}", answer]
    for sheet in sheets(c, variants):
        parts += blocks(sheet)
    parts += notes(c.assumptions, c.warnings)
    parts.append(f"<sub>prices as of {c.as_of}; {words.tokens(c.volume)} tokens/day</sub>")
    return "\n\n".join(parts) + "\n"


def notes(assumptions: Sequence[Note], warnings: Sequence[Note]) -> list[str]:
    """What a result rests on, as blocks of Markdown."""
    return [
        f"### {title}\n\n" + "\n".join(f"- {escaped(text)}" for text in words.gathered(found))
        for title, found in (("Assumptions", assumptions), ("Warnings", warnings))
        if found
    ]


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|#~$]|^[+-])", r"\\\1", text)


def inert(text: str) -> str:
    """Text that a comment shows as it is: no Markdown, no HTML, no character entities, and an @ calls nobody."""
    return inert_blocks([escaped(text)])[0]


def inert_blocks(found: Sequence[str]) -> list[str]:
    """The same of blocks of text that is escaped already."""
    return [calling_nobody(block.replace("&", "&amp;")) for block in found]


def calling_nobody(text: str) -> str:
    """Text in which an @ sends nobody a message."""
    return re.sub(r"@(?=\w)", "@<!-- -->", text)


def blocks(sheet: Sheet) -> list[str]:
    """A sheet as blocks of Markdown: its heading, its table, its sentences."""
    parts = [f"### {escaped(sheet.heading)}"]
    if sheet.rows:
        lines = ["| " + " | ".join(escaped(column.title) for column in sheet.columns) + " |"]
        lines.append("|" + "|".join("---:" if column.number else "---" for column in sheet.columns) + "|")
        lines += ["| " + " | ".join(escaped(cell) for cell in row.cells) + " |" for row in sheet.rows]
        parts.append("\n".join(lines))
    if sheet.notes:
        parts.append("\n".join(f"- {escaped(sentence)}" for sentence, _ in sheet.notes))
    return parts
