"""What 10,000 draws cost: whole arrays, percentiles, and every crossover of every draw.

Sweeps are printed as multiples of one multiplication and one addition, `a * x + b`, of draws and volumes into a
preallocated array; crossovers as multiples of the same over plain numbers. Bars beside them. Everything is timed in one
process, the jobs interleaved, medians taken.

    python benchmarks/draws.py [repetitions]
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tco.curve import Window, percentiles, swaps_by_draw, sweep
from tco.quantity import VOLUME, Linear, Part, Quantity, Steps, linear

VOLUMES, DRAWS = 2_000, 10_000
WINDOW = Window(1e5, 1e9)
LEVELS = (0.15, 0.3, 0.45, 0.6, 0.8, 1.0, 1.25, 1.5, 1.75)
"""Distinct loads of the 24 hours, as multiples of the mean."""

Draw = Callable[[float, float], Any]


def affine(draw: Draw, count: int) -> list[tuple[Any, Quantity]]:
    """Lines of an API's invoice and the like: part fixed, part by the token."""
    return [(draw(0.5, 1.5), linear(draw(10, 500), (draw(1e-6, 9e-6), VOLUME))) for _ in range(count)]


def staircase(draw: Draw, spare: int) -> tuple[Any, Quantity]:
    """A static fleet: sized for its peak, with so many spares, two replicas at least."""
    load = linear(0.0, (draw(1.5e-8, 2.5e-8), VOLUME))
    return draw(1500, 2500), Steps(load, draw(0.6, 0.9), np.array([float(spare)]), np.array([2.0]))


def replicas(draw: Draw) -> list[Steps]:
    """A fleet's replicas at each of nine load levels; the load a token makes and the size are drawn."""
    per_token, size = draw(1.5e-8, 2.5e-8), draw(0.6, 0.9)
    least = np.array([1.0])
    return [Steps(linear(0.0, (per_token * level, VOLUME)), size, np.array([0.0]), least) for level in LEVELS]


def fleet(draw: Draw, each: float | None = None) -> Linear:
    """An autoscaled fleet of a day's nine load levels; one engineer per so many GPUs, two a replica."""
    steps = replicas(draw)
    price = draw(2, 5)
    lines: list[tuple[Any, Quantity]] = [(price * 730 / len(steps), s) for s in steps]
    if each is not None:
        lines.append((draw(500, 1500), Steps(linear(0.0, (np.array([2.0]), steps[-1])), np.array([each]))))
    return linear(draw(100, 900), *lines)


def tiered(draw: Draw) -> Linear:
    """An API with three tiers of price and a committed spend."""
    base, first, second = draw(1.5e-4, 3e-4), np.array([5e6]), np.array([5e7])
    spend = linear(
        0.0,
        (base, Part(VOLUME, np.array([0.0]), first)),
        (base * 0.9, Part(VOLUME, first, second)),
        (base * 0.75, Part(VOLUME, second)),
    )
    floor = draw(500, 1500)
    return linear(floor, (1.0, spend), (-1.0, Part(spend, np.array([0.0]), floor)))


def items(draw: Draw, *, autoscaled: bool) -> Linear:
    stairs = [staircase(draw, spare) for spare in ((1, 0) if autoscaled else (1, 0, 0))]
    if autoscaled:
        stairs.append((1.0, fleet(draw)))
    return linear(0.0, *affine(draw, 9), *stairs)


def pairs(draw: Draw) -> dict[str, tuple[Quantity, Quantity]]:
    stairs = linear(draw(100, 300), (draw(1500, 2500), Steps(VOLUME, draw(3e7, 5e7))))
    line = linear(draw(500, 1500), (draw(4e-5, 7e-5), VOLUME))
    return {
        "staircase x line": (stairs, line),
        "fleet with people x tiered API": (fleet(draw, 8.0), tiered(draw)),
        "fleet x fleet": (fleet(draw), fleet(draw)),
    }


def medians(jobs: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repetitions):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(t) for name, t in times.items()}


def peak(job: Callable[[], object]) -> float:
    """MiB allocated at once beyond what there was."""
    tracemalloc.start()
    job()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def report(name: str, seconds: float, unit: float, bar: float, memory: float, note: str = "") -> None:
    print(f"{name:52} {seconds * 1e3:7.1f} ms = {seconds / unit:5.1f} x, bar {bar:g}; {memory:6.1f} MiB {note}")


def main(repetitions: int) -> int:
    rng = np.random.default_rng(1)

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, DRAWS)

    volumes = np.geomspace(WINDOW.lo, WINDOW.hi, VOLUMES)
    static, scaled = items(draw, autoscaled=False), items(draw, autoscaled=True)
    out = np.zeros((VOLUMES, DRAWS))
    a, b, x = draw(1, 2), draw(1, 2), volumes[:, np.newaxis]
    flat, plain = out.reshape(-1), np.ones(VOLUMES * DRAWS)

    def bare() -> None:
        np.multiply(a, x, out=out)
        np.add(out, b, out=out)

    def scalar() -> None:
        np.multiply(plain, 2.0, out=flat)
        np.add(flat, 1.0, out=flat)

    sweeps: dict[str, Callable[[], object]] = {
        "12 items, 3 staircases, whole array": lambda: sweep(static, volumes, DRAWS, out=out),
        "12 items, 3 staircases, P10 and P90": lambda: percentiles(static, volumes, DRAWS),
        "12 items, one an autoscaled fleet, whole array": lambda: sweep(scaled, volumes, DRAWS, out=out),
    }
    t = medians({"bare": bare, **sweeps}, repetitions)
    print(f"{VOLUMES:,} volumes x {DRAWS:,} draws, median of {repetitions}; a * x + b {t['bare'] * 1e3:.1f} ms")
    for (name, job), bar in zip(sweeps.items(), (4, 6, 12), strict=True):
        report(name, t[name], t["bare"], bar, peak(job), "(bar 200)")
    some = pairs(draw)
    few = pairs(lambda low, high: rng.uniform(low, high, 256))
    crossings: dict[str, Callable[[], object]] = {}
    for name, (p, q) in some.items():
        crossings[name] = partial(swaps_by_draw, p, q, WINDOW, DRAWS)
        crossings[f"{name}, 256"] = partial(swaps_by_draw, *few[name], WINDOW, 256)
    t = medians({"scalar": scalar, **crossings}, repetitions)
    print(f"every crossover of {DRAWS:,} draws; a * x + b of 20 million plain numbers {t['scalar'] * 1e3:.1f} ms")
    for name, (p, q) in some.items():
        counts = swaps_by_draw(p, q, WINDOW, DRAWS).counts()
        note = f"(bar 1024), {counts.sum():,} swaps, up to {counts.max()} a draw; 256 draws"
        report(name, t[name], t["scalar"], 60, peak(crossings[name]), f"{note} {t[f'{name}, 256'] * 1e3:.1f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
