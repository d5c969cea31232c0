"""Feasibility: the requirements of a scenario held against the facts of its options, in a fixed order.

Data, quality, context, operations, fine-tuning, latency: the order of a decision that stops at the first hard
constraint. What fails is ruled out whatever it costs; what is not known is neither met nor failed, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from tco.analysis.case import Case
from tco.options.assembly import Assembled
from tco.options.base import At, ServesTokens
from tco.options.usage import longest_call
from tco.scenario.requirements import DATA_LEVELS
from tco.units import format_tokens

KEYS = {
    "data": "data",
    "quality": "quality.accuracy",
    "context": "context_tokens",
    "fine-tuning": "fine_tunable",
    "latency": "time_to_first_token",
}
"""The key of an option that each stage asks for."""

Status = Literal["met", "failed", "unknown"]


class Check(NamedTuple):
    """One requirement held against one option."""

    stage: str
    """data, quality, context, operations, fine-tuning or latency."""
    status: Status
    reason: str
    """What is asked for and what there is, in words."""


def checks(case: Case, option: Assembled) -> tuple[Check, ...]:
    """What the scenario requires of an option, in order, up to and with the first that fails."""
    found: list[Check] = []
    for stage in (_data, _quality, _context, _operations, _fine_tuning, _latency):
        for check in stage(case, option):
            found.append(check)
            if check.status == "failed":
                return tuple(found)
    return tuple(found)


def ruled_out(found: Sequence[Check]) -> str | None:
    """The reason of the requirement that fails; None when none does."""
    return next((c.reason for c in found if c.status == "failed"), None)


def _facts(case: Case, option: Assembled, fact: Callable[[Any], Any]) -> dict[str, Any]:
    """A fact of an option: its own where it states one, else that of every option behind it, by name."""
    own = fact(case.options[option.name][1].spec)
    if own is not None:
        return {option.name: own}
    return {p.leaf: fact(case.options[p.leaf][1].spec) for p in option.parts}


def _judged(
    stage: str,
    facts: dict[str, Any],
    name: str,
    met: Callable[[Any], bool],
    said: Callable[[Any], str],
    need: str,
) -> Check:
    """The verdict over an option and what is behind it: one that fails is enough, one unknown leaves it open."""

    def whose(leaf: str) -> str:
        return "" if leaf == name else f"{leaf}: "

    failed = [whose(leaf) + said(fact) for leaf, fact in facts.items() if fact is not None and not met(fact)]
    if failed:
        return Check(stage, "failed", f"{'; '.join(failed)}, and {need}")
    unknown = [leaf for leaf, fact in facts.items() if fact is None]
    if unknown:
        of = "" if unknown == [name] else f" of {', '.join(unknown)}"
        return Check(stage, "unknown", f"`{KEYS[stage]}`{of} is not stated, and {need}")
    return Check(stage, "met", need)


def _data(case: Case, option: Assembled) -> Iterator[Check]:
    need = case.scenario.requirements.data
    if need is None:
        return
    least = DATA_LEVELS.index(need)
    facts = _facts(case, option, data_level)
    yield _judged(
        "data",
        facts,
        option.name,
        lambda level: DATA_LEVELS.index(level) >= least,
        lambda level: f"data is at level `{level}`",
        f"`{need}` or stricter is required",
    )


def data_level(spec: Any) -> str | None:
    """As stated; GPUs of one's own operation are a private network where rented, one's own premises where owned."""
    if spec.data is not None or not spec.self_operated:
        stated: str | None = spec.data
        return stated
    return "on_premises" if getattr(spec, "owned", None) is not None else "vpc"


def accuracy(spec: Any) -> Fraction | None:
    """The accuracy that an option states on one's own test set."""
    quality = getattr(spec, "quality", None)
    return None if quality is None else quality.accuracy


def _quality(case: Case, option: Assembled) -> Iterator[Check]:
    r = case.scenario.requirements
    needs: list[tuple[Fraction, str]] = []
    if r.accuracy is not None:
        needs.append((r.accuracy, f"{_percent(r.accuracy)} is required"))
    reference = reference_accuracy(case)
    if r.accuracy_within is not None and reference is not None:
        within = f"within {_percent(r.accuracy_within)} of the reference's {_percent(reference)} is required"
        needs.append((reference - r.accuracy_within, within))
    facts = _facts(case, option, accuracy)
    for least, need in needs:
        yield _judged(
            "quality",
            facts,
            option.name,
            lambda v, least=least: bool(v >= least),  # type: ignore[misc]
            lambda v: f"its accuracy is {_percent(v)}",
            need,
        )
    if r.accuracy_within is not None and reference is None:
        yield Check("quality", "unknown", "the accuracy of the reference is not stated (`reference_accuracy`)")


