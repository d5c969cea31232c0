"""Free quotas: what a day or a month gives away before anything is billed.

What is billed is the part of the use above the quota, shared out among its lines: sums of parts that are never below
zero, so that no credit can exceed the line it belongs to and nothing is lost to cancellation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator

from tco.fields import Flow, Model
from tco.quantity import Linear, Number, Part, Quantity, linear
from tco.units import UnitError


def check_flow(flow: Flow, key: str, unit: str) -> None:
    """Raises UnitError where a quota is not so many of the unit a day or a month."""
    if flow.unit != unit or flow.per not in ("day", "month"):
        raise UnitError(None, f"`{key}` in {unit}/day or {unit}/month", "")


class FreeQuota(Model):
    """What is not billed, each a day or a month: all tokens together, or input and output apart; requests."""

    tokens: Flow | None = Field(None, description="input + output tokens, such as 1M tokens/day")
    input_tokens: Flow | None = Field(None, description="input tokens, such as 10M tokens/month")
    output_tokens: Flow | None = Field(None, description="output tokens")
    requests: Flow | None = Field(None, description="model calls without `request_fee`, such as 1000 requests/day")

    @model_validator(mode="after")
    def _fits(self) -> FreeQuota:
        stated = {key: flow for key in type(self).model_fields if (flow := getattr(self, key)) is not None}
        if not stated:
            raise UnitError(None, "`tokens`, or `input_tokens` and `output_tokens`, or `requests`", "")
        if self.tokens is not None and {"input_tokens", "output_tokens"} & stated.keys():
            raise UnitError(None, "either `tokens`, or `input_tokens` and `output_tokens`", "")
        for key, flow in stated.items():
            check_flow(flow, key, "requests" if key == "requests" else "tokens")
        return self

    def sides(self) -> dict[str, tuple[str, ...]]:
        """The quotas of tokens, by key, with the sides of a request that each is for."""
        both = {"tokens": ("input", "output"), "input_tokens": ("input",), "output_tokens": ("output",)}
        return {key: sides for key, sides in both.items() if getattr(self, key) is not None}


class Use(NamedTuple):
    """What one line uses of a quota: requests, and how much of it each uses."""

    requests: Quantity
    each: Number


class Beyond(NamedTuple):
    """What of a use lies beyond the quota, and the uses (by their place) that this follows from."""

    quantity: Quantity
    follows: tuple[int, ...]
    ordered: bool
    """Whether the quota went to uses in their order, and not to all alike."""


def beyond(quota: Number, uses: Sequence[Use]) -> list[Beyond]:
    """What of each use is billed. Uses that keep their shares at every volume take their shares of the quota; those
    whose shares change with the volume (a full fleet spills more of one class than of another) are served in order."""
    groups: dict[int, list[int]] = {}
    bases: dict[int, Quantity] = {}
    weights: list[Number] = []
    for i, use in enumerate(uses):
        basis, times = _basis(use.requests)
        bases[id(basis)] = basis
        weights.append(times * use.each)
        groups.setdefault(id(basis), []).append(i)
    found: dict[int, Beyond] = {}
    so_far: Quantity | None = None
    before: Quantity | None = None
    follows: tuple[int, ...] = ()
    for key, members in groups.items():
        whole = sum((weights[i] for i in members[1:]), weights[members[0]])
        used = bases[key].times(whole)
        so_far = used if so_far is None else so_far + used
        above = Part(so_far, quota)
        billed: Quantity = above if before is None else linear(0, (1, above), (-1, before))
        before, follows = above, (*follows, *members)
        for i in members:
            part = billed if len(members) == 1 else billed.times(_share(weights[i], whole))
            found[i] = Beyond(part, follows, len(groups) > 1)
    return [found[i] for i in range(len(uses))]


def _basis(q: Quantity) -> tuple[Quantity, Number]:
    """The quantity that this one is a multiple of."""
    if isinstance(q, Linear) and len(q.terms) == 1 and not np.any(np.asarray(q.const) != 0):
        return q.terms[0][1], q.terms[0][0]
    return q, 1


def _share(part: Number, whole: Number) -> Number:
    """A part of a whole; none where there is nothing."""
    if not isinstance(whole, np.ndarray):
        return part / whole if whole else whole
    none = np.zeros(np.broadcast(part, whole).shape)
    return np.divide(part, whole, out=none, where=np.broadcast_to(whole != 0, none.shape))
