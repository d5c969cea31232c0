"""A comparison as JSON, versioned. Money is text to the cent beside the unrounded float; volumes are floats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import isinf
from typing import Any

from tco.analysis.compare import Comparison, Standing
from tco.analysis.crossings import Crossing
from tco.analysis.ledger import Entry, FleetState
from tco.analysis.uncertainty import Spread, Uncertainty
from tco.analysis.variants import VariantResult
from tco.lineitem import Figure
from tco.ranges import Range

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def as_json(c: Comparison, variants: Sequence[VariantResult] = ()) -> str:
    """The whole comparison; the same inputs give the same bytes."""
    content = {"schema": "tco.compare", "version": VERSION, **_comparison(c)}
    content["variants"] = [{"name": v.name, "cheapest": v.leader, **_comparison(v.comparison)} for v in variants]
    return json.dumps(content, indent=2, allow_nan=False)


def _comparison(c: Comparison) -> dict[str, Any]:
    r = c.recommendation
    return {
        "title": c.title,
        "currency": c.currency,
        "as_of": c.as_of,
        "tokens_per_day": float(c.volume),
        "requests_per_day": float(c.requests_per_day),
        "tokens_per_month": float(c.tokens_per_month),
        "range_tokens_per_day": list(c.window),
        "recommendation": {
            "option": r.option,
            "runner_up": r.runner_up,
            "margin": float(r.margin),
            "too_close_to_call": r.too_close,
            "probability": r.probability,
            "ruled_out": list(r.ruled_out),
            "stage": r.stage,
            "next_wins_with": [{"what": f.what, "value": f.value, "now": f.now, "of": f.of} for f in r.flips],
        },
        "current": c.current,
        "options": [_standing(s) for s in c.standings],
        "bands": [{"above": b.lo, "up_to": b.hi, "cheapest": list(b.leaders)} for b in c.bands],
        "crossovers": [
            {
                "a": p.a,
                "b": p.b,
                "outcome": p.outcome,
                "cheaper_in_range": p.leader,
                "crossings": [_crossing(x) for x in p.crossings],
            }
            for p in c.pairs
        ],
        "uncertainty": None if c.uncertainty is None else _uncertainty(c.uncertainty),
        "assumptions": [str(n) for n in c.assumptions],
        "warnings": [str(n) for n in c.warnings],
        "inputs": [{"file": file, "sha256": digest} for file, digest in c.inputs.items()],
    }


def _uncertainty(u: Uncertainty) -> dict[str, Any]:
    """Percentiles over draws; null: above the range in so many draws."""
    return {
        "draws": u.draws,
        "seed": u.seed,
        "ranges": [figure(f) for f in u.ranges],
        "cost_per_month": {name: {"p10": s.p10, "p90": s.p90} for name, s in u.costs.items()},
        "cheapest_in": dict(u.cheapest),
        "crossovers": [
            {
                "below": x.below,
                "above": x.above,
                "stays_cheaper_above": _volumes(x.stays),
                "first_cheaper_above": _volumes(x.first),
                "never": x.never,
                "without_swap": x.without,
                "several_swaps": x.several,
                "cheaper_at_plan": x.at_plan,
            }
            for x in u.crossings
        ],
    }


def _volumes(s: Spread) -> dict[str, float | None]:
    return {"p10": None if isinf(s.p10) else s.p10, "p90": None if isinf(s.p90) else s.p90}


def _standing(s: Standing) -> dict[str, Any]:
    return {
        "name": s.name,
        "label": s.label,
        "kind": s.kind,
        "cost_per_month": _money(s.ledger.total),
        "cost_per_month_unrounded": float(s.ledger.exact),
        "cost_per_1m_tokens": float(s.per_mtok),
        "cost_per_request": float(s.per_request),
        "api_invoice_per_month": _money(s.ledger.invoice),
        "feasible": s.feasible,
        "reasons": list(s.reasons),
        "requirements": [{"stage": k.stage, "status": k.status, "reason": k.reason} for k in s.checks],
        "saving_against_current": None
        if s.saving is None
        else {"current": s.saving.current, "per_month": _money(s.saving.amount), "share": float(s.saving.share)},
        "switched_off": s.retired,
        "feasible_up_to_tokens_per_day": None if s.upto is None else float(s.upto),
        "savings": None
        if s.savings is None
        else {
            "against": s.savings.against,
            "api_bill": float(s.savings.api_bill),
            "total": float(s.savings.total),
        },
        "lines": [_entry(e) for e in s.ledger.entries],
        "fleets": [_fleet(f) for f in s.ledger.fleets],
    }


def _entry(e: Entry) -> dict[str, Any]:
    return {
        "part": e.part,
        "category": e.category,
        "label": e.label,
        "quantity": float(e.quantity),
        "unit": e.unit,
        "rate": float(e.rate),
        "amount": _money(e.amount),
        "amount_unrounded": float(e.exact),
        "inputs": [figure(f) for f in e.inputs],
    }


def figure(f: Figure) -> dict[str, Any]:
    """A figure with its unit and its home."""
    return {
        "name": f.name,
        "value": float(f.value),
        "range": _range(f.value),
        "unit": f.unit,
        "where": f.home.where,
        "source": f.home.source,
        "checked": f.home.checked,
        "kind": f.home.kind,
    }


def _range(value: Fraction) -> dict[str, Any] | None:
    if not isinstance(value, Range):
        return None
    names = ("p10", "p90") if value.shape == "lognormal" else ("low", "high")
    return {"shape": value.shape, names[0]: float(value.low), names[1]: float(value.high)}


def _fleet(f: FleetState) -> dict[str, Any]:
    return {
        "option": f.leaf,
        "capacity": f.capacity,
        "replicas_at_peak": int(f.peak),
        "utilisation": None if f.utilisation is None else float(f.utilisation),
        "levels": [
            {
                "hours_per_month": float(h.hours),
                "share_of_day": float(h.share_of_day),
                "busy_replicas": float(h.busy),
                "replicas": int(h.replicas) if h.replicas.denominator == 1 else float(h.replicas),
            }
            for h in f.levels
        ],
    }


def _crossing(x: Crossing) -> dict[str, Any]:
    return {
        "kind": x.kind,
        "tokens_per_day": x.volume,
        "since_tokens_per_day": x.since,
        "requests_per_day": x.requests_per_day,
        "cheaper_up_to_here": x.below,
        "cheaper_above": x.above,
        "equivalent_api_spend_per_month": None if x.equivalent is None else _money(x.equivalent),
        "equivalent_api": x.equivalent_api,
        "exact": x.exact,
    }


def _money(amount: Decimal | Fraction) -> str:
    return f"{amount:.2f}"
