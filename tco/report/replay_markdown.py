"""A replay as Markdown, for a page or a pull request."""

from __future__ import annotations

from tco.document.excerpt import visible
from tco.options.base import Note
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.markdown import blocks, inert, inert_blocks, notes
from tco.report.replay_sheets import sheets


def as_markdown(a: Account) -> str:
    """The account in tables, the answer first. Names of a trace or a server stay text: they call nobody."""
    answer = f"**{_text(words.verdict(a))}** {_text(' '.join(words.why(a)))}"
    parts = [f"## {_text(words.title(a))}", answer.rstrip()]
    for sheet in sheets(a):
        parts += inert_blocks(blocks(sheet.visible()))
    parts += inert_blocks(notes((), [Note("", visible(text)) for text in a.warnings]))
    parts.append(f"<sub>{_text(words.subtitle(a))}; tco {_text(a.version)}</sub>")
    return "\n\n".join(parts) + "\n"


def _text(said: str) -> str:
    return inert(visible(said))