def reference_accuracy(case: Case) -> Fraction | None:
    """The accuracy that others are held against: stated, or that of what runs today, or of the reference API."""
    s = case.scenario
    if s.reference_accuracy is not None:
        return s.reference_accuracy
    for name in (s.current, s.reference_api):
        if name is not None and (found := accuracy(case.options[name][1].spec)) is not None:
            return found
    return None


def _context(case: Case, option: Assembled) -> Iterator[Check]:
    """The longest call that reaches an option, in its own tokens; the one asked for, in the reference's."""
    asked = case.scenario.requirements.context_tokens
    facts = _facts(case, option, lambda spec: spec.context_tokens)
    if asked is None and all(v is None for v in facts.values()):
        return  # nobody asks and nobody states: there is nothing to hold against each other
    reached = {p.leaf: p.classes for p in option.parts}
    everything = tuple(dict.fromkeys(c for classes in reached.values() for c in classes))
    needs = {leaf: _longest(case, leaf, reached.get(leaf, everything)) for leaf in facts}
    if asked is not None:
        needs = {leaf: max((asked, "a call"), need) for leaf, need in needs.items()}
    short = {leaf: v for leaf, v in facts.items() if v is not None and v < needs[leaf][0]}
    worst = next(iter(short), max(needs, key=lambda leaf: needs[leaf][0]))
    tokens, what = needs[worst]
    yield _judged(
        "context",
        {leaf: None if v is None else (v, v >= needs[leaf][0]) for leaf, v in facts.items()},
        option.name,
        lambda fact: bool(fact[1]),
        lambda fact: f"its context is {format_tokens(fact[0])} tokens",
        f"{what} of {format_tokens(tokens)} tokens must fit",
    )


def _longest(case: Case, name: str, classes: Sequence[str]) -> tuple[Fraction, str]:
    """Tokens of the longest call of these classes as an option counts them, and whose it is."""
    at = case.options[name][1]
    counted = hasattr(at.spec, "input_ratio")
    reference = At(name, ServesTokens.model_validate({"kind": "reference"}), at.document, at.path)
    found = [(longest_call(case.traffic.classes[c], at if counted else reference), f"a call of {c}") for c in classes]
    return max(found, default=(Fraction(0), "a call"))


def _operations(case: Case, option: Assembled) -> Iterator[Check]:
    team = case.scenario.team
    if team.engineers is not None:
        need = _facts(case, option, lambda spec: spec.needs_engineers)
        short = {k: v for k, v in need.items() if v is not None and v > team.engineers}
        unstated = [leaf for leaf, v in need.items() if v is None and _run_by_the_team(case, leaf)]
        if unstated and not short:
            what = f"`needs_engineers` of {', '.join(unstated)}" if unstated != [option.name] else "`needs_engineers`"
            yield Check("operations", "unknown", f"{what} is not stated, and the team has {team.engineers}")
        for leaf, engineers in short.items():
            whose = "" if leaf == option.name else f"{leaf} "
            reason = f"{whose}needs a team of {engineers} engineers, and there are {team.engineers}"
            yield Check("operations", "failed", reason)
    if team.on_call is False:
        for leaf, needed in _facts(case, option, lambda spec: spec.needs_on_call).items():
            if needed:
                whose = "" if leaf == option.name else f"{leaf} "
                yield Check("operations", "failed", f"{whose}needs somebody on call, and nobody is")


def _run_by_the_team(case: Case, leaf: str) -> bool:
    """Whether somebody of the team operates it: nobody does an API's servers."""
    return bool(case.options[leaf][1].spec.self_operated)


def _fine_tuning(case: Case, option: Assembled) -> Iterator[Check]:
    if case.scenario.requirements.fine_tuning:
        facts = _facts(case, option, lambda spec: spec.fine_tunable)
        yield _judged("fine-tuning", facts, option.name, bool, lambda _: "it cannot be fine-tuned", "it is required")


def _latency(case: Case, option: Assembled) -> Iterator[Check]:
    need = case.scenario.requirements.time_to_first_token
    if need is None:
        return
    facts = _facts(case, option, lambda spec: spec.time_to_first_token)
    yield _judged(
        "latency",
        facts,
        option.name,
        lambda v: bool(v <= need),
        lambda v: f"its first token takes {_duration(v)}",
        f"at most {_duration(need)} is required",
    )


def _percent(share: Fraction) -> str:
    return f"{float(share) * 100:.4g} %"


def _duration(seconds: Fraction) -> str:
    return f"{float(seconds) * 1000:g} ms" if seconds < 1 else f"{float(seconds):g} s"
