"""Faults: what is wrong in a file, where, and what would be right; all of a file at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import NamedTuple

from tco.document.excerpt import excerpt, visible

_SHOWN_AT_ONCE = 100
_LONGEST_VALUE = 60
_LONGEST_NAME = 80
_NEAR = 0.6

_BOLD, _RED, _CYAN, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[36m", "\x1b[0m"


class Fault(NamedTuple):
    """One thing wrong at one place.

    `line` and `col` count from 1, in characters; `line` is 0 where the fault is of the file as a whole.
    `message` starts small and has no full stop, `value` is the offending text, `expected` completes
    "expected: ...", `hint` says what was probably meant.
    """

    file: str
    line: int
    col: int
    message: str
    expected: str = ""
    hint: str = ""
    source_line: str = ""
    value: str = ""

    def render(self, color: bool = False) -> str:
        """The message with its place, the source line with a caret, then what was expected and the hint."""
        bold, red, cyan, reset = (_BOLD, _RED, _CYAN, _RESET) if color else ("", "", "", "")
        place = f"{visible(self.file)}:{self.line}:{self.col}" if self.line else visible(self.file)
        value = self.value if len(self.value) <= _LONGEST_VALUE else f"{self.value[: _LONGEST_VALUE - 1]}…"
        message = f"{self.message}: `{value}`" if value else self.message
        out = [f"{bold}{place}: {visible(message)}{reset}"]
        if self.line and self.source_line.strip():
            source, caret = excerpt(self.source_line, self.col)
            number = f"{self.line:>5}"
            out += [f"{number} | {source}", f"{' ' * len(number)} | {caret}{red}^{reset}"]
        if self.expected:
            out.append(f"  {cyan}expected{reset}: {visible(self.expected)}")
        if self.hint:
            out.append(f"  {cyan}hint{reset}: {visible(self.hint)}")
        return "\n".join(out)


class Faults(Exception):
    """One or more faults, as a tuple sorted by file, line and column; each is kept once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        unique = dict.fromkeys(faults)
        self.faults: tuple[Fault, ...] = tuple(sorted(unique, key=lambda f: (f.file, f.line, f.col)))
        super().__init__(self.faults)

    def render(self, color: bool = False) -> str:
        """All faults, one paragraph each, and a line that counts them. `color` adds ANSI colours."""
        shown = [fault.render(color) for fault in self.faults[:_SHOWN_AT_ONCE]]
        files = dict.fromkeys(fault.file for fault in self.faults)
        count = len(self.faults)
        where = f"`{visible(next(iter(files)))}`" if len(files) == 1 else f"{len(files)} files"
        found = f"found {count:,} {'error' if count == 1 else 'errors'} in {where}"
        if count > _SHOWN_AT_ONCE:
            found += f" ({count - _SHOWN_AT_ONCE:,} not shown)"
        return "\n\n".join([*shown, found])

    def __str__(self) -> str:
        return self.render()


def nearest(name: str, choices: Iterable[str], n: int = 1) -> list[str]:
    """Up to `n` of `choices` that `name` may have been meant for, best first; empty when none is near.

    Case and the marks between words do not count: ``claude-haiku4.5`` finds ``claude-haiku-4.5``. A name that
    is a part of a choice, or contains it, is near.
    """
    wanted = _folded(name)
    if not wanted:
        return []
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)  # the matcher remembers its second sequence, so the one that stays
    scored: list[tuple[float, str]] = []
    for choice in dict.fromkeys(choices):
        folded = _folded(choice)
        matcher.set_seq1(folded)
        score = 0.0
        if matcher.real_quick_ratio() >= _NEAR and matcher.quick_ratio() >= _NEAR:
            score = matcher.ratio()
        if min(len(wanted), len(folded)) >= 3 and (wanted in folded or folded in wanted):
            score = max(score, _NEAR)
        if score >= _NEAR:
            scored.append((-score, choice))
    return [choice for _, choice in sorted(scored)[:n]]


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint that names the nearest of `choices`, or an empty string."""
    close = nearest(name, choices)
    return f"did you mean `{close[0]}`?" if close else ""


def one_of(choices: Iterable[str]) -> str:
    """``one of `a`, `b` or `c```, for a list short enough to read; an empty string for none or for more."""
    names = [f"`{choice}`" for choice in choices]
    if not names or len(names) > 12:
        return ""
    return f"one of {', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name[:_LONGEST_NAME].casefold())
