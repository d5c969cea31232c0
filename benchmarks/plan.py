"""What a plan of 60 months costs in 10,000 draws: totals by category; then present values, paybacks and percentiles.

Six options of twelve line items each go through the plan's own code. Times are multiples of one multiplication and one
addition, `a * x + b`, over (option, month, draw) into a preallocated array, with their bars. All of it in one process,
the jobs interleaved, the best of several runs, with memory that is freed kept for what comes next: what the system
takes to hand out fresh memory, which can be more than all the arithmetic, is as little part of a run as of `a * x + b`.

    python benchmarks/plan.py [repetitions]
"""

from __future__ import annotations

import ctypes
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial

import numpy as np

from tco.analysis.case import build_case
from tco.analysis.course import course
from tco.analysis.flows import Course
from tco.analysis.months import Months
from tco.analysis.plan import courses, outlooks
from tco.analysis.timeline import Timeline
from tco.document import load_text
from tco.draws import Draws
from tco.lineitem import LineItem
from tco.options.assembly import Assembled
from tco.quantity import VOLUME, Array, Steps, linear

OPTIONS, MONTHS, DRAWS = 6, 60, 10_000
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of malloc.h."""
DECLINE = 0.1
"""A year: of all that is billed by use."""
SCENARIO = """
workload: {volume: {low: 20M tokens/day, high: 40M tokens/day}, input_tokens: 900, output_tokens: 100}
current: o0
projection: {months: 60, growth: {low: 1%, high: 4%}, discount_rate: {low: 5%, high: 10%}}
options:
"""


class Drawn(Months):
    """The months of a scenario with line items in the place of what its options would be priced at."""

    def __init__(self, timeline: Timeline, n: Draws, falling: int) -> None:
        self.timeline, self.eras, self.inner, self.exact = timeline, timeline.eras(), n, False
        self.volumes = timeline.volumes(n)
        rng = np.random.default_rng(1)
        self.priced = [{f"o{i}": Assembled(f"o{i}", items(rng, falling), ()) for i in range(OPTIONS)}]
        self.begin()


def items(rng: np.random.Generator, falling: int) -> tuple[LineItem, ...]:
    """Nine lines by the token, so many of them at prices that fall; three staircases: two fleets and their people."""

    def draw(low: float, high: float) -> Array:
        return rng.uniform(low, high, DRAWS)

    fall = (1 - DECLINE) ** (np.arange(MONTHS) / 12)[:, np.newaxis]
    lines = [
        LineItem(
            "api" if i < 4 else ("usage", "quality")[i % 2], f"line {i}",
            linear(draw(10, 500), (draw(1e-6, 9e-6), VOLUME)), "units", draw(0.5, 1.5) * (fall if i < falling else 1.0),
        )
        for i in range(9)
    ]  # fmt: skip
    for i, category in enumerate(("gpu", "gpu", "people")):
        load = linear(np.array([0.0]), (draw(1.5e-8, 2.5e-8), VOLUME))
        replicas = Steps(load, draw(0.6, 0.9), np.array([float(i == 0)]), np.array([2.0]))
        lines.append(LineItem(category, f"stairs {i}", replicas, "hours", draw(1500, 2500)))
    return tuple(lines)


def timeline() -> Timeline:
    options = "".join(f"  o{i}: {{kind: self_hosted, all_in: $1/month}}\n" for i in range(OPTIONS))
    case = build_case(load_text(SCENARIO + options, "plan.yaml"), today=date(2026, 11, 21))
    return Timeline(case)


def best(jobs: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Seconds of computing of the fastest run of each: what else the machine does is no part of them."""
    times = dict.fromkeys(jobs, float("inf"))
    for _ in range(repetitions):
        for name, job in jobs.items():
            begin = time.process_time()
            job()
            times[name] = min(times[name], time.process_time() - begin)
    return times


def peak(job: Callable[[], object]) -> float:
    """MiB allocated at once beyond what there was."""
    tracemalloc.start()
    job()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def keep_freed_memory() -> None:
    """Where the C library is glibc; elsewhere times hold what fresh memory takes."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(M_MMAP_THRESHOLD, 2**30)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def main(repetitions: int) -> int:
    keep_freed_memory()
    n, line = Draws(DRAWS), timeline()
    still, moving = Drawn(line, n, 0), Drawn(line, n, 4)
    names = [f"o{i}" for i in range(OPTIONS)]
    out = np.zeros((OPTIONS, MONTHS, DRAWS))
    rng = np.random.default_rng(2)
    x, a, b = rng.uniform(1e7, 1e8, out.shape), rng.uniform(1, 2, DRAWS), rng.uniform(1, 2, DRAWS)

    def bare() -> None:
        np.multiply(x, a, out=out)
        np.add(out, b, out=out)

    def totals(months: Drawn) -> list[Course]:
        return [course(months, name, fold=True) for name in names]

    def whole(months: Drawn) -> list[Array]:
        found = outlooks(months, courses(months, names, fold=True), names)
        return [
            percentile
            for one in found.values()
            for values in (one.cost, one.paid, one.npv, *(() if one.payback is None else (one.payback,)))
            for percentile in one.percentiles(values)
        ]

    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "12 items each, totals by category": (partial(totals, still), 10),
        "and NPV, payback, P10, P50 and P90": (partial(whole, still), 50),
        "totals, a third of the items falling in price": (partial(totals, moving), 10),
        "and NPV, payback, P10, P50 and P90 ": (partial(whole, moving), 50),
    }
    seconds = best({"bare": bare, **{name: job for name, (job, _) in jobs.items()}}, repetitions)
    print(f"{OPTIONS} options x {MONTHS} months x {DRAWS:,} draws, best of {repetitions}; ", end="")
    print(f"a * x + b {seconds['bare'] * 1e3:.1f} ms")
    for name, (job, bar) in jobs.items():
        ratio = seconds[name] / seconds["bare"]
        print(f"{name:46} {seconds[name] * 1e3:7.1f} ms = {ratio:5.1f} x, bar {bar}; {peak(job):6.1f} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
