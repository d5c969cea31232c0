"""Comparisons, plans and prices as pandas frames, for notebooks: the values of the command line, units in column names.

Money of a row that stands on a bill is rounded to the cent as everywhere; `_unrounded` beside it is what it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tco.analysis.case import Case, build_case, document_of
from tco.analysis.compare import Comparison, Recommendation
from tco.analysis.compare import compare as run
from tco.analysis.feasibility import ruled_out
from tco.analysis.outcome import Choice, choice, serves_throughout, total_spread, unable
from tco.analysis.plan import Plan
from tco.analysis.plan import plan as run_plan
from tco.catalog.browse import EVERY_SECTION, entries
from tco.catalog.store import Store
from tco.document import Document, Fault, Faults, did_you_mean, load_text
from tco.draws import DRAWS, MOST_DRAWS, SEED, Draws
from tco.quantity import at
from tco.report import plan_words, words
from tco.report.json import as_json
from tco.report.plan_json import as_json as plan_json
from tco.report.plan_png import draw as draw_plan
from tco.report.png import draw
from tco.report.prices_json import plain
from tco.scenario.variant import with_variant
from tco.shipped import shipped

MAPPING = "scenario"
"""What stands for the file where a scenario is a mapping."""


class Result:
    """What `tco compare` finds, as objects and frames. `comparison` is the raw result, `case` what was compared."""

    def __init__(self, case: Case, comparison: Comparison) -> None:
        self.case, self.comparison = case, comparison

    @property
    def recommendation(self) -> Recommendation:
        """The cheapest feasible option, the next, the margin between them (a share), and what decided."""
        return self.comparison.recommendation

    @property
    def verdict(self) -> str:
        """The answer in words, and where it changes."""
        return f"{words.verdict(self.comparison)} {words.changes(self.comparison)}"

    @property
    def assumptions(self) -> list[str]:
        """What the result rests on and nobody stated."""
        return [str(note) for note in self.comparison.assumptions]

    @property
    def warnings(self) -> list[str]:
        """What should be looked at before the result is believed."""
        return [str(note) for note in self.comparison.warnings]

    @property
    def table(self) -> pd.DataFrame:
        """A row an option at the planned volume."""
        money = self._money
        rows = []
        for s in self.comparison.standings:
            drawn = None if self.comparison.uncertainty is None else self.comparison.uncertainty.costs[s.name]
            busy = [f.utilisation for f in s.ledger.fleets if f.utilisation is not None]
            rows.append(
                {
                    "option": s.name,
                    "kind": s.kind,
                    money("cost", "per_month"): float(s.ledger.total),
                    money("cost", "per_month_unrounded"): float(s.ledger.exact),
                    money("cost", "per_1m_tokens"): float(s.per_mtok),
                    money("cost", "per_request"): float(s.per_request),
                    money("api_invoice", "per_month"): float(s.ledger.invoice),
                    money("p10", "per_month"): np.nan if drawn is None else drawn.p10,
                    money("p90", "per_month"): np.nan if drawn is None else drawn.p90,
                    "replicas_at_peak": float(sum((f.peak for f in s.ledger.fleets), Fraction(0))),
                    "utilisation_share": float(busy[0]) if len(busy) == 1 else np.nan,
                    "feasible": s.feasible,
                    "reasons": "; ".join(s.reasons),
                    "feasible_up_to_tokens_per_day": np.inf if s.upto is None else float(s.upto),
                }
            )
        return pd.DataFrame(rows)

    @property
    def lines(self) -> pd.DataFrame:
        """A row a line item of each option at the planned volume: quantity x rate."""
        rows = [
            {
                "option": s.name,
                "part": e.part,
                "category": e.category,
                "label": e.label,
                "quantity": float(e.quantity),
                "unit": e.unit,
                self._money("rate", "per_unit"): float(e.rate),
                self._money("amount", "per_month"): float(e.amount),
                self._money("amount", "per_month_unrounded"): float(e.exact),
                "sources": "; ".join(dict.fromkeys(f"{f.name}: {f.home}" for f in e.inputs)),
            }
            for s in self.comparison.standings
            for e in s.ledger.entries
        ]
        return pd.DataFrame(rows)

    @property
    def bands(self) -> pd.DataFrame:
        """Who is cheapest, by volume: above one and up to another, both in tokens a day."""
        columns = ["above_tokens_per_day", "up_to_tokens_per_day", "cheapest"]
        return pd.DataFrame([(b.lo, b.hi, words.band_name(b)) for b in self.comparison.bands], columns=columns)

    @property
    def crossovers(self) -> pd.DataFrame:
        """Every volume at which two options swap order."""
        columns = [
            "cheaper_up_to_here",
            "cheaper_above",
            "kind",
            "since_tokens_per_day",
            "tokens_per_day",
            "requests_per_day",
            self._money("equivalent_api_spend", "per_month"),
            "equivalent_api",
            "exact",
        ]
        rows = [
            (x.below, x.above, x.kind, x.since, x.volume, x.requests_per_day,
             np.nan if x.equivalent is None else float(x.equivalent), x.equivalent_api, x.exact)
            for p in self.comparison.pairs
            for x in p.crossings
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def sweep(self, points: int = 200) -> pd.DataFrame:
        """The cost of every option over the range, crossovers and band edges included; NaN beyond what it can serve.

        An option that fails a requirement is nowhere feasible and has its cost all the same.
        """
        c = self.comparison
        volumes, costs = c.sweep(points)
        days, mean = float(c.tokens_per_month / c.volume), float(c.volume / c.requests_per_day)
        cost = np.column_stack(list(costs.values())).reshape(-1)
        volume = np.repeat(volumes, len(costs))
        able = np.isfinite(cost)
        met = np.tile([ruled_out(c.standing(name).checks) is None for name in costs], len(volumes))
        return pd.DataFrame(
            {
                "tokens_per_day": volume,
                "requests_per_day": volume / mean,
                "option": list(costs) * len(volumes),
                self._money("cost", "per_month"): np.where(able, cost, np.nan),
                self._money("cost", "per_1m_tokens"): np.where(able, cost / (volume * days) * 1e6, np.nan),
                "feasible": able & met,
            }
        )

    @property
    def draws(self) -> pd.DataFrame:
        """The cost of every option in every draw, at that draw's planned volume; no rows where nothing is a range."""
        u = self.comparison.uncertainty
        columns = ["draw", "option", "tokens_per_day", self._money("cost", "per_month")]
        if u is None:
            return pd.DataFrame(columns=columns)
        n = Draws(u.draws, u.seed)
        rows = np.arange(u.draws)
        volume = np.broadcast_to(self.case.volume_in(n), (u.draws,))
        here = at(volume, rows=rows)
        parts = [
            pd.DataFrame(
                dict(zip(columns, (rows, name, volume, np.broadcast_to(q.value(here), (u.draws,))), strict=True))
            )
            for name, q in u.quantities.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def to_json(self) -> str:
        """What `tco compare --json` prints."""
        return as_json(self.comparison)

    def to_png(self, path: str | Path) -> Path:
        """Draw the cost curves and bands to a file, as `tco compare --png` does. OSError where it cannot be written."""
        return _written_png(path, lambda: draw(self.comparison))

    def __repr__(self) -> str:
        return f"<{self.comparison.title}: {words.verdict(self.comparison)}>"

    def _repr_html_(self) -> str:
        c = self.comparison
        parts = [f"<h3>{escape(c.title)}</h3>", f"<p><strong>{escape(words.verdict(c))}</strong> "]
        parts.append(f"{escape(words.changes(c))}</p>")
        shown = [self._money("cost", suffix) for suffix in ("per_month", "per_1m_tokens", "per_request")]
        parts.append(_html(self.table[["option", "kind", *shown, "feasible", "reasons"]].sort_values(shown[0])))
        parts.append(_html(self.bands))
        if len(self.crossovers):
            parts.append(_html(self.crossovers[["cheaper_up_to_here", "cheaper_above", "tokens_per_day"]]))
        if self.warnings:
            items = "".join(f"<li>{escape(text)}</li>" for text in self.warnings)
            parts.append(f"<p>Warnings</p><ul>{items}</ul>")
        return "\n".join(parts)

    def _money(self, what: str, per: str) -> str:
        """The name of a column of money."""
        return f"{what}_{self.comparison.currency.lower()}_{per}"


class PlanResult:
    """What `tco plan` finds, as objects and frames. `plan` is the raw result, `case` what was planned."""

    def __init__(self, case: Case, found: Plan) -> None:
        self.case, self.plan = case, found

    @property
    def recommendation(self) -> Choice:
        """The option that pays least over all months at present value, the next, and how sure that is."""
        return choice(self.plan)

    @property
    def verdict(self) -> str:
        """The answer in words, when it changes and what pays back."""
        return " ".join((plan_words.verdict(self.plan), *plan_words.why(self.plan)))

    @property
    def assumptions(self) -> list[str]:
        """What the result rests on and nobody stated."""
        return [str(note) for note in self.plan.assumptions]

    @property
    def warnings(self) -> list[str]:
        """What makes the result less sure."""
        return [str(note) for note in self.plan.warnings]

    @property
    def table(self) -> pd.DataFrame:
        """A row an option: what it pays over the plan. Payback in months: NaN where there is none, inf for never."""
        rows = []
        for p in self.plan.prospects:
            spread = total_spread(p)
            never = plan_words.share_never(p)
            rows.append(
                {
                    "option": p.name,
                    "kind": p.kind,
                    self._money("total"): float(p.total),
                    self._money("present_value"): p.npv,
                    self._money("capex"): float(sum(p.capex)),
                    self._money("opex"): float(sum(p.opex)),
                    self._money("p10_total"): np.nan if spread is None else spread.p10,
                    self._money("p90_total"): np.nan if spread is None else spread.p90,
                    "payback_months": np.nan if p.payback is None else p.payback.interpolated,
                    "reverses_months": np.nan if p.payback is None else p.payback.reverses,
                    "discounted_payback_months": np.nan
                    if p.discounted_payback is None
                    else p.discounted_payback.interpolated,
                    "never_pays_back_share": np.nan if never is None else never,
                    "irr_per_year": np.nan if p.irr is None else p.irr,
                    "feasible": serves_throughout(p),
                    "reasons": "; ".join(unable(p)),
                }
            )
        return pd.DataFrame(rows)

    @property
    def months(self) -> pd.DataFrame:
        """A row an option and column of time: 0 before the first month, then each month. NaN where there is none."""
        plan = self.plan
        rows = []
        for p in plan.prospects:
            cost = (None, *p.monthly)
            for i, paid in enumerate(p.paid):
                there = i > 0
                rows.append(
                    {
                        "option": p.name,
                        "column": i,
                        "month": str(plan.months[i - 1]) if there else "",
                        "tokens_per_day": float(plan.volumes[i - 1]) if there else np.nan,
                        self._money("paid"): float(paid),
                        self._money("cumulative"): float(p.cumulative[i]),
                        self._money("cost"): np.nan if (value := cost[i]) is None else float(value),
                        "replicas": _at(p.replicas, i - 1),
                        "fte": _at(p.posts, i - 1),
                        "feasible": p.feasible(i - 1) if there else None,
                    }
                )
        return pd.DataFrame(rows)

    @property
    def lines(self) -> pd.DataFrame:
        """A row a line of each option, view and column of time: as it is `paid`, and as it is a `cost`."""
        rows = [
            {
                "option": p.name,
                "view": view,
                "part": s.key.part,
                "category": s.key.category,
                "label": s.key.label,
                "capital": s.key.capital,
                "column": i,
                self._money("amount"): float(amount),
                self._money("amount_unrounded"): float(s.exact[i - first]),
            }
            for p in self.plan.prospects
            for view, series, first in (("paid", p.payments, 0), ("cost", p.costs, 1))
            for s in series
            for i, amount in enumerate(s.amounts, start=first)
        ]
        return pd.DataFrame(rows)

    @property
    def changes(self) -> pd.DataFrame:
        """A row a month from which another option is the cheapest feasible one."""
        columns = ["month", "before", "after", "stage"]
        found = [(str(self.plan.months[c.month]), c.before, c.after, c.stage) for c in self.plan.changes]
        return pd.DataFrame(found, columns=columns)

    def to_json(self) -> str:
        """What `tco plan --json` prints."""
        return plan_json(self.plan)

    def to_png(self, path: str | Path) -> Path:
        """Draw what has been paid so far, as `tco plan --png` does. OSError where it cannot be written."""
        return _written_png(path, lambda: draw_plan(self.plan))

    def __repr__(self) -> str:
        return f"<{self.plan.title}: {plan_words.verdict(self.plan)}>"

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.plan.title)}</h3>", f"<p>{escape(self.verdict)}</p>"]
        shown = ["option", "kind", self._money("total"), self._money("present_value"), "payback_months", "feasible"]
        parts.append(_html(self.table[shown].sort_values(shown[3])))
        return "\n".join(parts)

    def _money(self, what: str) -> str:
        """The name of a column of money."""
        return f"{what}_{self.plan.currency.lower()}"


