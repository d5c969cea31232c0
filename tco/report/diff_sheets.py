"""The tables of a change, as data: terminal and Markdown show the same ones, each in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tco.analysis.change.causes import CAUSES
from tco.analysis.change.record import NOTHING, Change, Measure
from tco.analysis.change.shapley import Block
from tco.report import diff_words as words
from tco.report.diff_outcome import Judged
from tco.report.sheets import Column, Row, Sheet
from tco.report.words import money, tokens

MOST_KEYS = 12


def overview(scenarios: Sequence[Judged]) -> Sheet:
    """Every scenario that changed in a line: what is paid, and what becomes of the recommendation."""
    changed = [s.change for s in scenarios if s.change.status != "unchanged"]
    planned = any(change.spend is not None for change in changed)
    columns = (
        Column("scenario"),
        Column("option"),
        Column("before", number=True),
        Column("after", number=True),
        Column("change a month", number=True),
        Column("%", number=True, rank=1),
        *((Column("change in all", number=True),) if planned else ()),
        Column("recommended", rank=2),
    )

    def row(change: Change) -> Row:
        b = change.bill
        option = b.after if b.before in (None, b.after) else b.before if b.after is None else f"{b.before} → {b.after}"
        was, now = ("–" if paid is None else money(paid, change.currency) for paid in (b.was, b.now))
        amount = "–" if b.amount is None else words.signed_money(b.amount, change.currency)
        known = change.spend is not None and change.spend.bill.amount is not None
        total = words.rise_in_all(change, when=False) if known else "–"
        cells = (change.file, option or "–", was, now, amount, words.share(b.share), *((total,) if planned else ()))
        return Row((*cells, words.recommendation(change)))

    same = len(scenarios) - len(changed)
    what = "scenario is" if same == 1 else "scenarios are"
    notes = ((f"{same} {'other ' if changed else ''}{what} unchanged.", "dim"),) if same else ()
    return Sheet("Cost a month at the planned volume", columns, tuple(map(row, changed)), notes)


def sheets(change: Change) -> Iterator[Sheet]:
    """Every table of one scenario's change, in the order they are read."""
    yield options(change)
    yield from totals(change)
    yield from by_cause(change)
    yield from totals_by_cause(change)
    yield from detail(change)
    yield from crossings(change)
    yield from turns(change)


def options(change: Change) -> Sheet:
    """Every option before and after, a month."""
    volumes = [tokens(c.volume) for c in (change.before, change.after) if c is not None]
    at = " → ".join(dict.fromkeys(volumes))
    heading = f"Cost a month at {at} tokens/day ({change.currency})"
    notes = tuple((sentence, "") for sentence in words.able(change))
    return _measures(heading, [(o.name, o.month) for o in change.options], notes)


def totals(change: Change) -> Iterator[Sheet]:
    """What is paid for every option over the plan, before and after."""
    if change.spend is not None:
        heading = f"Paid over {words.horizons(change.spend)} ({change.currency})"
        notes = tuple((sentence, "") for sentence in words.unstated(change.spend))
        yield _measures(heading, [(o.name, o.total) for o in change.options if o.total is not None], notes)


def _measures(heading: str, found: Sequence[tuple[str, Measure]], notes: tuple[tuple[str, str], ...]) -> Sheet:
    columns = (
        Column("option"),
        Column("before", number=True),
        Column("after", number=True),
        Column("change", number=True),
        Column("%", number=True),
    )

    def row(name: str, m: Measure) -> Row:
        was, now = ("–" if paid is None else f"{paid:,.2f}" for paid in (m.before, m.after))
        what = words.share(m.share)
        if m.before is None or m.after is None:
            what = "added" if m.before is None else "removed"
        return Row((name, was, now, words.signed(m.amount), what), "" if m.amount else "dim")

    return Sheet(heading, columns, tuple(row(*one) for one in found), notes)


def by_cause(change: Change) -> Iterator[Sheet]:
    """The change of each option by cause; nothing where one option alone has a change that can be split."""
    heading = f"Change by cause ({change.currency} a month)"
    yield from _by_cause(heading, [(o.name, o.month) for o in change.options])


