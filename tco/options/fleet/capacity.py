"""How long a replica is busy with a request, from what one replica is known to sustain.

A rate at a mix already holds prefill: w = 1 / requests per second. Prefill and decode rates measured apart give
w = uncached input / prefill + output / decode. A request of another mix than the measured one is predicted from above:
one that is at most k times as long in input and in output keeps a replica busy at most k times as long. Two profiles of
the same replica at two mixes give both rates: w = input / prefill + output / decode, solved exactly for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import Discriminator, Field, Tag

from tco.catalog.capacity import CapacityRates
from tco.catalog.store import Found
from tco.fields import Reference
from tco.lineitem import Exact, Figure, Numbers
from tco.options.base import At, Context, Steps, Unusable, class_figures
from tco.options.usage import Terms, call_usage, calls_inputs, figures_in, less, usage_terms
from tco.quantity import Number
from tco.workload.demand import Call, Class, Demand

if TYPE_CHECKING:
    from tco.catalog.profiles import CapacityProfile

Stated = str | CapacityRates
"""A profile by name, or rates of one's own."""

_One = Annotated[
    Annotated[Reference, Tag("name")] | Annotated[CapacityRates, Tag("stated")],
    Discriminator(lambda v: "stated" if isinstance(v, (dict, CapacityRates)) else "name"),
]
_Two = Annotated[list[_One], Field(min_length=2, max_length=2)]

CapacityField = Annotated[
    Annotated[Reference, Tag("name")] | Annotated[CapacityRates, Tag("stated")] | Annotated[_Two, Tag("two")],
    Discriminator(
        lambda v: "two" if isinstance(v, list) else "stated" if isinstance(v, (dict, CapacityRates)) else "name"
    ),
]


def capacity_references(stated: Stated | list[Stated] | None, key: str = "capacity") -> dict[Steps, tuple[str, str]]:
    """The profiles that a capacity names, by their keys."""
    if isinstance(stated, list):
        return {(key, i): ("capacity", name) for i, name in enumerate(stated) if isinstance(name, str)}
    return {(key,): ("capacity", stated)} if isinstance(stated, str) else {}


