"""What reading a trace costs, as a multiple of a bare read of the same file with the same parser, in one run.

Traces are made on the spot: Mooncake-like (24 blocks a prompt in the mean, half of them shared, a 3-second tick) and
Azure-like. The bare read decodes every line into the same struct (msgspec), or runs over the rows (csv), and keeps
nothing. Each command runs as a process of its own, as a user runs it; what starting Python and importing takes is taken
off, by a run on the first rows alone. Beside it: peak memory, and the same at a tenth of the rows.

The bar: inspect and convert under 3, and memory that does not grow.

    python benchmarks/trace.py [rows]
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

ROWS, ROUNDS, BAR = 1_000_000, 3, 3.0
BARE = {
    "mooncake": """
import gc, sys
gc.disable()
import msgspec
from tco.traffic.formats.mooncake import Row
decode = msgspec.json.Decoder(Row).decode
with open(sys.argv[1], "rb") as file:
    for line in file:
        decode(line)
""",
    "azure": """
import gc, sys
gc.disable()
import csv, msgspec
from tco.traffic.formats.azure import COLUMNS
with open(sys.argv[1], newline="") as file:
    for row in csv.reader(file):
        pass
""",
}


def mooncake(path: Path, rows: int) -> None:
    """A conversation goes on with what it had, or a new one begins with the block that all share."""
    drawn = random.Random(1)
    new, talks = 1, [[0]]
    with path.open("w") as out:
        for i in range(rows):
            before = talks[drawn.randrange(len(talks))] if drawn.random() < 0.5 else [0]
            more = drawn.randint(1, 24)
            blocks = (before + list(range(new, new + more)))[:240]
            new += more
            if len(talks) < 2000:
                talks.append(blocks)
            else:
                talks[drawn.randrange(2000)] = blocks
            tokens = 512 * len(blocks) - drawn.randrange(512)
            out.write(
                f'{{"timestamp": {i // 10 * 3000}, "input_length": {tokens}, "output_length": {drawn.randint(1, 800)}, '
                f'"hash_ids": {blocks}}}\n'
            )


def azure(path: Path, rows: int) -> None:
    drawn, at, zero = random.Random(1), 0.0, datetime(2023, 11, 16, 18, 17, 3)
    with path.open("w", newline="") as out:
        out.write("TIMESTAMP,ContextTokens,GeneratedTokens\r\n")
        for _ in range(rows):
            at += drawn.expovariate(2.6)
            stamp = (zero + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S.%f")
            out.write(f"{stamp}{drawn.randrange(10)},{drawn.randint(1, 7437)},{drawn.randint(1, 1899)}\r\n")


def run(command: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock, of processor time, and peak memory in MiB of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def cost(command: list[str], path: Path, few: Path) -> tuple[float, float, float]:
    """Seconds by the clock and of processor time beyond a start, and peak memory: medians."""

    def at(file: Path) -> list[float]:
        runs = [run([part.replace("FILE", str(file)) for part in command]) for _ in range(ROUNDS)]
        return [statistics.median(column) for column in zip(*runs, strict=True)]

    whole, start = at(path), at(few)
    return whole[0] - start[0], whole[1] - start[1], whole[2]


def main(rows: int) -> None:
    tco = [sys.executable, "-P", "-m", "tco", "trace"]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.jsonl")
        for name, make in (("mooncake", mooncake), ("azure", azure)):
            few, tenth, path = (Path(folder) / f"{name}-{part}" for part in ("few", "tenth", "all"))
            for file, count in ((few, 20), (tenth, rows // 10), (path, rows)):
                make(file, count)
            bare = cost([sys.executable, "-P", "-c", BARE[name], "FILE"], path, few)
            print(f"{name}: {rows:,} rows, {path.stat().st_size / 2**20:,.0f} MiB; bare read {bare[2]:.0f} MiB")
            for verb, more in (("inspect", []), ("convert", ["-o", out])):
                clock, cpu, memory = cost([*tco, verb, "FILE", *more], path, few)
                small = run([*tco, verb, str(tenth), *more])[2]
                within = "within" if clock / bare[0] <= BAR else "over"
                print(
                    f"  {verb}: {clock / bare[0]:.2f} x the bare read, {cpu / bare[1]:.2f} x its processor time "
                    f"({within} the bar of {BAR:g}), {memory:.0f} MiB; {small:.0f} MiB at a tenth of the rows"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