def _at(values: Sequence[Fraction] | None, place: int) -> float:
    return np.nan if values is None or place < 0 else float(values[place])


def _written_png(path: str | Path, drawn: Callable[[], bytes]) -> Path:
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise Faults([Fault(str(path), 0, 0, "not the name of a picture", "a file that ends in .png")])
    aside = target.with_name(f".{target.name[:50]}.aside")
    aside.write_bytes(drawn())
    aside.replace(target)  # whole, or as it was
    return target


def _html(frame: pd.DataFrame) -> str:
    return str(frame.to_html(index=False, escape=True, border=0, float_format=lambda v: f"{v:,.6g}"))


def compare(
    scenario: str | Path | Mapping[str, Any], *, variant: str | None, draws: int | None, seed: int | None
) -> Result:
    """Read and compare a scenario. `Faults` with everything that is wrong in it."""
    case, count, first = _asked(scenario, variant, draws, seed)
    return Result(case, run(case, count, first))


def plan(
    scenario: str | Path | Mapping[str, Any], *, variant: str | None, draws: int | None, seed: int | None
) -> PlanResult:
    """Read a scenario and follow its options over time. `Faults` with everything that is wrong in it."""
    case, count, first = _asked(scenario, variant, draws, seed)
    return PlanResult(case, run_plan(case, count, first))


