"""How long a replica is busy with a request, from what one replica is known to sustain.

A rate at a mix already holds prefill: w = 1 / requests per second. Prefill and decode rates measured apart give w =
uncached input / prefill + output / decode. A request of another mix than the measured one is predicted in proportion
to the side on which it is longest: from above where it is shorter than the mix on both, else with the warning that
attention over longer contexts takes more. Hits of a prefix cache are part of a measured mix, and are not taken out of
its time again: an option that states another hit rate is predicted the same way, by its uncached input too. Profiles
of the same replica at two or more mixes give both rates: w = uncached input / prefill + output / decode, see
`fitted`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tco.catalog.capacity import CapacityRates
from tco.catalog.store import Found
from tco.lineitem import Exact, Figure, Numbers
from tco.options.base import At, Context, ServesTokens, Steps, Unusable, class_figures
from tco.options.fleet.fitted import Fit, Mix, fitted
from tco.options.fleet.measured import alike
from tco.options.usage import Terms, call_usage, calls_inputs, figures_in, less, usage_terms
from tco.quantity import Number
from tco.workload.demand import Call, Class, Demand

if TYPE_CHECKING:
    from tco.catalog.profiles import CapacityProfile

LONGER = "longer contexts may take more"
"""Each token of a longer context keeps a replica busier: fewer requests fit into its memory at once."""
SHOWN_ERROR = 0.0005
"""Errors that are not 0.0 % in words."""


class Capacity(NamedTuple):
    """What one replica of an option sustains, and where that is known from."""

    at: At
    rates: CapacityRates
    found: Found | None
    steps: Steps = ("capacity",)
    """The keys where the option states it."""
    others: tuple[Capacity, ...] = ()
    """The same replica at other mixes: prefill and decode rates are fitted to all."""

    @property
    def mixes(self) -> tuple[Capacity, ...]:
        """Every mix that is known of the replica."""
        return (self._replace(others=()), *self.others)

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
        """Every figure stated of the capacity that something follows from: hits of a mix by itself change nothing where
        the option states none of its own."""
        hits = bool(self.others) or "cache_hit_rate" in self.at.spec.model_fields_set
        keys = [k for k in CapacityRates.model_fields if hits or k != "cached_tokens"]
        return tuple(one.figure(k) for one in self.mixes for k in keys if getattr(one.rates, k) is not None)

    def describe(self) -> str:
        """In words, with its provenance."""
        if self.others:
            prefill, decode = (1 / Fraction(t) for t in self._fitted(Exact()))
            rates = f"{_four_digits(prefill)} prefill tokens/s and {_four_digits(decode)} decode tokens/s"
            return f"{rates} per replica, fitted to {self._names()}"
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
        return f"{what} per replica at {self.found.spec.objective} ({self.found.name}, {self.found.spec.provenance})"

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
        cached = (terms["cache_read"],) if "cache_read" in terms else ()
        if r.prefill_tokens_per_s is not None or self.others:
            return less(terms["input"], *cached), terms["output"]
        if self._mix(Exact()) is not None or r.total_tokens_per_s is not None:
            prefilled = (less(terms["input"], *cached),) if cached and self._other_hits(c) else ()
            return terms["input"], terms["output"], *prefilled
        return (terms["output"],) if r.output_tokens_per_s is not None else ()

    def seconds_of(self, c: Class, context: Context) -> Number:
        """Replica-seconds of one request of a class; `Unusable` where nothing is known of such requests."""
        n = context.n
        if self.others:
            self._say_fitted(c, context)
        seconds = sum((times * self._of_call(c, counts, context) for times, counts in call_usage(c, self.at, n)), n(0))
        if not self.others and self.rates.prefill_tokens_per_s is None and self._mix(Exact()) is not None:
            self._say_predicted(c, context)  # once for all its calls: it looks at each of them
        return seconds

    def _of_call(self, c: Class, counts: Mapping[str, Number], context: Context) -> Number:
        n, r = context.n, self.rates
        uncached = counts["input"] - counts["cache_read"] if "cache_read" in counts else counts["input"]
        if self.others:
            return self._fitted(n).seconds(uncached, counts["output"])
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
        sides = [(counts[side], tokens) for side, tokens in mix.items()]
        if self._other_hits(c):
            prefilled = n(self.figure("input_tokens")) - n(self.figure("cached_tokens"))
            some = bool(np.all(np.asarray(prefilled) > 0))
            self._covers(c, some or not np.any(np.asarray(uncached) > 0), "a mix whose input was all cached")
            sides += [(uncached, prefilled)] if some else []
        longer = _longest(sides)
        measured = {
            "requests_per_s": n(1),
            "output_tokens_per_s": mix.get("output"),
            "total_tokens_per_s": mix.get("input", n(0)) + mix.get("output", n(0)),
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

    def _other_hits(self, c: Class) -> bool:
        """Whether the option states a hit rate beside a mix whose own hits are known."""
        spec: ServesTokens = self.at.spec
        stated = "cache_hit_rate" in spec.model_fields_set and (c.cacheable is not None or not spec.cache_hit_rate)
        return stated and self.rates.cached_tokens is not None

    def _measured(self, n: Numbers) -> Mix:
        """The mix it was found at."""
        r, given, made = self.rates, n(self.figure("input_tokens")), n(self.figure("output_tokens"))
        uncached = given if r.cached_tokens is None else given - n(self.figure("cached_tokens"))
        if r.requests_per_s is not None:
            return Mix(uncached, made, n(1) / n(self.figure("requests_per_s")))
        if r.output_tokens_per_s is not None:
            return Mix(uncached, made, made / n(self.figure("output_tokens_per_s")))
        return Mix(uncached, made, (given + made) / n(self.figure("total_tokens_per_s")))

    def _fitted(self, n: Numbers) -> Fit:
        """Replica-seconds of an input and of an output token, which give the measured mixes the time they took."""
        fit = fitted([one._measured(n) for one in self.mixes])
        if fit is None:
            count = "two" if len(self.mixes) == 2 else len(self.mixes)
            text = f"{count} mixes with the same proportion of input to output: they cannot tell prefill from decode"
            raise Unusable(self.at.fault(text, *self.steps[:-1], expected="profiles at different mixes"))
        for side, seconds in (("an input", fit.of_input), ("an output", fit.of_output)):
            if np.any(np.asarray(seconds) <= 0):
                which = "both" if len(self.mixes) == 2 else "all"
                text = f"fitted to {which} profiles, {side} token would take no time, or less"
                expected = "profiles of one replica at one objective, or one profile"
                raise Unusable(self.at.fault(text, *self.steps[:-1], expected=expected))
        return fit

    def _name(self) -> str:
        sizes = _sizes({k: getattr(self.rates, f"{k}_tokens") for k in ("input", "output")}, self.rates.cached_tokens)
        return f"{'a stated mix' if self.found is None else self.found.name} ({sizes})"

    def _names(self) -> str:
        """The mixes of a fit, and how far it is from what was measured: it meets two by making."""
        names = [one._name() for one in self.mixes]
        if len(names) == 2:
            return f"{' and '.join(names)}, which leave no residual to check it by"
        return f"{', '.join(names[:-1])} and {names[-1]}, residual at most {float(self.residual()):.1%}"

    def residual(self) -> Fraction:
        """The largest error of the fit at the point, as a share of the time that was measured."""
        n = Exact()
        fit = self._fitted(n)
        return max(abs(Fraction(fit.error(one._measured(n)))) for one in self.mixes)

    def _context(self) -> Fraction:
        """Tokens of a request of its mix."""
        return Fraction(self.rates.input_tokens or 0) + Fraction(self.rates.output_tokens or 0)

    def _known(self) -> bool:
        """Whether it was measured by `tco replay`."""
        return self.found is not None and self.found.spec.measured is not None

    def _is_mix(self, counts: Mapping[str, Fraction], c: Class | None) -> bool:
        """Whether a mean call is the mix it was found at; its hits too where both are known."""
        r, known = self.rates, self._known()
        same = all(alike(counts[k], getattr(r, f"{k}_tokens") or Fraction(0), known) for k in ("input", "output"))
        if c is not None and not self._other_hits(c):
            return same
        return same and alike(counts.get("cache_read", Fraction(0)), r.cached_tokens or Fraction(0), known)

    def _say_fitted(self, c: Class, context: Context) -> None:
        """At one of two measured mixes the fit is the measured time, of more nearly so; elsewhere it is predicted."""
        counts = _mean_call(c, self.at)
        hits = counts.get("cache_read", Fraction(0))
        known = [one for one in self.mixes if one._is_mix(counts, None)]
        if known and all(call.position is None for call in c.calls):
            how = f"measured: {known[0]._name()}"
            error = float(self._fitted(Exact()).error(known[0]._measured(Exact())))
            if len(self.mixes) > 2 and abs(error) >= SHOWN_ERROR:
                than = "longer" if error > 0 else "less"
                how += f", and the rates fitted to {self._names()} take {abs(error):.1%} {than}"
        else:
            how = f"predicted, by the rates fitted to {self._names()}"
            here, longest = counts["input"] + counts["output"], max(one._context() for one in self.mixes)
            if here > longest and not alike(here, longest, self._known()):
                how += f": it is longer than any of them, and {LONGER}"
        context.notes.assume(self.at.name, f"time for {c.name} ({_sizes(counts, hits or None)}) is {how}")
        cached = [one for one in self.mixes if one.rates.cached_tokens]
        if cached and "cache_hit_rate" not in self.at.spec.model_fields_set:
            text = f"all of its input is prefilled, and {cached[0]._name()} was measured with hits of a prefix cache"
            context.notes.warn(self.at.name, f"{text}: no `cache_hit_rate`")

    def _say_predicted(self, c: Class, context: Context) -> None:
        counts, r = _mean_call(c, self.at), self.rates
        other_hits = self._other_hits(c)
        if r.cached_tokens and not other_hits:
            share = float(r.cached_tokens / (r.input_tokens or 1))
            text = f"its prefix hits are taken to be those of {self._name()}, {share:.1%} of the input"
            context.notes.assume(self.at.name, f"{text}: no `cache_hit_rate`")
        if self._is_mix(counts, c):
            return
        here = _sizes(counts, counts.get("cache_read", Fraction(0)) if other_hits else None)
        there = _sizes(self._mix(Exact()) or {}, r.cached_tokens if other_hits else None)
        mix = f"the mix that the capacity was found at ({there})"
        sides = [(counts[k], getattr(r, f"{k}_tokens") or Fraction(0)) for k in ("input", "output")]
        longer = any(size > found and not alike(size, found, self._known()) for size, found in sides)
        how = f"in proportion to {mix}, and {LONGER}" if longer else f"an upper bound, from {mix}"
        context.notes.assume(self.at.name, f"time for {c.name} ({here}) is predicted: {how}")


def _four_digits(rate: Fraction) -> str:
    """`85,840`."""
    return f"{float(f'{float(rate):.4g}'):,.10g}"


def _mean_call(c: Class, at: At) -> dict[str, Fraction]:
    """Tokens of the mean call of a request, by meter, at the point."""
    kinds = list(call_usage(c, at, Exact()))
    calls = sum((times for times, _ in kinds), Fraction(0))
    keys = dict.fromkeys(key for _, counts in kinds for key in counts)
    return {key: sum((t * counts.get(key, 0) for t, counts in kinds), Fraction(0)) / calls for key in keys}


def _sizes(counts: Mapping[str, Any], cached: Fraction | None = None) -> str:
    of_input = "" if cached is None else f" ({float(cached):g} cached)"
    return f"{float(counts.get('input', 0)):g} in{of_input}, {float(counts.get('output', 0)):g} out"


def _longest(sides: Sequence[tuple[Number, Number]]) -> Number:
    """How many times longer a request is than the measured one, on the side where it is longest."""
    ratios = [here / there for here, there in sides]
    longer: Any = ratios[0]
    for ratio in ratios[1:]:
        longer = np.maximum(longer, ratio)
    return longer