class Capacity(NamedTuple):
    """What one replica of an option sustains, and where that is known from."""

    at: At
    rates: CapacityRates
    found: Found | None
    steps: Steps = ("capacity",)
    """The keys where the option states it."""
    beside: Capacity | None = None
    """The same replica at another mix: prefill and decode rates are fitted to both."""

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
        return Figure(key, value, unit, self.at.home(*self.steps, key))

    @property
    def inputs(self) -> tuple[Figure, ...]:
        """Every figure stated of the capacity."""
        keys = [k for k in CapacityRates.model_fields if getattr(self.rates, k) is not None]
        return (*(self.figure(k) for k in keys), *(() if self.beside is None else self.beside.inputs))

    def describe(self) -> str:
        """In words, with its provenance."""
        if self.beside is not None:
            prefill, decode = (1 / Fraction(t) for t in self._fitted(Exact()))
            mixes = " and ".join(one._name() for one in (self, self.beside))
            rates = f"{float(prefill):,.4g} prefill tokens/s and {float(decode):,.4g} decode tokens/s"
            return f"{rates} per replica, fitted to {mixes}"
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
        return {c.name: self.seconds_of(c, context) for c in class_figures(demand)}

    def seconds_inputs(self, demand: Demand) -> tuple[Figure, ...]:
        """The figures `seconds` reads."""
        classes = class_figures(demand)
        read = [t for c in classes for call in c.calls for t in self._counts_read(c, call)]
        return (*self.inputs, *figures_in(*read), *(f for c in classes for f in calls_inputs(c)))

    def _counts_read(self, c: Class, call: Call) -> tuple[Terms, ...]:
        """The counts of a call that decide how long it takes."""
        r, terms = self.rates, usage_terms(c, self.at, call)
        if r.prefill_tokens_per_s is not None or self.beside is not None:
            cached = (terms["cache_read"],) if "cache_read" in terms else ()
            return less(terms["input"], *cached), terms["output"]
        if self._mix(Exact()) is not None or r.total_tokens_per_s is not None:
            return terms["input"], terms["output"]
        return (terms["output"],) if r.output_tokens_per_s is not None else ()

    def seconds_of(self, c: Class, context: Context) -> Number:
        """Replica-seconds of one request of a class; `Unusable` where nothing is known of such requests."""
        n = context.n
        if self.beside is not None:
            self._say_fitted(c, context)
        seconds = sum((times * self._of_call(c, counts, context) for times, counts in call_usage(c, self.at, n)), n(0))
        if self.beside is None and self.rates.prefill_tokens_per_s is None and self._mix(Exact()) is not None:
            self._say_predicted(c, context)  # once for all its calls: it looks at each of them
        return seconds

    def _of_call(self, c: Class, counts: Mapping[str, Number], context: Context) -> Number:
        n, r = context.n, self.rates
        uncached = counts["input"] - counts["cache_read"] if "cache_read" in counts else counts["input"]
        if self.beside is not None:
            of_input, of_output = self._fitted(n)
            return uncached * of_input + counts["output"] * of_output
        if r.prefill_tokens_per_s is not None:
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
            raise Unusable(self.at.fault(f"{what} says nothing of {c.name} ({sizes})", *self.steps))

    def _mix(self, n: Numbers) -> Mapping[str, Number] | None:
        if self.rates.input_tokens is None or self.rates.output_tokens is None:
            return None
        keys = [k for k in ("input", "output") if getattr(self.rates, f"{k}_tokens")]
        return {k: n(self.figure(f"{k}_tokens")) for k in keys}

    def _measured(self, n: Numbers) -> tuple[Number, Number, Number]:
        """The measured mix, tokens in and out of a request, and the replica-seconds of one."""
        r, given, made = self.rates, n(self.figure("input_tokens")), n(self.figure("output_tokens"))
        if r.requests_per_s is not None:
            return given, made, n(1) / n(self.figure("requests_per_s"))
        if r.output_tokens_per_s is not None:
            return given, made, made / n(self.figure("output_tokens_per_s"))
        return given, made, (given + made) / n(self.figure("total_tokens_per_s"))

    def _fitted(self, n: Numbers) -> tuple[Number, Number]:
        """Replica-seconds of an input and of an output token, which give both measured mixes the time they took."""
        assert self.beside is not None
        (in_1, out_1, w_1), (in_2, out_2, w_2) = self._measured(n), self.beside._measured(n)
        det = in_1 * out_2 - in_2 * out_1
        if np.any(np.asarray(det) == 0):
            text = "two mixes with the same proportion of input to output: they cannot tell prefill from decode"
            raise Unusable(self.at.fault(text, *self.steps[:1], expected="profiles at different mixes"))
        of_input, of_output = (w_1 * out_2 - w_2 * out_1) / det, (in_1 * w_2 - in_2 * w_1) / det
        for side, seconds in (("an input", of_input), ("an output", of_output)):
            if np.any(np.asarray(seconds) <= 0):
                text = f"fitted to both profiles, {side} token would take no time, or less"
                expected = "profiles of one replica at one objective, or one profile"
                raise Unusable(self.at.fault(text, *self.steps[:1], expected=expected))
        return of_input, of_output

    def _name(self) -> str:
        sizes = _sizes({k: getattr(self.rates, f"{k}_tokens") for k in ("input", "output")})
        return f"{'a stated mix' if self.found is None else self.found.name} ({sizes})"

    def _say_fitted(self, c: Class, context: Context) -> None:
        """At a measured mix the fit is the measured time; anywhere else it is a prediction."""
        assert self.beside is not None
        counts = _mean_call(c, self.at)
        here = (counts["input"] - counts.get("cache_read", 0), counts["output"])
        mixes = " and ".join(one._name() for one in (self, self.beside))
        known = [one for one in (self, self.beside) if one._measured(Exact())[:2] == here]
        alike = all(call.position is None for call in c.calls)
        how = f"measured: {known[0]._name()}" if known and alike else f"predicted, by the rates fitted to {mixes}"
        sizes = _sizes({"input": here[0], "output": here[1]})
        context.notes.assume(self.at.name, f"time for {c.name} ({sizes}) is {how}")

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
    stated: Stated | list[Stated] | None = at.spec.capacity
    return None if stated is None else known_capacity(at, stated, at.spec.target_utilisation, context, "capacity")


