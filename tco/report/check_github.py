"""The gate as GitHub annotations: workflow commands that a run prints, each shown at its line of the pull request.

Escapes as in https://docs.github.com/actions/reference/workflow-commands: `%`, carriage return and line feed in a
message, and `:` and `,` in a property as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from tco.gate.finding import Report
from tco.report import check_words as words

LEVELS = {"crossed": "error", "violated": "error", "warned": "warning", "allowed": "warning", "within": "notice"}


def as_annotations(report: Report) -> str:
    """An annotation for whatever needs somebody, and the verdict."""
    return "".join(f"{line}\n" for line in (*_annotations(report), f"tco check: {_data(words.verdict(report))}"))


def _annotations(report: Report) -> Iterator[str]:
    for s in report.scenarios:
        for fault in s.faults:
            yield _command("error", fault.file, fault.line, fault.col, "not evaluated", words.fault(fault))
        if s.failure:
            yield _command("error", s.file, 0, 0, "failed outside of tco", s.failure)
        for f in words.by_gravity(s.findings):
            if f.status != "within" or f.outlook is not None:
                title = f"{f.name}: {f.status}"
                yield _command(LEVELS[f.status], f.place.file, f.place.line, f.place.col, title, words.message(f))


def _command(level: str, file: str, line: int, col: int, title: str, message: str) -> str:
    where = {"file": file} | ({"line": str(line), "col": str(col)} if line else {}) | {"title": title}
    return f"::{level} {','.join(f'{key}={_property(value)}' for key, value in where.items())}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
