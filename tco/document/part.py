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


def load_part(path: Path, section: str, entry: str) -> Document | None:
    """The file at `path` with one entry of one section, and with what stands at the margin; marks, lines and raw bytes
    are those of the file. None where it must be read whole. Raises Faults where it cannot be read at all."""
    raw = read_bytes(path)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    lines = None if _UNUSUAL.search(text) else text.split("\n")
    left = None if lines is None else _only(lines, section, entry)
    if lines is None or left is None:
        return None
    try:
        document = load_text("\n".join(left), str(path))
    except Faults:
        return None
    return replace(document, lines=lines, raw=raw)


def _only(lines: Sequence[str], section: str, entry: str) -> list[str] | None:
    """The lines without those of other entries, which are left blank; None unless the entry is there once."""
    left: list[str] = []
    found: list[int] = []
    sections: set[str] = set()
    inside, kept = "", True
    for i, line in enumerate(lines):
        if line[:1] not in ("", " ", "#"):
            top = _SECTION.fullmatch(line)
            if top is None or top[1] in sections:
                return None
            sections.add(top[1])
            inside = "" if top[2] else top[1]  # what has a value in its line has no entries
            kept = not inside
            left.append(line if kept or inside == section else "")
            continue
        if inside and line[:2] == "  " and line[2:3] not in (" ", "#", ""):
            key = _ENTRY.fullmatch(line)
            if key is None:
                return None
            kept = inside == section and key[1] == entry
            found += [i] if kept else []
        left.append(line if kept else "")
    if len(found) != 1:
        return None
    before = "\n".join(lines[: found[0]])
    closed = all(before.count(a) == before.count(b) for a, b in ("{}", "[]"))
    return left if closed and not _OPEN_QUOTE.search(before) else None