def _asked(
    scenario: str | Path | Mapping[str, Any], variant: str | None, draws: int | None, seed: int | None
) -> tuple[Case, int, int]:
    """The case, and how many draws of which seed."""
    document = _document(scenario)
    if variant is not None and not isinstance(variant, str):
        raise Faults([Fault("variant", 0, 0, f"not the name of a variant: {variant!r}", "text")])
    if variant is not None:
        document = with_variant(document, variant)
    count = DRAWS if draws is None else draws
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_DRAWS:
        expected = f"a whole number from 0 to {MOST_DRAWS:,}"
        raise Faults([Fault("draws", 0, 0, f"not a number of draws: {count!r}", expected)])
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise Faults([Fault("seed", 0, 0, f"not a seed: {seed!r}", "a whole number from 0")])
    return build_case(document, variant), count, SEED if seed is None else seed


def _document(scenario: str | Path | Mapping[str, Any]) -> Document:
    if isinstance(scenario, str | Path):
        return document_of(str(scenario))
    if not isinstance(scenario, Mapping):
        what = type(scenario).__name__
        raise Faults(
            [Fault(MAPPING, 0, 0, f"not a scenario: {what}", "a path, a shipped scenario's name or a mapping")]
        )
    return replace(load_text(_yaml(scenario), MAPPING, partial=True), path=Path(MAPPING))


