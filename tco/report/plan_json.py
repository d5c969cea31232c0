"""A plan as JSON, versioned. Money is text to the cent beside the unrounded float; months are 2027-01."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import isinf
from typing import Any

from tco.analysis.outcome import Span, choice, no_rate, unable
from tco.analysis.plan import Payback, Plan, Prospect, Series
from tco.calendar import Month
from tco.quantity import Array
from tco.report.json import figure
from tco.report.plan_words import share_never

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""

PERCENTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


def as_json(plan: Plan) -> str:
    """The whole plan; the same inputs give the same bytes. Lists of what is paid begin before the first month."""
    c = choice(plan)
    content = {
        "schema": "tco.plan",
        "version": VERSION,
        "title": plan.title,
        "variant": plan.variant,
        "currency": plan.currency,
        "as_of": plan.as_of,
        "months": list(map(str, plan.months)),
        "tokens_per_day": [float(v) for v in plan.volumes],
        "requests_per_day": [float(v) for v in plan.requests_per_day],
        "discount_rate": float(plan.discount_rate),
        "recommendation": {
            "option": c.option,
            "runner_up": c.runner_up,
            "margin": float(c.margin),
            "too_close_to_call": c.too_close,
            "probability": c.probability,
            "ruled_out": list(c.cheaper),
        },
        "current": plan.current,
        "cheapest_by_month": list(plan.cheapest),
        "changes": [
            {"month": str(plan.months[x.month]), "before": x.before, "after": x.after, "stage": x.stage}
            for x in plan.changes
        ],
        "options": [_prospect(plan, p) for p in plan.prospects],
        "uncertainty": {"draws": plan.draws, "seed": plan.seed} if plan.draws else None,
        "assumptions": [str(n) for n in plan.assumptions],
        "warnings": [str(n) for n in plan.warnings],
        "inputs": [{"file": file, "sha256": digest} for file, digest in plan.inputs.items()],
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _prospect(plan: Plan, p: Prospect) -> dict[str, Any]:
    months = range(len(plan.months))
    return {
        "name": p.name,
        "label": p.label,
        "kind": p.kind,
        "stage": p.stage,
        "candidate": p.name in plan.candidates,
        "total": _money(p.total),
        "total_unrounded": float(sum((v for s in p.payments for v in s.exact), Fraction(0))),
        "present_value": p.npv,
        "capex": _money(sum(p.capex, Decimal("0.00"))),
        "opex": _money(sum(p.opex, Decimal("0.00"))),
        "payback": _payback(plan, p.payback),
        "discounted_payback": _payback(plan, p.discounted_payback),
        "irr": p.irr,
        "irr_reason": no_rate(plan, p),
        "feasible": all(map(p.feasible, months)),
        "feasible_by_month": list(map(p.feasible, months)),
        "reasons": [{"reason": reason, "months": _spans(plan, when)} for reason, when in unable(p).items()],
        "requirements": [{"stage": k.stage, "status": k.status, "reason": k.reason} for k in p.checks],
        "paid": _all(p.paid),
        "paid_unrounded": _sums(p.payments, len(plan.months) + 1),
        "cumulative": _all(p.cumulative),
        "capex_paid": _all(p.capex),
        "opex_paid": _all(p.opex),
        "cost": _all(p.monthly),
        "cost_unrounded": _sums(p.costs, len(plan.months)),
        "replicas": _counts(p.replicas),
        "gpus": _counts(p.gpus),
        "fte": _counts(p.posts),
        "paid_lines": list(map(_series, p.payments)),
        "cost_lines": list(map(_series, p.costs)),
        "draws": _outlook(p),
    }


def _series(s: Series) -> dict[str, Any]:
    return {
        "part": s.key.part,
        "category": s.key.category,
        "label": s.key.label,
        "capital": s.key.capital,
        "total": _money(s.total),
        "amounts": _all(s.amounts),
        "amounts_unrounded": [float(v) for v in s.exact],
        "inputs": [figure(f) for f in s.inputs],
    }


def _payback(plan: Plan, found: Payback | None) -> dict[str, Any]:
    """In months from the start, and the month by name: null where there is none, with the reason."""
    if found is None:
        reason = "no `current` is stated" if plan.current is None else "it is what runs today"
        return {"months": None, "first_month": None, "reverses": None, "reason": reason}
    never = isinf(found.interpolated)
    return {
        "months": None if never else found.interpolated,
        "first_month": _at_column(plan, found.month),
        "reverses": _at_column(plan, found.reverses),
        "reason": f"not by {plan.months[-1]}" if never else None,
    }


def _at_column(plan: Plan, column: float) -> str | None:
    """The month of a column; the one before the first for column 0, null where there is none."""
    return None if isinf(column) else str(Month.later(plan.months[0], int(column) - 1))


def _outlook(p: Prospect) -> dict[str, Any] | None:
    """Percentiles over draws, each month by itself: values that some draw had. null in a payback: not in the plan."""
    o = p.outlook
    if o is None:
        return None

    def over(values: Array) -> dict[str, Any]:
        return {key: o.percentile(values, share).tolist() for key, share in PERCENTILES.items()}

    repaid = None if o.payback is None else {k: None if isinf(v) else v for k, v in over(o.payback).items()}
    return {
        "total": over(o.paid.sum(axis=0)),
        "present_value": over(o.npv),
        "payback_months": repaid,
        "never_paid_back": share_never(p),
        "cost": over(o.cost),
        "cumulative": over(o.paid.cumsum(axis=0)),
        "feasible": o.able.mean(axis=1).tolist(),
    }


def _spans(plan: Plan, found: Sequence[Span]) -> list[dict[str, str]]:
    return [{"first": str(plan.months[s.first]), "last": str(plan.months[s.last])} for s in found]


def _sums(series: Iterable[Series], length: int) -> list[float]:
    sums = [Fraction(0)] * length
    for s in series:
        sums = [a + b for a, b in zip(sums, s.exact, strict=True)]
    return [float(v) for v in sums]


def _counts(values: Sequence[Fraction] | None) -> list[float] | None:
    return None if values is None else [float(v) for v in values]


def _all(amounts: Iterable[Decimal]) -> list[str]:
    return list(map(_money, amounts))


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