def known_capacity(
    at: At, stated: Stated | list[Stated], utilisation: Fraction, context: Context, *steps: str | int
) -> Capacity:
    """A capacity that an option names or states at these keys, of replicas planned for this utilisation."""
    if not isinstance(stated, list):
        return _one_capacity(at, stated, utilisation, context, *steps)
    first, second = (_one_capacity(at, one, utilisation, context, *steps, i) for i, one in enumerate(stated))
    _check_same(at, first, second, *steps)
    return first._replace(beside=second)


def _one_capacity(at: At, stated: Stated, utilisation: Fraction, context: Context, *steps: str | int) -> Capacity:
    if isinstance(stated, CapacityRates):
        return Capacity(at, stated, None, steps)
    found = context.find(at, "capacity", stated, *steps)
    context.paper(at.name, found, found.spec)
    if utilisation == 1 and found.spec.objective.startswith(("none", "not stated")):
        context.notes.warn(
            at.name,
            f"{found.name} holds no latency objective ({found.spec.objective}): "
            "plan headroom, such as `target_utilisation: 70%`",
        )
    return Capacity(at, found.spec, found, steps)


ONE_REPLICA = ("model", "gpu", "gpus_per_replica", "engine", "precision", "objective")
"""What two profiles must share to be of one replica."""


def _check_same(at: At, first: Capacity, second: Capacity, *steps: str | int) -> None:
    """Refuse a fit to what is not one replica at two mixes."""
    for i, one in enumerate((first, second)):
        if one.rates.input_tokens is None or one.rates.prefill_tokens_per_s is not None:
            text = "a rate at a stated mix is needed: `input_tokens` and `output_tokens` of what was measured"
            raise Unusable(at.fault("nothing to fit", *steps, i, expected=text))
    if (first.found is None) != (second.found is None):
        expected = "two profiles of the catalogue, or two of your own"
        raise Unusable(
            at.fault("a profile and a rate of one's own are not known to be one replica", *steps, expected=expected)
        )
    if first.found is None or second.found is None:
        return
    for key in ONE_REPLICA:
        a, b = (getattr(one.spec, key) for one in (first.found, second.found))
        if a != b:
            text = f"{first.found.name} and {second.found.name} differ in {key}: {a} and {b}"
            raise Unusable(at.fault(text, *steps, expected="profiles that differ in their mix alone"))


def gpus_per_replica(at: At, known: Capacity | None) -> Figure:
    """As stated, else as the profile says; fewer than the profile was found on is no such replica."""
    profile, stated = None if known is None else known.gpus_per_replica, at.spec.gpus_per_replica
    if profile is not None and stated is None:
        return profile
    if profile is not None and stated < profile.value:
        text = f"the capacity profile was found on {profile.value} GPUs per replica, not on fewer"
        raise Unusable(at.fault(text, "gpus_per_replica", expected=f"{profile.value} or no `gpus_per_replica`"))
    return Figure("gpus_per_replica", Fraction(stated or 1), "GPUs", at.home("gpus_per_replica"))


def check_hardware(at: At, known: Capacity | None, gpu: str, context: Context) -> None:
    """Warn where a profile was found on another GPU than the one that is paid for."""
    if known is None or known.found is None:
        return
    profile: str = known.found.spec.gpu
    here, there = (re.sub(r"nvidia|amd|sxm\d?|[^a-z0-9]", "", g.lower()) for g in (gpu, profile))
    if here not in there and there not in here:
        text = f"{known.found.name} was found on {profile}, and what is paid for is {gpu}"
        context.notes.warn(at.name, text, grave=True)