def _yaml(mapping: Mapping[str, Any]) -> str:
    """A mapping as the text it would have as a file, so that what is wrong in it has a place."""
    try:
        return _written(mapping, "\n")
    except (RecursionError, ValueError) as problem:
        why = "it contains itself" if isinstance(problem, RecursionError) else str(problem)
        raise Faults([Fault(MAPPING, 0, 0, why, "numbers, text, dates, lists and mappings")]) from None


def _written(value: Any, line: str) -> str:
    """A value of Python in YAML's flow style, which JSON is: numbers exact and without an exponent, dates as text."""
    inner = f"{line}  "
    if isinstance(value, Mapping):
        odd = next((k for k in value if not isinstance(k, str)), None)
        if odd is not None:
            raise ValueError(f"a key is no text: {odd!r}")
        items = [f"{json.dumps(k, ensure_ascii=False)}: {_written(v, inner)}" for k, v in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}" if items else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(item, inner) for item in value)}]"
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    if value is None or isinstance(value, bool | np.bool_ | str):
        return json.dumps(bool(value) if isinstance(value, np.bool_) else value, ensure_ascii=False)
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating | Decimal | Fraction):
        return _plain(value)
    raise ValueError(f"a value of type {type(value).__name__}: {value!r}")


def _plain(number: float | np.floating[Any] | Decimal | Fraction) -> str:
    """In plain decimal notation; a float as its shortest decimal, a fraction that has none to 30 digits."""
    if isinstance(number, Fraction):
        return f"{Context(prec=30).divide(Decimal(number.numerator), Decimal(number.denominator)):f}"
    exact = number if isinstance(number, Decimal) else Decimal(repr(float(number)))
    if not exact.is_finite():
        raise ValueError(f"not a finite number: {number}")
    return f"{exact:f}"


