"""A comparison as Markdown, for a page or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from tco.analysis.compare import Comparison
from tco.analysis.variants import VariantResult
from tco.report import words
from tco.report.table import CROSSINGS_SHOWN, by_cost, changes_at, folded, replicas


def as_markdown(c: Comparison, variants: Sequence[VariantResult] = ()) -> str:
    """The comparison in tables, the answer first."""
    parts = [f"## {escaped(c.title)}", f"**{escaped(words.verdict(c))}** {escaped(words.changes(c))}"]
    parts.append(
        _table(
            ("option", f"{c.currency}/month", "per 1M tokens", "per request", "replicas", "busy", "feasible"),
            (
                (s.name, f"{s.ledger.total:,.2f}", words.significant(s.per_mtok), words.significant(s.per_request),
                 *replicas(s), words.feasible(s))
                for s in by_cost(c)
            ),
            right=(1, 2, 3, 4, 5),
        )
    )  # fmt: skip
    categories = list(dict.fromkeys(k for s in c.standings for k in s.ledger.categories))
    parts.append(
        _table(
            ("option", *(words.CATEGORIES.get(k, k) for k in categories), "total"),
            (
                (
                    s.name,
                    *(f"{s.ledger.categories.get(k, Decimal(0)):,.2f}" for k in categories),
                    f"{s.ledger.total:,.2f}",
                )
                for s in c.standings
            ),
            right=range(1, len(categories) + 2),
        )
    )
    parts.append(
        _table(
            ("tokens/day", "cheapest"),
            ((f"{words.edge(lo)} – {words.edge(hi)}", name) for lo, hi, name, _ in folded(c)),
        )
    )
    crossings = [x for p in c.pairs for x in p.crossings[:CROSSINGS_SHOWN]]
    if crossings:
        parts.append(
            _table(
                ("from", "to", "tokens/day", "requests/day", "equivalent API spend"),
                (
                    (x.below, x.above, words.crossing_volume(x), words.tokens(x.requests_per_day),
                     "–" if x.equivalent is None else f"{words.money(x.equivalent, c.currency)} ({x.equivalent_api})")
                    for x in crossings
                ),
                right=(2, 3, 4),
            )
        )  # fmt: skip
    none = [
        f"- {sentence}"
        for sentence in (
            *filter(None, map(words.savings, c.standings)),
            *words.footnotes(crossings),
            *words.uncrossed(c),
        )
    ]
    more = [
        f"- {p.a} and {p.b}: {words.outcome(p)}, the first {CROSSINGS_SHOWN} shown"
        for p in c.pairs
        if len(p.crossings) > CROSSINGS_SHOWN
    ]
    if none or more:
        parts.append("\n".join(escaped(line, keep_dash=True) for line in (*none, *more)))
    if variants:
        rows = (
            (v.name, v.leader, f"{v.cost:,.2f}" if v.cost is not None else "–", changes_at(v, c.currency))
            for v in variants
        )
        parts.append(_table(("variant", "cheapest", f"{c.currency}/month", "the answer changes at"), rows, right=(2,)))
    for title, notes in (("Assumptions", c.assumptions), ("Warnings", c.warnings)):
        if notes:
            parts.append(f"### {title}\n\n" + "\n".join(f"- {escaped(str(n))}" for n in notes))
    parts.append(f"<sub>prices as of {c.as_of}; {words.tokens(c.volume)} tokens/day</sub>")
    return "\n\n".join(parts) + "\n"


def escaped(text: str, keep_dash: bool = False) -> str:
    """Text that Markdown shows as it is."""
    body, start = (text[2:], "- ") if keep_dash and text.startswith("- ") else (text, "")
    return start + re.sub(r"([\\`*_\[\]<>|#~$]|^[+-])", r"\\\1", body)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    rights = set(right)
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join("---:" if i in rights else "---" for i in range(len(header))) + "|")
    lines += ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
