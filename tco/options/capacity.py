"""How long a replica is busy with a request, from what one replica is known to sustain.

A rate at a mix already holds prefill: w = 1 / requests per second. Prefill and decode rates measured apart give
w = uncached input / prefill + output / decode. A request of another mix than the measured one is predicted from above:
one that is at most k times as long in input and in output keeps a replica busy at most k times as long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import Discriminator, Tag

from tco.catalog.capacity import CapacityRates
from tco.catalog.store import Found
from tco.fields import Reference
from tco.lineitem import Exact, Figure, Numbers
from tco.options.base import At, Context, Unusable, class_figures
from tco.options.usage import Terms, call_usage, calls_inputs, figures_in, less, usage_terms
from tco.quantity import Number
from tco.workload.demand import Call, Class, Demand

if TYPE_CHECKING:
    from tco.catalog.profiles import CapacityProfile

CapacityField = Annotated[
    Annotated[Reference, Tag("name")] | Annotated[CapacityRates, Tag("stated")],
    Discriminator(lambda v: "stated" if isinstance(v, (dict, CapacityRates)) else "name"),
]


class Capacity(NamedTuple):
    """What one replica of an option sustains, and where that is known from."""

    at: At
    rates: CapacityRates
    found: Found | None

    @property
    def gpus_per_replica(self) -> Figure | None:
        """As the profile says; None for rates of one's own."""
        if self.found is None:
            return None
        profile: CapacityProfile = self.found.spec
        value = Fraction(profile.gpus_per_replica)
        return self.found.figure("gpus_per_replica", value, "GPUs", profile, "gpus_per_replica")

    def figure(self, key: str) -> Figure:
        """A rate or a size of the profile."""
        value: Fraction = getattr(self.rates, key)
        unit = key.rpartition("_per_")[0].rpartition("_")[2] + "/s" if "_per_" in key else "tokens/request"
        if self.found is not None:
            return self.found.figure(key, value, unit, self.found.spec, key)
        return Figure(key, value, unit, self.at.home("capacity", key))

    @property
    def inputs(self) -> tuple[Figure, ...]:
        """Every figure stated of the capacity."""
        keys = [k for k in CapacityRates.model_fields if getattr(self.rates, k) is not None]
        return tuple(self.figure(k) for k in keys)

    def describe(self) -> str:
        """In words, with its provenance."""
        r = self.rates
        what = next(
            f"{float(getattr(r, key)):g} {label}"
            for key, label in (
                ("requests_per_s", "requests/s"),
                ("output_tokens_per_s", "output tokens/s"),
                ("total_tokens_per_s", "tokens/s"),
                ("prefill_tokens_per_s", "prefill tokens/s"),
            )
            if getattr(r, key) is not None
        )
        if r.decode_tokens_per_s is not None:
            what += f" and {float(r.decode_tokens_per_s):g} decode tokens/s"
        if self.found is None:
            return f"{what} per replica, stated in the scenario"
        return f"{what} per replica at {self.found.spec.objective} ({self.found.name}, {self.found.spec.kind})"

    def seconds(self, demand: Demand, context: Context) -> dict[str, Number]:
        """Replica-seconds of one request of each class."""
        return {c.name: self._seconds(c, context) for c in class_figures(demand)}

    def seconds_inputs(self, demand: Demand) -> tuple[Figure, ...]:
        """The figures `seconds` reads."""
        classes = class_figures(demand)
        read = [t for c in classes for call in c.calls for t in self._counts_read(c, call)]
        return (*self.inputs, *figures_in(*read), *(f for c in classes for f in calls_inputs(c)))

    def _counts_read(self, c: Class, call: Call) -> tuple[Terms, ...]:
        """The counts of a call that decide how long it takes."""
        r, terms = self.rates, usage_terms(c, self.at, call)
        if r.prefill_tokens_per_s is not None:
            cached = (terms["cache_read"],) if "cache_read" in terms else ()
            return less(terms["input"], *cached), terms["output"]
        if self._mix(Exact()) is not None or r.total_tokens_per_s is not None:
            return terms["input"], terms["output"]
        return (terms["output"],) if r.output_tokens_per_s is not None else ()

    def _seconds(self, c: Class, context: Context) -> Number:
        n = context.n
        return sum((times * self._of_call(c, counts, context) for times, counts in call_usage(c, self.at, n)), n(0))

    def _of_call(self, c: Class, counts: Mapping[str, Number], context: Context) -> Number:
        n, r = context.n, self.rates
        if r.prefill_tokens_per_s is not None:
            uncached = counts["input"] - counts["cache_read"] if "cache_read" in counts else counts["input"]
            prefill, decode = (n(self.figure(k)) for k in ("prefill_tokens_per_s", "decode_tokens_per_s"))
            return uncached / prefill + counts["output"] / decode
        mix = self._mix(n)
        key = next(
            k for k in ("requests_per_s", "output_tokens_per_s", "total_tokens_per_s") if getattr(r, k) is not None
        )
        rate = n(self.figure(key))
        if mix is None:
            context.notes.assume(
                self.at.name,
                f"{key} without the mix it was found at is taken to hold at this workload's, prefill included",
            )
            if key == "requests_per_s":
                return n(1) / rate
            tokens = counts["output"] if key == "output_tokens_per_s" else counts["input"] + counts["output"]
            self._covers(c, bool(np.all(np.asarray(tokens) > 0)), f"`{key}`")
            return tokens / rate
        for side in ("input", "output"):
            self._covers(c, side in mix or not np.any(np.asarray(counts[side]) > 0), f"a mix without {side} tokens")
        self._say_predicted(c, context)
        longer = _longest(counts, mix)
        measured = {
            "requests_per_s": n(1),
            "output_tokens_per_s": mix.get("output"),
            "total_tokens_per_s": sum(mix.values()),
        }
        return longer * measured[key] / rate

    def _covers(self, c: Class, covered: bool, what: str) -> None:
        """Refuse a capacity that would serve some of a request for nothing."""
        if not covered:
            sizes = _sizes(_mean_call(c, self.at))
            raise Unusable(self.at.fault(f"{what} says nothing of {c.name} ({sizes})", "capacity"))

    def _mix(self, n: Numbers) -> Mapping[str, Number] | None:
        if self.rates.input_tokens is None or self.rates.output_tokens is None:
            return None
        keys = [k for k in ("input", "output") if getattr(self.rates, f"{k}_tokens")]
        return {k: n(self.figure(f"{k}_tokens")) for k in keys}

    def _say_predicted(self, c: Class, context: Context) -> None:
        counts, mix = _mean_call(c, self.at), self._mix(Exact()) or {}
        if all(counts[k] == mix.get(k, 0) for k in ("input", "output")):
            return
        here, there = _sizes(counts), _sizes(mix)
        context.notes.assume(
            self.at.name,
            f"time for {c.name} ({here}) is an upper bound, from the mix that the capacity was found at ({there})",
        )


