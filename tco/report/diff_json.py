"""What a change does to the bill, as JSON, versioned. Money is text to the cent beside the unrounded float."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tco.analysis.change.limit import Verdict
from tco.analysis.change.record import Bill, Measure, OptionChange, Spend
from tco.analysis.compare import Comparison
from tco.analysis.plan import Plan
from tco.gate.finding import Finding
from tco.report.diff_outcome import Judged, Outcome

VERSION = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def as_json(outcome: Outcome) -> str:
    """The whole outcome; the same inputs give the same bytes."""
    content = {
        "schema": "tco.diff",
        "version": VERSION,
        "old": outcome.old,
        "new": outcome.new,
        "scenarios": [_scenario(judged) for judged in outcome.scenarios],
        "failed": [{"file": one.file, "messages": list(one.messages)} for one in outcome.failed],
    }
    return json.dumps(content, indent=2, allow_nan=False)


def _scenario(judged: Judged) -> dict[str, Any]:
    c = judged.change
    return {
        "file": c.file,
        "title": c.title,
        "status": c.status,
        "currency": c.currency,
        "causes": list(c.causes),
        "bill": _bill(c.bill),
        "plan": None if c.spend is None else _spend(c.spend),
        "limits": [_limit(v) for v in judged.verdicts],
        "budgets_newly_crossed": [_crossed(f) for f in judged.crossed],
        "budgets_not_evaluated": list(judged.unchecked),
        "options": [_option(o) for o in c.options],
        "changed": [
            {"cause": k.cause, "path": k.path, "before": k.before, "after": k.after, "where": k.where}
            for k in c.changed
        ],
        "crossovers_moved": [
            {"cheaper_up_to_here": s.below, "cheaper_above": s.above, "before": list(s.before), "after": list(s.after)}
            for s in c.shifts
        ],
        "before": None if c.before is None else _side(c.before),
        "after": None if c.after is None else _side(c.after),
        "warnings": list(c.warnings),
    }


def _spend(s: Spend) -> dict[str, Any]:
    before, after = (
        None if plan is None else _plan(plan, stated) for plan, stated in zip(s.plans, s.stated, strict=True)
    )
    return {"bill": _bill(s.bill), "same_months": s.same_months, "before": before, "after": after}


def _plan(p: Plan, stated: bool) -> dict[str, Any]:
    return {
        "projection_stated": stated,
        "start": str(p.months[0]),
        "months": len(p.months),
        "cheapest_in_first_month": p.cheapest[0],
        "cheapest_changes": [
            {"month": str(p.months[turn.month]), "before": turn.before, "after": turn.after, "stage": turn.stage}
            for turn in p.changes
        ],
    }


def _bill(b: Bill) -> dict[str, Any]:
    return {
        "of": b.kind,
        "option_before": b.before,
        "option_after": b.after,
        "before": _money(b.was),
        "after": _money(b.now),
        "change": _money(b.amount),
        "share": None if b.share is None else float(b.share),
    }


def _limit(v: Verdict) -> dict[str, Any]:
    status = {True: "within", False: "crossed", None: "not evaluated"}[v.holds]
    return {"max_increase": v.limit.text, "of": v.limit.of, "status": status, "reason": v.why or None}


def _crossed(f: Finding) -> dict[str, Any]:
    return {
        "name": f.name,
        "rule": f.rule,
        "status": f.status,
        "subject": f.subject,
        "unit": f.unit,
        "figure": None if f.figure is None else float(f.figure),
        "limit": None if f.limit is None else float(f.limit),
        "file": f.place.file,
        "line": f.place.line,
        "owner": f.owner,
    }


def _option(o: OptionChange) -> dict[str, Any]:
    return {
        "name": o.name,
        **_measure(o.month),
        "in_total": None if o.total is None else _measure(o.total),
        "feasible_before": o.feasible[0],
        "feasible_after": o.feasible[1],
    }


def _measure(m: Measure) -> dict[str, Any]:
    parts = [
        {"causes": list(p.causes), "change": _money(p.amount), "change_unrounded": float(p.exact)} for p in m.parts
    ]
    return {
        "before": _money(m.before),
        "after": _money(m.after),
        "change": _money(m.amount),
        "change_unrounded": float(m.exact[1] - m.exact[0]),
        "share": None if m.share is None else float(m.share),
        "by_cause": parts if m.split else None,
    }


def _side(c: Comparison) -> dict[str, Any]:
    r = c.recommendation
    return {
        "as_of": c.as_of,
        "tokens_per_day": float(c.volume),
        "current": c.current,
        "recommendation": {"option": r.option, "margin": float(r.margin), "too_close_to_call": r.too_close},
        "bands": [{"above": b.lo, "up_to": b.hi, "cheapest": list(b.leaders)} for b in c.bands],
        "inputs": [{"file": file, "sha256": digest} for file, digest in c.inputs.items()],
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"
