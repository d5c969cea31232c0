"""An excerpt: one line of a file made safe and short for a terminal, and the blank space before its caret."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_WIDTH = 100
_BEFORE = 60
_TAB = "→   "


def visible(text: str) -> str:
    """`text` with every character that does not print as one (control, bidi, surrogates) as its escape."""
    return text if text.isprintable() else "".join(_cell(character)[0] for character in text)


def excerpt(line: str, col: int) -> tuple[str, str]:
    """The part of `line` around column `col` (from 1), and spaces up to it as wide as what stands before it.

    Wide characters count two columns and combining ones none; a tab is shown as an arrow and three spaces.
    """
    at = max(0, min(col - 1, len(line)))
    # Only what can be seen is measured, so that a line of megabytes costs nothing.
    first = max(0, at - _WIDTH)
    cells = [_cell(character) for character in line[first : at + _WIDTH]]
    caret = at - first
    cut_left, cut_right = first > 0, at + _WIDTH < len(line)
    begin = 0
    if cut_left or cut_right or sum(width for _, width in cells) > _WIDTH:
        begin, left = caret, 0
        while begin and left + cells[begin - 1][1] <= _BEFORE:
            begin -= 1
            left += cells[begin][1]
        end, right = caret, left
        while end < len(cells) and right + cells[end][1] <= _WIDTH:
            right += cells[end][1]
            end += 1
        cut_left, cut_right = cut_left or begin > 0, cut_right or end < len(cells)
        cells = cells[:end]
    before = ("…" if cut_left else "") + "".join(text for text, _ in cells[begin:caret])
    after = "".join(text for text, _ in cells[caret:]) + ("…" if cut_right else "")
    width = sum(width for _, width in cells[begin:caret]) + cut_left
    return (before + after).rstrip(), " " * width


def _cell(character: str) -> tuple[str, int]:
    """How a character is shown, and how many columns that takes."""
    if character == "\t":
        return _TAB, len(_TAB)
    if not character.isprintable():
        code = ord(character)
        shown = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
        return shown, len(shown)
    if category(character) in ("Mn", "Me"):
        return character, 0
    return character, 2 if east_asian_width(character) in "WF" else 1
