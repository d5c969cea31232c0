"""How long all pairs of 20 curves of 10,000 steps take, as multiples of merely sorting each pair's edges.

`np.sort(kind="stable")` of two sorted runs is one merge: the least any solver must do that looks at every edge. (The
default kind is no yardstick: it is 4 x faster or slower by the machine's vector unit.) Everything is timed in one
process, the jobs interleaved, medians taken, and ratios printed.

    python benchmarks/crossovers.py [repetitions]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from tco.curve import Pieces, Window, all_pairs, bands

OPTIONS, STEPS = 20, 10_000
WINDOW = Window(1.0, 1e9)


def combs(rng: np.random.Generator) -> np.ndarray:
    """The 9,999 steps of an autoscaled fleet: nine load levels, each of which steps at its own multiples."""
    level = rng.uniform(0.1, 1, 9)
    teeth = np.round(level / level.sum() * (STEPS - 1)).astype(int)
    teeth[0] += STEPS - 1 - teeth.sum()
    steps = np.concatenate([WINDOW.hi / (n + rng.uniform(0.1, 0.9)) * np.arange(1, n + 1) for n in teeth])
    return np.sort(steps)


def curve(steps: np.ndarray, price: float, fixed: float, slope: float = 0.0, fall: np.ndarray | float = 0.0) -> Pieces:
    """fixed + slope x V + price x steps taken - what fell."""
    edges = np.concatenate([[WINDOW.lo], steps, [WINDOW.hi]])
    level = fixed + price * np.arange(1, STEPS + 1) - fall
    above, at = level + slope * edges[:-1], level + slope * edges[1:]
    return Pieces(edges, above, at, at[0], WINDOW)


def random_curves(rng: np.random.Generator) -> list[Pieces]:
    """Unlike options: up to ten times dearer than each other at the end, fixed costs more so."""
    out = []
    for _ in range(OPTIONS):
        total, share = 10 ** rng.uniform(5, 6), rng.uniform(0.2, 1)
        out.append(curve(combs(rng), share * total / STEPS, 10 ** rng.uniform(2, 5), (1 - share) * total / 1e9))
    return out


def near_parallel(rng: np.random.Generator) -> list[Pieces]:
    """The same cost per token to one part in a hundred: every pair weaves for a long way."""
    return [curve(combs(rng), 100 * (1 + rng.uniform(-1, 1) * 1e-2), rng.uniform(0, 10_000)) for _ in range(OPTIONS)]


def falling(rng: np.random.Generator) -> list[Pieces]:
    """Curves that jump down time and again, as under all-units discounts: the end of a stretch bounds nothing."""
    out = []
    for _ in range(OPTIONS):
        price, every = 10 ** rng.uniform(5, 6) / STEPS, int(rng.integers(3, 200))
        fall = 0.6 * price * every * (np.arange(1, STEPS + 1) // every)
        out.append(curve(combs(rng), price, 10 ** rng.uniform(2, 5), fall=fall))
    return out


def weaving(rng: np.random.Generator) -> list[Pieces]:
    """The worst there is, and no bar: the same average line for all, so that every pair swaps all the way."""
    return [curve(combs(rng), 100.0, rng.uniform(0, 100)) for _ in range(OPTIONS)]


def sorts(curves: list[Pieces]) -> None:
    for i, a in enumerate(curves):
        for b in curves[i + 1 :]:
            np.sort(np.concatenate([a.edges[1:-1], b.edges[1:-1]]), kind="stable")


def medians(jobs: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repetitions):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(t) for name, t in times.items()}


def main(repetitions: int) -> int:
    print(f"{OPTIONS} options x {STEPS:,} steps, {OPTIONS * (OPTIONS - 1) // 2} pairs, median of {repetitions}")
    print(f"{'input':14} {'swaps':>9} {'bands':>7} {'sort':>9} {'all pairs':>19} {'bands of all':>27}")
    for make in (random_curves, near_parallel, falling, weaving):
        curves = make(np.random.default_rng(1))
        jobs: dict[str, Callable[[], object]] = {
            "sort": lambda c=curves: sorts(c),  # type: ignore[misc]
            "pairs": lambda c=curves: all_pairs(c),  # type: ignore[misc]
            "bands": lambda c=curves: bands(c),  # type: ignore[misc]
        }
        t = medians(jobs, repetitions if make is not weaving else 3)
        print(
            f"{make.__name__:14} {len(all_pairs(curves)):9,} {len(bands(curves)):7,} {t['sort'] * 1e3:6.1f} ms "
            f"{t['pairs'] * 1e3:6.1f} ms = {t['pairs'] / t['sort']:4.2f} sorts "
            f"{t['bands'] * 1e3:6.1f} ms = {t['bands'] / t['pairs']:4.2f} of all pairs"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
