"""Syntax errors of YAML in plain words: what libyaml and PyYAML report, told from the line it happened on."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from tco.document.document import Mark


class Explained(NamedTuple):
    """The parts of a fault."""

    mark: Mark
    message: str
    expected: str = ""
    hint: str = ""
    value: str = ""


_INDENT = re.compile(r"[ \t]*")
_KEY = re.compile(r"[^\s#:'\"\[\]{}][^#:]*")
_NO_SPACE = re.compile(r"\s*(?:- )?([\w-]+):(\S.*)")
_HAS_COLON = re.compile(r":(\s|$)")


def explain(error: yaml.MarkedYAMLError, lines: list[str], inside: Mark | None) -> Explained:
    """What is wrong and where, for an error of either parser. The two differ in words and sometimes in place.

    `inside` is where the innermost list or mapping begins whose end has not been reached.
    """
    mark = error.problem_mark or error.context_mark
    at = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
    began = error.context_mark
    start = Mark(began.line + 1, began.column + 1) if began else at
    problem, context = error.problem or "", error.context or ""
    line = _line(lines, at.line)
    tab = _tab(lines, at)
    if tab:
        return tab
    if "quoted scalar" in context:
        if "escape" in problem or "hex" in problem or "Unicode" in problem:
            expected = "text in single quotes, or `\\\\` for a backslash"
            return Explained(at, "unknown escape in double-quoted text", expected)
        return Explained(start, "quote is never closed", "the same quote at the end of the text")
    if "flow" in context:
        return _unclosed(lines, at, inside or start)
    if "mapping values are not allowed" in problem:
        return _colon(lines, at)
    if "could not find expected ':'" in problem:
        return _missing_colon(lines, start)
    if "sequence entries are not allowed" in problem:
        return Explained(at, "list item on the line of its key", "each `- item` on a line of its own")
    if "cannot start any token" in problem:
        value = line[at.col - 1 : at.col]
        return Explained(at, "character that cannot start a value", "text in quotes", value=value)
    if "tag" in problem or "tag" in context:
        return Explained(at, "tag not allowed", "a plain value", "leave the tag out")
    if "alias" in context or "anchor" in context:
        expected = "a name after `&` or `*`, or quotes around text that starts with one"
        return Explained(at, "anchor or alias without a name", expected)
    if "directive" in context or "YAML document" in problem:
        return Explained(at, "directive not understood", "no line that starts with `%`")
    if "document start" in problem:
        return Explained(at, "text after the end of the document", "one document")
    if "block" in context or "expected <block end>" in problem:
        return _block(lines, at, start)
    return Explained(at, f"YAML syntax error ({problem or context or 'unknown'})")


def _tab(lines: list[str], at: Mark) -> Explained | None:
    """A tab in the indentation of the line the parser stopped at; the parsers blame other things."""
    indent = _indent(_line(lines, at.line))
    if "\t" not in indent:
        return None
    return Explained(Mark(at.line, indent.index("\t") + 1), "tab used for indentation", "spaces")


def _unclosed(lines: list[str], at: Mark, start: Mark) -> Explained:
    bracket = _line(lines, start.line)[start.col - 1 : start.col]
    if bracket not in ("[", "{"):
        return Explained(at, "list or mapping in brackets not understood", "`[a, b]` or `{key: value}`")
    closing = "]" if bracket == "[" else "}"
    expected = f"`,` or `{closing}` before line {at.line}, column {at.col}"
    return Explained(start, f"`{bracket}` is not closed, or a comma is missing", expected)


def _colon(lines: list[str], at: Mark) -> Explained:
    """A `: ` where none can stand: two on one line, or the line above is a key without its colon."""
    line = _line(lines, at.line)
    if _HAS_COLON.search(line[: at.col - 1]):
        return Explained(at, "second `: ` on one line", "text with `: ` in quotes")
    above = _above(lines, at.line)
    text = _line(lines, above)
    indent = len(_indent(text)) + 1
    if above and not _HAS_COLON.search(text.split(" #")[0]):
        return _missing_colon(lines, Mark(above, indent))
    return _too_far(Mark(at.line, len(_indent(line)) + 1), above)


def _too_far(at: Mark, above: int) -> Explained:
    expected = f"the indentation of line {above}, or nothing after its `:`"
    return Explained(at, "line is indented too far", expected)


def _missing_colon(lines: list[str], at: Mark) -> Explained:
    text = _line(lines, at.line)
    glued = _NO_SPACE.fullmatch(text)
    hint = f"put a space after the colon: `{glued[1]}: {glued[2]}`" if glued else ""
    key = _KEY.match(text.strip().removeprefix("- "))
    value = key[0].strip() if key and not glued else ""
    return Explained(at, "missing `:` after a key", "`key: value`", hint, value)


def _block(lines: list[str], at: Mark, start: Mark) -> Explained:
    line = _line(lines, at.line)
    if at.col > len(_indent(line)) + 1:
        value = line[at.col - 1 :].strip()
        return Explained(at, "unexpected text after a value", "nothing here, or quotes around it all", value=value)
    if not line.strip():
        return Explained(at, "file ends too early", "a value")
    if line.strip().startswith(":"):
        return Explained(at, "missing key before `:`", "`key: value`")
    first = _line(lines, start.line)[start.col - 1 : start.col + 1].strip()
    if start.col == at.col and (first == "-") != line.strip().startswith("-"):
        return Explained(at, "list items and keys mixed", f"what line {start.line} begins with")
    above = _above(lines, at.line)
    text = _line(lines, above)
    if at.col - 1 > len(_indent(text)) + 2 * text.strip().startswith("- "):
        return _too_far(at, above)
    return Explained(at, "indentation fits no line above", "the indentation of a line above")


def _above(lines: list[str], number: int) -> int:
    """The number of the nearest line above that says something; 0 if there is none."""
    while number > 1:
        number -= 1
        text = _line(lines, number).strip()
        if text and not text.startswith("#"):
            return number
    return 0


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""
