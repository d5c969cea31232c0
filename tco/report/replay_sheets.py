"""The tables of a replay, as text: terminal and Markdown show the same ones, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator

from tco.replay.results import LATENESS_LIMIT, QUANTILES, Capacity, Misses, NoCapacity, Probe, Summary
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.replay_check import server
from tco.report.replay_numbers import NONE, count, seconds, significant
from tco.report.sheets import Column, Row, Sheet
from tco.report.words import percent

VERDICT_STYLES = {True: "", False: "bad", None: "dim"}


def sheets(a: Account) -> Iterator[Sheet]:
    """Every table of a replay, in the order they are read."""
    if isinstance(a.found, Capacity | NoCapacity) and a.found.probes:
        yield probes(a.found)
    s = a.summary
    if s is not None:
        if s.verdict.objectives:
            yield objectives(s)
        yield latency(a, s)
        yield throughput(s)
        if s.failures:
            yield failures(s)
    if a.check is not None:
        yield server(a.check)
    yield client(a, s)


def probes(found: Capacity | NoCapacity) -> Sheet:
    """Every run of the search, in the order they were made."""
    names = list(dict.fromkeys(m.objective.name for p in found.probes for m in p.summary.verdict.objectives))
    several = len(names) > 1
    columns = (
        Column("run", number=True, rank=6),
        Column("load"),
        Column("requests/s", number=True),
        Column("seed", number=True),
        Column("verdict"),
        *(
            column
            for name in names
            for column in (
                Column(name, number=True),
                # beside two objectives a terminal of 80 columns has no room for these; --md and --json have them
                Column("misses", number=True, rank=2 if several else 1),
                Column("needed", number=True, rank=4),
            )
        ),
        Column("done/s", number=True, rank=5),
        Column("lateness p99", number=True, rank=3),
    )
    at = found.speedup if isinstance(found, Capacity) else None
    rows = tuple(Row(_probe(p, names), "best" if at is not None and p.speedup == at else "") for p in found.probes)
    why = tuple((words.run_text(p), "") for p in found.probes if not p.summary.verdict.passed)
    return Sheet("Runs of the search", columns, rows, why)


def _probe(p: Probe, names: list[str]) -> tuple[str, ...]:
    by_name = {m.objective.name: m for m in p.summary.verdict.objectives}
    return (
        str(p.run),
        words.load_cell(p),
        significant(p.rate),
        str(p.seed),
        words.passed(p.summary.verdict),
        *(cell for name in names for cell in _misses(by_name.get(name))),
        significant(p.summary.completed_per_s),
        seconds(words.lateness(p.summary)),
    )


def _misses(m: Misses | None) -> tuple[str, str, str]:
    if m is None:
        return NONE, NONE, NONE
    return words.value_cell(m), words.misses_cell(m), words.allowed(m)


def objectives(s: Summary) -> Sheet:
    """Each objective held against the requests of the window."""
    columns = (
        Column("objective"),
        Column("measured", number=True),
        Column("misses", number=True),
        Column("needed", number=True),
        Column("proven"),
    )

    def proven(m: Misses) -> str:
        if m.requests >= m.needed:
            return "yes"
        return "no" if m.value is not None and m.value > m.objective.limit else "too few requests"

    rows = tuple(Row((str(m.objective), *_misses(m), proven(m))) for m in s.verdict.objectives)
    needed = "needed: the fewest requests that prove the objective at 99 % confidence with so many misses."
    return Sheet("Objectives", columns, rows, ((needed, "dim"), (words.window_text(s), "dim")))


def latency(a: Account, s: Summary) -> Sheet:
    """How every latency was distributed over all requests of the run that have it."""
    columns = (
        Column("latency"),
        *(Column(f"p{share * 100:g}", number=True) for share in QUANTILES),
        Column("longest", number=True),
        Column("of", number=True, rank=1),
    )
    rows = []
    for name, said in words.LATENCIES.items():
        found = s.latencies.get(name)
        if found is None:
            continue
        cells = words.quantile_cells(found.quantiles, found.count)
        rows.append(Row((said, *cells, seconds(found.longest), f"{found.count:,}" if found.count else NONE)))
    notes = [("From when a request was due; a request that failed has no latency, and misses every objective.", "dim")]
    if s.tokens_per_chunk is not None and s.tokens_per_chunk > 1.005:
        per = significant(s.tokens_per_chunk)
        notes.append((f"A chunk carries {per} tokens on average: {words.LATENCIES['itl']} is between chunks.", "dim"))
    where = (
        ""
        if isinstance(a.found, Summary)
        else f" at the capacity{words.at_the_capacity(a.found)}"
        if isinstance(a.found, Capacity)
        else ", last run"
    )
    return Sheet(f"Latency{where}", columns, tuple(rows), tuple(notes))


def throughput(s: Summary) -> Sheet:
    """What was served in the steady window, of the replica and of each of its GPUs."""
    figures = (
        ("requests/s due", s.offered_per_s),
        ("requests/s that ended", s.completed_per_s),
        ("requests/s due that met every objective", s.goodput_per_s),
        ("input tokens/s", s.input_tokens_per_s),
        ("output tokens/s", s.output_tokens_per_s),
    )
    columns = (
        Column("in the window"),
        Column("replica", number=True),
        *((Column(f"per GPU, of {s.gpus}", number=True),) if s.gpus > 1 else ()),
    )
    rows = tuple(
        Row((name, significant(v), *((significant(None if v is None else v / s.gpus),) if s.gpus > 1 else ())))
        for name, v in figures
    )
    tokens = ", ".join(
        f"{count(v)} {name}"
        for name, v in (("input", s.input_tokens), ("cached", s.cached_tokens), ("output", s.output_tokens))
        if v is not None
    )
    notes = [(f"At most {words.plural(s.most_in_flight, 'request')} in flight.", "dim")]
    if tokens:
        notes.insert(0, (f"Mean tokens of a request, as the server counts: {tokens}.", "dim"))
    return Sheet("Throughput", columns, rows, tuple(notes))


def failures(s: Summary) -> Sheet:
    """Failed requests by reason."""
    columns = (Column("failed with"), Column("requests", number=True), Column("share", number=True))
    rows = [Row((status, f"{n:,}", percent(n / s.requests)), "bad") for status, n in s.failures.items()]
    return Sheet(f"Failures: {sum(s.failures.values()):,} of {s.requests:,}", columns, tuple(rows))


def client(a: Account, s: Summary | None) -> Sheet:
    """How the client and the trace did: whether what was measured is the server."""
    notes = []
    late, several = None if s is None else words.lateness(s), not isinstance(a.found, Summary)
    if late is not None:
        kept = late <= LATENESS_LIMIT
        verb = "kept up" if kept else "did not keep up: the client was measured, not the server"
        processes = words.plural(a.processes, "process").replace("processs", "processes")
        of = " in the run shown" if several else ""
        notes.append((f"The client {verb}{of}: lateness p99 {seconds(late)} in {processes}.", "" if kept else "bad"))
    if several:
        notes += [(text, "bad") for text in words.late_runs(a)]
    notes.append((words.left_out(a), ""))
    written = f"Journal: {a.journal}" + ("" if a.profile is None else f" · profile: {a.profile}")
    notes.append((written, "dim"))
    return Sheet("Client and trace", (), (), tuple(notes))
