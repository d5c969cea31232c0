"""One entry of a large file: the rest of the file is not composed, which takes longer than all else of a look-up.

Understood is the layout that catalogues have: sections at the margin, entries two spaces in, spaces only. Of another
layout, or where anything may be wrong, nothing is read here: the caller reads the whole file, and has all its faults.
What is wrong with another entry is not seen: `tco validate` reads every file whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tco.document.document import Document
from tco.document.faults import Faults
from tco.document.load import load_text, read_bytes

_SECTION = re.compile(r"([a-z_]+):(?: (.*))?")
_ENTRY = re.compile(r"  ([A-Za-z0-9][A-Za-z0-9._+-]*):(?: .*)?")
_UNUSUAL = re.compile(r"[\t\r\ufeff]|(?:^|[\s:,\[{-])[&*!][^\s]|\n [^ \n]")
"""Tabs, other line breaks, anchors and aliases, tags, one space of indentation."""
_OPEN_QUOTE = re.compile(r"""[\s\[{,](?:"[^"\n]*|'[^'\n]*)$""", re.MULTILINE)
"""A quoted value that may go on in the next line, where what looks like a key is none."""


class Parts:
    """A file by its entries. It is looked through once, however many of them are then read."""

    def __init__(self, path: Path) -> None:
        """Raises Faults where the file cannot be read at all."""
        self.path = path
        self._raw = read_bytes(path)
        self._lines: list[str] | None = None
        self._understood = False
        try:
            text = self._raw.decode()
        except UnicodeDecodeError:
            return
        if not _UNUSUAL.search(text):
            self._lines = text.split("\n")
        self._understood = self._lines is not None and self._look_through(text, self._lines)

    def load(self, section: str, entry: str) -> Document | None:
        """The file with one entry of one section, and with what stands at the margin; marks, lines and raw bytes are
        those of the file. None where it must be read whole."""
        left = self._only(section, entry)
        if left is None or self._lines is None:
            return None
        try:
            document = load_text("\n".join(left), str(self.path))
        except Faults:
            return None
        return replace(document, lines=self._lines, raw=self._raw)

    def _look_through(self, text: str, lines: Sequence[str]) -> bool:
        """Note what stands at the margin, and the lines of each entry; whether all of it is of the layout."""
        self._margin = [""] * len(lines)
        self._headings: dict[str, int] = {}
        self._entries: dict[tuple[str, str], list[range]] = {}
        sections: set[str] = set()
        inside, start, key = "", 0, ""

        def close(end: int) -> None:
            if key:
                self._entries.setdefault((inside, key), []).append(range(start, end))

        for i, line in enumerate(lines):
            if line[:1] not in ("", " ", "#"):
                top = _SECTION.fullmatch(line)
                if top is None or top[1] in sections:
                    return False
                close(i)
                sections.add(top[1])
                inside, key = ("" if top[2] else top[1]), ""  # what has a value in its line has no entries
                if inside:
                    self._headings[inside] = i
                else:
                    self._margin[i] = line
                continue
            if inside and line[:2] == "  " and line[2:3] not in (" ", "#", ""):
                found = _ENTRY.fullmatch(line)
                if found is None:
                    return False
                close(i)
                start, key = i, found[1]
            if not inside:
                self._margin[i] = line
        close(len(lines))
        self._open = self._open_until(text, lines)
        return True

    def _open_until(self, text: str, lines: Sequence[str]) -> list[bool]:
        """Whether something is open before each line: a bracket, or a quote that may go on."""
        quote = _OPEN_QUOTE.search(text)
        depths, offset, found = [0, 0], 0, []
        for line in lines:
            found.append(any(depths) or (quote is not None and quote.end() < offset))
            depths = [
                d + line.count(a) - line.count(b) for d, (a, b) in zip(depths, (("{", "}"), ("[", "]")), strict=True)
            ]
            offset += len(line) + 1
        return found

    def _only(self, section: str, entry: str) -> list[str] | None:
        """The lines without those of other entries, which are left blank; None unless the entry is there once."""
        if self._lines is None or not self._understood:
            return None
        places = self._entries.get((section, entry), [])
        if len(places) != 1 or self._open[places[0].start]:
            return None
        left = list(self._margin)
        for i in (self._headings[section], *places[0]):
            left[i] = self._lines[i]
        return left
