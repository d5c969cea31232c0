"""What is known of an option's replicas: the capacity it names or states, its GPUs, and what is paid for beside it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tco.catalog.capacity import CapacityRates
from tco.catalog.store import Found
from tco.lineitem import Figure
from tco.options.base import At, Context, Unusable
from tco.options.fleet.capacity import Capacity
from tco.options.fleet.gpu_names import same_gpu
from tco.options.fleet.measured import in_a_closed_loop, on_a_cpu, say_measured
from tco.options.fleet.stated import Stated

if TYPE_CHECKING:
    from tco.catalog.profiles import CapacityProfile


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
    first, *others = (_one_capacity(at, one, utilisation, context, *steps, i) for i, one in enumerate(stated))
    for i, other in enumerate(others, 1):
        _check_same(at, (0, first), (i, other), *steps)
    known = first._replace(others=tuple(others))
    if others[1:] and (residual := known.residual()) > LARGE_RESIDUAL:
        context.notes.warn(
            at.name,
            f"prefill and decode rates fitted to {len(known.mixes)} mixes are up to {float(residual):.1%} off what was "
            "measured: no two rates describe this replica well",
        )
    return known


def _one_capacity(at: At, stated: Stated, utilisation: Fraction, context: Context, *steps: str | int) -> Capacity:
    if isinstance(stated, CapacityRates):
        return Capacity(at, stated, None, steps)
    found = context.find(at, "capacity", stated, *steps)
    context.paper(at.name, found, found.spec)
    if utilisation == 1 and (why := _needs_headroom(found)) is not None:
        context.notes.warn(at.name, f"{found.name} {why}: plan headroom, such as `target_utilisation: 70%`")
    say_measured(at, found, context)
    return Capacity(at, found.spec, found, steps)


def _needs_headroom(found: Found) -> str | None:
    """Why replicas cannot be planned up to this capacity; None where it holds an objective at traffic as it comes."""
    profile: CapacityProfile = found.spec
    if profile.objective.startswith(("none", "not stated")):
        return f"holds no latency objective ({profile.objective})"
    if in_a_closed_loop(profile):
        return "was measured in a closed loop, which has no bursts"
    return None


ONE_REPLICA = ("model", "gpu", "gpus_per_replica", "engine", "precision", "objective")
"""What profiles must share to be of one replica."""
LARGE_RESIDUAL = Fraction(10, 100)
"""Of a fit: beyond it prefill and decode rates do not describe what was measured."""


def _check_same(at: At, first: tuple[int, Capacity], second: tuple[int, Capacity], *steps: str | int) -> None:
    """Refuse a fit to what is not one replica at several mixes."""
    for i, one in (first, second):
        if one.rates.input_tokens is None or one.rates.prefill_tokens_per_s is not None:
            text = "a rate at a stated mix is needed: `input_tokens` and `output_tokens` of what was measured"
            raise Unusable(at.fault("nothing to fit", *steps, i, expected=text))
    a, b = first[1].found, second[1].found
    if (a is None) != (b is None):
        expected = "profiles of the catalogue alone, or rates of your own alone"
        raise Unusable(
            at.fault("a profile and a rate of one's own are not known to be one replica", *steps, expected=expected)
        )
    if a is None or b is None:
        return
    for key in ONE_REPLICA:
        here, there = (getattr(found.spec, key) for found in (a, b))
        if here != there:
            text = f"{a.name} and {b.name} differ in {key}: {here} and {there}"
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
    if on_a_cpu(known.found.spec):
        return  # said already, whatever is paid for
    if not same_gpu(gpu, profile):
        text = f"{known.found.name} was found on {profile}, and what is paid for is {gpu}"
        context.notes.warn(at.name, text, grave=True)


class Watts(NamedTuple):
    """What one GPU drew when a capacity was measured; `idle` is None where that was not."""

    of: str
    """The profile."""
    busy: Figure
    idle: Figure | None


def measured_watts(known: Capacity, gpu: str | None) -> Watts | None:
    """The watts measured of this GPU, any where `gpu` is None: of several mixes the one that drew most."""
    found = [one.found for one in known.mixes if one.found is not None and one.found.spec.measured is not None]
    of_gpu = [
        f for f in found if f.spec.measured.gpu_watts_busy is not None and (gpu is None or same_gpu(gpu, f.spec.gpu))
    ]
    if not of_gpu:
        return None
    most = max(of_gpu, key=lambda f: Fraction(f.spec.measured.gpu_watts_busy))

    def figure(key: str) -> Figure | None:
        value = getattr(most.spec.measured, key)
        return None if value is None else most.figure(key, value, "W", most.spec, "measured", key)

    busy, idle = figure("gpu_watts_busy"), figure("gpu_watts_idle")
    assert busy is not None
    if idle is not None and idle.value > busy.value:
        idle = None  # something else kept it busy
    return Watts(most.name, busy, idle)
