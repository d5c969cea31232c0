"""The gate as a comment under a pull request: the verdict, one table, what needs somebody below it."""

from __future__ import annotations

from collections.abc import Iterator

from tco.gate.finding import PASSED, Checked, Finding, Report
from tco.report import check_words as words
from tco.report.markdown import MOST_OF_A_COMMENT, inert

MARKER = "<!-- tco check -->"
"""The first line, which nobody sees: a bot finds its comment by it, and updates it in place."""
MARKS = {"crossed": "❌", "violated": "❌", "warned": "⚠️", "allowed": "⚠️", "within": "✅"}


def as_comment(report: Report) -> str:
    """The whole report, or as much of it as a comment takes: what fails is first."""
    mark = "✅" if report.verdict == PASSED else "❌"
    head = [MARKER, f"### {mark} Budgets: {inert(words.verdict(report))}", inert(words.summary(report))]
    foot = f"<sub>checked on {report.today}</sub>"
    return _cut([*head, *_faults(report), *_table(report), *_details(report)], foot)


def _cut(parts: list[str], foot: str) -> str:
    kept, size = [], 0
    for part in parts:
        size += len(part) + 2
        if size > MOST_OF_A_COMMENT:
            kept.append("The rest is too long for a comment: `--json` has all of it.")
            break
        kept.append(part)
    return "\n\n".join([*kept, foot]) + "\n"


def _pairs(report: Report) -> list[tuple[Checked, Finding]]:
    """Every finding with its scenario, what fails first."""
    pairs = [(s, f) for s in report.scenarios for f in s.findings]
    return sorted(pairs, key=lambda pair: words.ORDER.index(pair[1].status))


def _table(report: Report) -> Iterator[str]:
    pairs = _pairs(report)
    several = len(report.scenarios) > 1
    if several:  # those that hold are many
        pairs = [(s, f) for s, f in pairs if f.status != "within"]
    if not pairs:
        return
    titles = (*(("scenario",) if several else ()), "", "budget", "figure", "limit", "margin", "first crossed", "owner")
    numbers = {"figure", "limit", "margin"}
    lines = ["| " + " | ".join(titles) + " |", "|" + "|".join("---:" if t in numbers else "---" for t in titles) + "|"]
    for s, f in pairs:
        figure, limit = words.amounts(f) if f.figure is not None and f.limit is not None else ("", "")
        x = f.crossing or f.outlook
        cells = (
            *((s.file,) if several else ()),
            MARKS[f.status],
            f.name,
            figure,
            limit,
            words.margin(f),
            "" if x is None else f"{x.month}{'' if f.crossing is not None else ' (projected)'}",
            f.owner or "",
        )
        lines.append("| " + " | ".join(inert(cell) for cell in cells) + " |")
    yield "\n".join(lines)


def _details(report: Report) -> Iterator[str]:
    """What needs somebody, in words."""
    for _, f in _pairs(report):
        if f.status != "within":
            said = [f"**{inert(f.name)}** {f.status}: {inert(f.subject)}. {inert(words.outcome(f))}."]
            said += [f"  - {inert(detail)}" for detail in words.details(f)]
            what = [f"  - {inert(words.to_pass(f))}"] if f.failed else []
            yield "\n".join([f"- {said[0]}", *said[1:], f"  - {inert(words.place(f))}", *what])
        elif len(report.scenarios) == 1 and f.outlook is not None:
            yield f"- **{inert(f.name)}**: {inert(words.ahead(f))}."


def _faults(report: Report) -> Iterator[str]:
    for s in report.scenarios:
        lines = [f"- not evaluated: {inert(f'{words.where(f)}: {words.fault(f)}')}" for f in s.faults]
        lines += [f"- failed outside: {inert(f'{s.file}: {s.failure}')}"] if s.failure else []
        if lines:
            yield "\n".join(lines)