def totals_by_cause(change: Change) -> Iterator[Sheet]:
    """The same of what is paid over the plan."""
    found = [(o.name, o.total) for o in change.options if o.total is not None]
    left_out = [name for name, m in found if not m.split]
    notes = ((f"Not split: {', '.join(left_out)}.", "dim"),) if left_out else ()
    yield from _by_cause(f"Change over the plan by cause ({change.currency})", found, notes)


def _by_cause(
    heading: str, found: Sequence[tuple[str, Measure]], notes: tuple[tuple[str, str], ...] = ()
) -> Iterator[Sheet]:
    split = [(name, m) for name, m in found if m.parts]
    if len(split) < 2:
        return
    blocks = _blocks(m for _, m in split)
    columns = (
        Column("option"),
        *(Column(words.cause(b), number=True) for b in blocks),
        Column("change", number=True),
    )

    def row(name: str, m: Measure) -> Row:
        amounts = {p.causes: words.signed(p.amount) for p in m.parts}
        return Row((name, *(amounts.get(b, "–") for b in blocks), words.signed(m.amount)))

    yield Sheet(heading, columns, tuple(row(*one) for one in split), notes, turns=True)


def _blocks(measures: Iterable[Measure]) -> list[Block]:
    """The causes of these changes as they are told, in the usual order."""
    found = dict.fromkeys(p.causes for m in measures for p in m.parts)
    return sorted(found, key=lambda block: [CAUSES.index(cause) for cause in block])


def detail(change: Change) -> Iterator[Sheet]:
    """What was changed, beside what it adds to the bill, a month and over the plan."""
    option = change.detailed
    if option is None:
        return
    measures = [m for m in (option.month, option.total) if m is not None]
    if not (any(m.parts for m in measures) or change.changed):
        return
    columns = (
        Column("cause"),
        *(Column(title, number=True) for title, _ in zip(("a month", "in all"), measures, strict=False)),
        Column("what changed"),
    )
    rows: list[Row] = []
    left = list(change.changed)
    for block in _blocks(measures):
        mine = [k for k in left if k.cause in block]
        left = [k for k in left if k not in mine]
        cells = (words.cause(block), *(_cell(m, block) for m in measures))
        for text in [words.key(k) for k in mine] or ["–"]:
            rows.append(Row((*cells, text)))
            cells = ("", *("" for _ in measures))
    for k in left:
        there = bool(k.cause) and option.month.before is not None and option.month.after is not None
        amounts = (_cell(m, (k.cause,)) if k.cause and there else "" for m in measures)
        rows.append(Row((k.cause or "no cost", *amounts, words.key(k)), "dim"))
    more = len(rows) - MOST_KEYS
    notes = ((f"{more} more (all of them: --json).", "dim"),) if more > 0 else ()
    yield Sheet(f"Why, for {option.name} ({change.currency})", columns, tuple(rows[:MOST_KEYS]), notes)


def _cell(measure: Measure, block: Block) -> str:
    """What a block of causes adds; a dash where it is told within another one."""
    amount = next((p.amount for p in measure.parts if p.causes == block), None)
    if amount is not None:
        return words.signed(amount)
    return "–" if any(set(block) & set(p.causes) for p in measure.parts) else words.signed(NOTHING)


def crossings(change: Change) -> Iterator[Sheet]:
    """The crossovers between bands that moved, came or went."""
    if not change.shifts or change.before is None or change.after is None:
        return
    columns = (Column("from"), Column("to"), Column("before", number=True), Column("after", number=True))
    rows = tuple(Row((s.below, s.above, words.volumes(s.before), words.volumes(s.after))) for s in change.shifts)
    yield Sheet("Where the answer changes (tokens/day)", columns, rows)


def turns(change: Change) -> Iterator[Sheet]:
    """The months in which another option becomes the cheapest."""
    if change.spend is None or not change.spend.turns:
        return
    columns = (Column("from"), Column("to"), Column("before", number=True), Column("after", number=True))
    rows = tuple(
        Row((*words.turn(t), words.months(t.before), words.months(t.after)), "dim" if t.before == t.after else "")
        for t in change.spend.turns
    )
    yield Sheet("When the cheapest option changes", columns, rows)