def _mean_call(c: Class, at: At) -> dict[str, Fraction]:
    """Tokens of the mean call of a request, by meter, at the point."""
    kinds = list(call_usage(c, at, Exact()))
    calls = sum((times for times, _ in kinds), Fraction(0))
    keys = dict.fromkeys(key for _, counts in kinds for key in counts)
    return {key: sum((t * counts.get(key, 0) for t, counts in kinds), Fraction(0)) / calls for key in keys}


def _sizes(counts: Mapping[str, Fraction]) -> str:
    return f"{float(counts.get('input', 0)):g} in, {float(counts.get('output', 0)):g} out"


def _longest(counts: Mapping[str, Number], mix: Mapping[str, Number]) -> Number:
    """How many times longer a request is than the measured one, on the side where it is longer."""
    ratios = [counts[k] / tokens for k, tokens in mix.items()]
    longer: Any = ratios[0]
    for ratio in ratios[1:]:
        longer = np.maximum(longer, ratio)
    return longer


def capacity(at: At, context: Context) -> Capacity | None:
    """The capacity an option names or states; None when it says nothing of it."""
    stated: str | CapacityRates | None = at.spec.capacity
    if stated is None:
        return None
    if isinstance(stated, CapacityRates):
        return Capacity(at, stated, None)
    found = context.find(at, "capacity", stated, "capacity")
    context.paper(at.name, found, found.spec)
    if at.spec.target_utilisation == 1 and found.spec.objective.startswith(("none", "not stated")):
        context.notes.warn(
            at.name,
            f"{found.name} holds no latency objective ({found.spec.objective}): "
            "plan headroom, such as `target_utilisation: 70%`",
        )
    return Capacity(at, found.spec, found)


def check_hardware(at: At, known: Capacity | None, gpu: str, context: Context) -> None:
    """Warn where a profile was found on another GPU than the one that is paid for."""
    if known is None or known.found is None:
        return
    profile: str = known.found.spec.gpu
    here, there = (re.sub(r"nvidia|amd|sxm\d?|[^a-z0-9]", "", g.lower()) for g in (gpu, profile))
    if here not in there and there not in here:
        context.notes.warn(at.name, f"{known.found.name} was found on {profile}, and what is paid for is {gpu}")
