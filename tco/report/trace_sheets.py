"""What a trace holds, as tables: terminal and Markdown show the same ones."""

from __future__ import annotations

from collections.abc import Iterator

from tco.report.replay_numbers import NONE, count, significant, span
from tco.report.sheets import Column, Row, Sheet
from tco.traffic.recording import Written
from tco.traffic.statistics import QUANTILES, Arrivals, Lengths, Sessions, Statistics
from tco.traffic.tally import Tally
from tco.traffic.trace import Trace

MODELS_SHOWN = 8
_NUMBER = Column("", number=True)


def heading(trace: Trace) -> str:
    """The file, and what it is."""
    return f"{trace.stream.name}: {trace.reader.title}"


def sheets(trace: Trace, found: Statistics) -> Iterator[Sheet]:
    """Every table of an inspection, in the order they are read."""
    yield rows(found.tally, f"time stamps: {trace.clock.evidence}" if trace.timed else "no times")
    yield lengths(found)
    if found.arrivals is not None:
        yield arrivals(found.arrivals, found.tokens_per_day)
    yield prefixes(trace, found)
    if found.sessions is not None:
        yield sessions(found.sessions)
    if found.models:
        yield models(found.models)
    missing = unknown(trace, found)
    if missing:
        yield Sheet("Not known", (), (), tuple((line, "dim") for line in missing))


def rows(tally: Tally, *notes: str) -> Sheet:
    """What became of the rows, each that was left out by its reason."""
    lines = [Row(("kept", f"{tally.kept:,}"))]
    lines += [Row((f"dropped: {reason}", f"{n:,}"), "bad") for reason, n in sorted_reasons(tally)]
    lines.append(Row(("read", f"{tally.read:,}"), "dim"))
    said = [(note, "dim") for note in notes]
    if tally.unordered:
        said.append((f"{count(tally.unordered)} rows stood behind a later one and were put in order", ""))
    places = dict.fromkeys(f"{where(drop.line, drop.col)}{drop.reason}" for drop in tally.first)
    said += [(place, "bad") for place in places]  # what stands in one line is said once
    return Sheet("Rows", (Column(""), _NUMBER._replace(title="rows")), tuple(lines), tuple(said))


def sorted_reasons(tally: Tally) -> list[tuple[str, int]]:
    """Reasons, the commonest first."""
    return sorted(tally.dropped.items(), key=lambda item: (-item[1], item[0]))


def where(line: int, col: int) -> str:
    """The place of a row, where that is known."""
    return "" if not line else f"line {line:,}: " if col <= 1 else f"line {line:,}, column {col:,}: "


def written(found: Written) -> Sheet:
    """What was written, and what of the log went into it."""
    sheet = rows(found.tally)
    lines = (*sheet.rows, Row(("written", f"{found.rows:,}")))
    said = () if found.span_s is None else ((f"{span(found.span_s)} from the first request to the last", "dim"),)
    note = ((found.note, "dim"),) if found.note else ()
    return sheet._replace(rows=lines, notes=(*sheet.notes, *said, *note))


def lengths(found: Statistics) -> Sheet:
    """How long inputs and outputs are."""

    def line(name: str, of: Lengths) -> Row:
        figures = (of.mean, *(of.quantile(q) for q in QUANTILES), of.longest)
        return Row((name, *map(count, figures), f"{of.total:,}" if of.known else NONE, f"{of.known:,}"))

    columns = ("mean", *(f"p{q * 100:g}" for q in QUANTILES), "max")
    lines = [line("input", found.input_tokens), line("output", found.output_tokens)]
    if found.cached_tokens is not None:
        lines.append(line("cached when recorded", found.cached_tokens))
    return Sheet(
        "Tokens of a request",
        (
            Column("tokens"),
            *(Column(c, number=True) for c in columns),
            Column("in all", number=True, rank=2),
            Column("rows", number=True, rank=1),
        ),
        tuple(lines),
    )


def arrivals(found: Arrivals, per_day: float | None) -> Sheet:
    """When requests came."""
    peak = found.peak
    mean = None if found.per_s is None else found.per_s * 60
    over = "" if not mean or found.span_s < 120 else f", {significant(peak.requests / mean)} times the mean"
    lines = [
        ("span", span(found.span_s)),
        ("mean rate", f"{significant(found.per_s)} requests/s"),
        ("peak minute", f"{peak.requests:,} requests, from {span(60.0 * peak.minute)} on{over}"),
        ("at the mean rate", f"{tokens(per_day)} tokens/day, input and output"),
        ("times between requests", f"CV {significant(found.gap_cv)} (1: Poisson)"),
        ("requests of a minute", f"index of dispersion {significant(found.dispersion)} (1: Poisson)"),
    ]
    if found.tied:
        said = f"{found.tied:,} requests share theirs with another, up to {found.most_on_a_stamp:,} on one"
        lines.append(("time stamps", said))
    return Sheet("Arrivals", (Column("figure"), Column("value")), tuple(Row(cells) for cells in lines))


def tokens(value: float | None) -> str:
    """A number of tokens, short."""
    from tco.units import format_tokens

    return NONE if value is None else format_tokens(value)


def prefixes(trace: Trace, found: Statistics) -> Sheet:
    """What a cache of prefixes could serve."""
    if found.hit_rate is None or found.prefix_served is None:
        line = "not known: the log has no blocks; of a log with prompts `tco trace anonymize` makes them"
        return Sheet("Ideal prefix hit rate", (), (), ((line, "dim"),))
    line = (
        f"{found.hit_rate * 100:.1f} %: {tokens(found.prefix_served)} of {tokens(found.input_tokens.total)} input "
        f"tokens, in blocks of {trace.block_tokens}, by a cache that never forgets"
    )
    return Sheet("Ideal prefix hit rate", (), (), ((line, ""),))


def sessions(found: Sessions) -> Sheet:
    """Conversations."""
    of = found.turns
    figures = (of.mean, *(of.quantile(q) for q in QUANTILES), of.longest)
    columns = ("sessions", "mean turns", *(f"p{q * 100:g}" for q in QUANTILES), "max")
    said = f"requests that wait for an earlier one of their session: {found.waiting:,}"
    if found.without:
        said += f"; without a session: {found.without:,}"
    return Sheet(
        "Sessions",
        tuple(Column(c, number=True) for c in columns),
        (Row((f"{found.sessions:,}", *map(count, figures))),),
        ((said, "dim"),),
    )


def models(found: dict[str, int]) -> Sheet:
    """Requests by model."""
    lines = [Row((name[:60], f"{n:,}")) for name, n in list(found.items())[:MODELS_SHOWN]]
    more = len(found) - MODELS_SHOWN
    said = ((f"and {more:,} more", "dim"),) if more > 0 else ()
    return Sheet("Models", (Column("model"), Column("requests", number=True)), tuple(lines), said)


def unknown(trace: Trace, found: Statistics) -> list[str]:
    """What the log does not say."""
    kept = found.tally.kept
    lines: list[str] = []
    if not trace.timed:
        lines.append("when requests came: no rate, no peak, no burstiness")
    for name, of in (("input", found.input_tokens), ("output", found.output_tokens)):
        if of.known < kept:
            lines.append(f"{name} tokens of {kept - of.known:,} of {kept:,} requests")
    if found.cached_tokens is None:
        lines.append("cached tokens when it was recorded")
    elif found.cached_tokens.known < kept:
        lines.append(f"cached tokens of {kept - found.cached_tokens.known:,} of {kept:,} requests")
    if found.sessions is None:
        lines.append("sessions")
    if not found.models:
        lines.append("models")
    return lines