def prices(section: str | None, catalogs: Sequence[str | Path], as_of: date | str | None) -> pd.DataFrame:
    """Every dated row of the catalogues: a column for each figure, empty where a row has none. `Faults`."""
    wanted = None if section is None else section.replace("-", "_")
    if wanted is not None and wanted not in EVERY_SECTION:
        hint = did_you_mean(wanted, EVERY_SECTION)
        raise Faults([Fault("prices", 0, 0, f"no section `{section}`", "one of " + ", ".join(EVERY_SECTION), hint)])
    folders = [Path(folder) for folder in catalogs]
    missing = next((folder for folder in folders if not folder.is_dir()), None)
    if missing is not None:
        raise Faults([Fault(str(missing), 0, 0, "no such folder", "a folder of catalogue files")])
    store = Store([*folders, shipped("pricing")], _day(as_of))
    rows: list[dict[str, Any]] = []
    for e in entries(store, wanted):
        head = {
            "section": e.section,
            "name": e.name,
            "provider": e.provider,
            "currency": e.currency,
            "label": e.label,
        }
        own = {} if isinstance(e.spec, list) else {k: v for k, v in plain(e.spec).items() if k != "prices"}
        for row in e.rows:
            figures = plain(row.spec)
            paper = {**head, "figure": row.what, "holds": row.holds, "where": e.where}
            rows.append({**paper, **{k: v for k, v in _flat({**own, **figures}).items() if k not in paper}})
    return pd.DataFrame(rows)


def _flat(content: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested figures side by side: `tiers.batch.input_per_mtok`."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def _day(as_of: date | str | None) -> date:
    if as_of is None:
        return date.today()
    try:
        return date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise Faults([Fault("as_of", 0, 0, f"not a date: {as_of!r}", "a date such as 2026-11-21")]) from None
