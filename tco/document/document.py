"""A loaded YAML file: plain data, and beside it where in the file every value and key stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tco.document.faults import Fault

DataPath = tuple[str | int, ...]
"""The way from the top of a document to a value: keys and list indices."""


class Mark(NamedTuple):
    """A place in a file, both counted from 1, columns in characters."""

    line: int
    col: int


@dataclass(frozen=True)
class Document:
    """One YAML file. `data` is plain: dict, list, str, int, Decimal, bool and None.

    `marks` and `key_marks` say where the value, and the key, at a path stands. What an alias repeats is
    marked where it is written. `raw` are the bytes as read.
    """

    path: Path
    data: Any
    marks: dict[DataPath, Mark] = field(repr=False)
    key_marks: dict[DataPath, Mark] = field(repr=False)
    lines: list[str] = field(repr=False)
    raw: bytes = field(default=b"", repr=False)
    faults: tuple[Fault, ...] = ()
    """Of a partial load: what is wrong with single values and keys. Those stay as text, or are left out."""

    def fault(
        self,
        path: DataPath,
        message: str,
        *,
        expected: str = "",
        hint: str = "",
        key: bool = False,
        value: str | None = None,
    ) -> Fault:
        """A fault at the value at `path` (its key with `key`), or at the nearest thing above that is there.

        The offending text is the value at `path` where that is a single value; `value` replaces it, ""
        omits it.
        """
        mark = self._mark(path, key)
        if value is None:
            value = "" if key else self._text(path)
        if f"`{value}`" in message:
            value = ""
        source = self.lines[mark.line - 1] if 0 < mark.line <= len(self.lines) else ""
        return Fault(str(self.path), mark.line, mark.col, message, expected, hint, source, value)

    def where(self, path: DataPath) -> str:
        """`file:line` of the value at `path`, or of the nearest thing above it that is there."""
        return f"{self.path}:{self._mark(path, key=False).line}"

    def _mark(self, path: DataPath, key: bool) -> Mark:
        if key and path in self.key_marks:
            return self.key_marks[path]
        if path in self.marks:
            return self.marks[path]
        # What is missing is missing from its parent, and `parent:` says so better than its first child.
        while path:
            path = path[:-1]
            found = self.key_marks.get(path) or self.marks.get(path)
            if found:
                return found
        return Mark(1, 1)

    def _text(self, path: DataPath) -> str:
        """The single value at `path` as it would be typed; empty where there is none."""
        value = self.data
        for step in path:
            in_list = isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
            if not (in_list or (isinstance(value, dict) and step in value)):
                return ""
            value = value[step]
        return scalar_text(value)


def scalar_text(value: object) -> str:
    """A single value as it would be typed in YAML; empty for None, lists and mappings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, str | int) else ""
