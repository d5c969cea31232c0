"""What a change does to the bill, as a comment under a pull request: one table, the rest folded."""

from __future__ import annotations

import html
from collections.abc import Iterator

from tco.report import diff_words as words
from tco.report.diff_outcome import Judged, Outcome
from tco.report.diff_sheets import overview, sheets
from tco.report.markdown import MOST_OF_A_COMMENT, blocks, calling_nobody, inert, inert_blocks

MARKER = "<!-- tco diff -->"
"""The first line, which nobody sees: a bot finds its comment by it, and updates it in place."""


def as_comment(outcome: Outcome) -> str:
    """The comment: never longer than a few lines and a table while nothing is unfolded."""
    parts = [MARKER, f"### {_title(outcome)}"]
    if outcome.scenarios:
        table = overview(outcome.scenarios)._replace(heading="")
        parts += inert_blocks(blocks(table)[1:])
    parts += [f"- **{inert(words.failed(one))}**" for one in outcome.failed]
    limits = [(v, j.change) for j in outcome.scenarios for v in j.verdicts]
    several = len(outcome.scenarios) > 1
    if several:
        limits = [(v, c) for v, c in limits if not v.holds]  # those that hold are many
    lines = [
        f"- {'✅' if v.holds else '❌' if v.holds is False else '⚠️'} "
        f"{inert((f'{c.file}: ' if several else '') + words.limit(v, c))}"
        for v, c in limits
    ]
    lines += [f"- ❌ {inert(words.crossed(f))}" for j in outcome.scenarios for f in j.crossed]
    moved = [(j.change.file, words.limits_changed(j.change)) for j in outcome.scenarios]
    lines += [f"- ⚠️ {inert((f'{file}: ' if several else '') + text)}" for file, text in moved if text]
    if not several:
        lines[:0] = [f"- {inert(text)}" for j in outcome.scenarios if (text := words.why(j.change))]
    lines += [f"- ⚠️ {inert(words.unchecked(why))}" for j in outcome.scenarios for why in j.unchecked]
    if lines:
        parts.append("\n".join(lines))
    left_out = 0
    for judged in outcome.scenarios:
        folded = list(_details(judged))
        if sum(map(len, (*parts, *folded))) > MOST_OF_A_COMMENT:
            left_out += 1
        else:
            parts += folded
    if left_out:
        which = "one scenario" if left_out == 1 else f"{left_out} scenarios"
        parts.append(f"Too long for a comment: the details of {which}. `--json` has them.")
    in_all = "; in all: what is paid over the plan" if any(j.change.spend for j in outcome.scenarios) else ""
    parts.append(f"<sub>{inert(outcome.old)} → {inert(outcome.new)}; cost a month at the planned volume{in_all}</sub>")
    return "\n\n".join(parts) + "\n"


def _title(outcome: Outcome) -> str:
    changes = [j.change for j in outcome.scenarios]
    if len(changes) == 1 and not outcome.failed:
        change = changes[0]
        amount = change.bill.amount
        if change.status == "unchanged":
            return f"Cost of {inert(change.title)}: unchanged"
        if amount is None:
            return f"Cost of {inert(change.title)}: no bill to compare"
        of = "" if change.bill.share is None else f" ({words.share(change.bill.share)})"
        rise = inert(words.signed_money(amount, change.currency))
        total = f", {inert(words.rise_in_all(change))}" if words.in_all(change) else ""
        return f"Cost of {inert(change.title)}: {rise} a month{of}{total}"
    changed = sum(change.status != "unchanged" for change in changes)
    lost = f", {len(outcome.failed)} could not be compared" if outcome.failed else ""
    return f"Cost: {changed} of {len(changes)} scenarios changed{lost}"


def _details(judged: Judged) -> Iterator[str]:
    change = judged.change
    if change.status == "unchanged" and not change.warnings:
        return
    summary = f"{change.file}: {words.because(change.detailed)}"
    yield f"<details><summary>{_html(summary)}</summary>"
    yield " ".join(inert(text) for text in (words.headline(change), words.in_all(change), words.answer(change)) if text)
    if change.warnings:
        yield "\n".join(f"- {inert(text)}" for text in change.warnings)
    for sheet in sheets(change):
        first, *rest = inert_blocks(blocks(sheet))
        yield f"**{first.removeprefix('### ')}**"
        yield from rest
    yield "</details>"


def _html(text: str) -> str:
    """Text within an HTML tag, where Markdown is not read."""
    return calling_nobody(html.escape(text))
