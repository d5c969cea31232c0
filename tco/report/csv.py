"""CSV for finance: the ledger line by line, and the sweep over volumes. Nothing in a cell runs in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from numpy import isfinite

from tco.analysis.compare import Comparison
from tco.analysis.feasibility import ruled_out
from tco.report.words import significant

LEDGER = (
    "option",
    "kind",
    "row",
    "part",
    "category",
    "line",
    "quantity",
    "unit",
    "rate",
    "currency",
    "amount_per_month",
    "tokens_per_day",
    "feasible",
    "sources",
    "p10_per_month",
    "p90_per_month",
)
SWEEP = (
    "tokens_per_day",
    "requests_per_day",
    "option",
    "currency",
    "cost_per_month",
    "cost_per_1m_tokens",
    "feasible",
    "p10_per_month",
    "p90_per_month",
)


def defused(text: str) -> str:
    """A text cell that no spreadsheet runs as a formula: what would start one gets a quote before it."""
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\r", "\n") else text


def ledger_csv(c: Comparison) -> str:
    """A row for each line item of each option at the planned volume, then its total: their sum."""

    def rows() -> Iterable[Sequence[str]]:
        drawn = c.uncertainty
        for s in c.standings:
            able = "yes" if s.feasible else "no"
            volume = significant(c.volume, 12).replace(",", "")
            for e in s.ledger.entries:
                homes = "; ".join(dict.fromkeys(f"{f.name}: {f.home}" for f in e.inputs))
                yield (
                    s.name,
                    s.kind,
                    "line",
                    e.part,
                    e.category,
                    e.label,
                    _plain(float(e.quantity)),
                    e.unit,
                    _plain(float(e.rate)),
                    c.currency,
                    f"{e.amount:.2f}",
                    volume,
                    able,
                    homes,
                    "",
                    "",
                )
            yield (
                s.name,
                s.kind,
                "total",
                "",
                "",
                "total",
                "",
                "",
                "",
                c.currency,
                f"{s.ledger.total:.2f}",
                volume,
                able,
                "",
                *(("", "") if drawn is None else (f"{v:.2f}" for v in drawn.costs[s.name])),
            )

    return as_csv(LEDGER, rows())


def sweep_csv(c: Comparison) -> str:
    """A row for each option at each volume of a logarithmic grid, every crossover and band edge included."""
    volumes, costs = c.sweep()
    days = float(c.tokens_per_month / c.volume)
    mean = float(c.volume / c.requests_per_day)
    out = {s.name for s in c.standings if ruled_out(s.checks) is not None}
    ribbons = {} if c.uncertainty is None else {name: c.uncertainty.ribbon(name, volumes) for name in costs}

    def rows() -> Iterable[Sequence[str]]:
        for i, v in enumerate(volumes.tolist()):
            for name, values in costs.items():
                cost = float(values[i])
                known = bool(isfinite(cost))
                yield (
                    _plain(v),
                    _plain(v / mean),
                    name,
                    c.currency,
                    f"{cost:.2f}" if known else "",
                    f"{cost / (v * days) * 1e6:.6g}" if known else "",
                    "yes" if known and name not in out else "no",
                    *(f"{edge[i]:.2f}" if known else "" for edge in ribbons.get(name, ())),
                    *(("", "") if name not in ribbons else ()),
                )

    return as_csv(SWEEP, rows())


def _plain(number: float) -> str:
    return f"{number:.12g}"


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV: a cell that is no number is defused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell if _is_number(cell) else defused(cell) for cell in row])
    return out.getvalue()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
