"""A profile put into a catalogue file: a new one, or one more entry of a file whose text stays as it is."""

from __future__ import annotations

from pathlib import Path

from tco.catalog.entries import Catalogue
from tco.document import Document, Fault, Faults, load_text, validate
from tco.replay.profile.profile import About, entry_text, profile_text
from tco.replay.results import Capacity, Summary

SECTION = "capacity"


def file_text(found: Capacity | Summary, about: About, path: Path, *, force: bool = False) -> str:
    """What the file at `path` is to hold: this profile, and all that it holds already.

    An entry of the same name is replaced with `force`. Raises `NotProven` where there is nothing to write; `Faults`
    where the file is no catalogue, has such an entry, or is written so that nothing can be put in; `OSError`.
    """
    if not path.exists():
        text = profile_text(found, about)
        _checked(text, str(path))
        return text
    return added(path.read_bytes(), str(path), about.name, entry_text(found, about, ""), force=force)


def check_room(path: Path, name: str | None = None, *, force: bool = False) -> None:
    """Raises Faults where the file at `path` could not take an entry of this name, whatever it says.

    name: None for any that is not there yet.
    """
    if not path.exists():
        return
    before = path.read_bytes()
    document = _checked(before, str(path))
    if name is not None:
        _check_free(document, name, force=force)
    if document.data.get(SECTION):
        _within(before.decode("utf-8").removeprefix("\ufeff").splitlines(), document, name or "", "")


def _check_free(document: Document, name: str, *, force: bool) -> None:
    if name in (document.data.get(SECTION) or {}) and not force:
        expected = "another `--name`, or `--force` to replace it"
        raise Faults(
            [document.fault((SECTION, name), f"there is a profile `{name}` already", expected=expected, key=True)]
        )


def added(before: bytes, file: str, name: str, entry: str, *, force: bool = False) -> str:
    """The text of a catalogue with one more entry of `capacity`; `entry` is its lines, not indented.

    Nothing else changes, comments and line ends included. Raises `Faults` as `file_text` does.
    """
    document = _checked(before, file)
    entries = document.data.get(SECTION)
    _check_free(document, name, force=force)
    text = before.decode("utf-8")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(mark).splitlines()
    newline = "\r\n" if "\r\n" in text else "\n"
    if entries is None and SECTION not in document.data:
        made = [*lines, *([""] if lines and lines[-1].strip() else []), f"{SECTION}:", *_indented(entry, 2)]
    else:
        made = _within(lines, document, name, entry)
    after = mark + newline.join(made) + newline
    _check_same(document, _checked(after, file), name)
    return after


def _within(lines: list[str], document: Document, name: str, entry: str) -> list[str]:
    """The lines with the entry at the end of the section, or in the place of the one it replaces."""
    entries = document.data[SECTION] or {}
    top = document.key_marks[(SECTION,)].line
    places = sorted(document.key_marks[SECTION, key] for key in entries)
    in_line = places[0].line == top if places else lines[top - 1].split("#")[0].strip() != f"{SECTION}:"
    if in_line:
        fault = document.fault(
            (SECTION,), "the entries stand in braces", expected="an entry a line", key=True, value=""
        )
        raise Faults([fault])
    end = _end(
        lines, top, min((m.line for k, m in document.key_marks.items() if len(k) == 1 and m.line > top), default=None)
    )
    column = places[0].col - 1 if places else 2
    if name in entries:
        here = document.key_marks[SECTION, name].line
        later = [m.line for m in places if m.line > here]
        stop = _end(lines, here, later[0] if later else end + 1, column)
        return [*lines[: here - 1], *_indented(entry, column), *lines[stop:]]
    space = [""] if end > top and places else []
    return [*lines[:end], *space, *_indented(entry, column), *lines[end:]]


def _end(lines: list[str], first: int, following: int | None, column: int = 0) -> int:
    """The last line of what begins at line `first`, counted from 1: comments and blanks before what follows, written
    no deeper than it is, are the following one's."""
    last = len(lines) if following is None else following - 1
    while last > first:
        line = lines[last - 1]
        depth = len(line) - len(line.lstrip())
        if line.strip() and not (line.lstrip().startswith("#") and depth <= column):
            break
        last -= 1
    return last


def _indented(entry: str, columns: int) -> list[str]:
    return [f"{' ' * columns}{line}" if line else "" for line in entry.splitlines()]


def _checked(text: str | bytes, file: str) -> Document:
    document = load_text(text, file)
    validate(Catalogue, document.data, document)
    return document


def _check_same(before: Document, after: Document, name: str) -> None:
    """Nothing but the entry may have changed, whatever the file looked like."""

    def others(document: Document) -> dict[str, object]:
        entries = {k: v for k, v in (document.data.get(SECTION) or {}).items() if k != name}
        return {**{k: v for k, v in document.data.items() if k != SECTION}, SECTION: entries}

    if others(before) != others(after) or name not in after.data[SECTION]:
        message = "the profile cannot be put into this file without changing what stands in it"
        raise Faults([Fault(str(before.path), 0, 0, message, expected="another file for it")])
