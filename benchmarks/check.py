"""`tco check` over many scenarios that share a catalogue: the whole process against the evaluations alone.

200 scenarios are written beside one catalogue of 300 entries, of which they name 18. The marginal evaluation is one
more scenario in a process that has read the catalogue: its file read, validated, priced and held against its budgets.
Printed is the ratio of the whole process to 200 of them, by the clock and by processor time, both from one run,
interleaved; bar 1.5. Beside it what reading the catalogue anew for each would take.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

SCENARIOS, ROUNDS, SAMPLE = 200, 5, 40
BAR = 1.5
ENTRIES = 150
TODAY = date(2026, 11, 21)

PAPER = "source: made up, checked: 2026-11-01, kind: list price, as_of: 2026-11-01"


def catalogue() -> str:
    models = "".join(
        f"  m{i}:\n    name: Model {i}\n    prices:\n"
        f"      - {{{PAPER}, input_per_mtok: {i % 7 + 1}, output_per_mtok: {i % 11 + 5}}}\n"
        for i in range(ENTRIES)
    )
    gpus = "".join(
        f"  g{i}:\n    gpu: G{i}\n    gpus: 8\n    prices:\n"
        f"      - {{{PAPER}, region: here, term: on_demand, per_hour: {i % 5 + 10}}}\n"
        for i in range(ENTRIES)
    )
    return f"models:\n{models}gpus:\n{gpus}"


def scenario(i: int) -> str:
    return f"""name: Team {i}
as_of: 2026-11-21
catalogs: [prices]
current: api
workload:
  volume: {20 + i}M tokens/day
  classes:
    chat: {{share: 60%, input_tokens: 1000, output_tokens: 200}}
    draft: {{share: rest, input_tokens: 3000, output_tokens: 400}}
options:
  api: {{kind: api, model: shared/m{i % 12}}}
  other: {{kind: api, model: shared/m{(i + 1) % 12}}}
  own:
    kind: self_hosted
    gpu: shared/g{i % 6}
    capacity: {{requests_per_s: 5, input_tokens: 1000, output_tokens: 200}}
    people: {{fte: 0.25, cost: 150k USD/year}}
budgets:
  bill: $400k/month
  request: {{limit: $1/request, option: own}}
"""


def process(folder: Path) -> tuple[float, float]:
    """The whole process: seconds by the clock, and of the processor."""
    command = [sys.executable, "-m", "tco", "check", str(folder)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def marginal(files: list[str], *, shared: bool) -> tuple[float, float]:
    """One more evaluation, in seconds by the clock and of the processor: medians of a sample."""
    from tco.catalog.store import Reading
    from tco.gate.gate import check

    reading = Reading()
    for file in files[:SAMPLE]:
        check(file, TODAY, 256, 1, None, reading)  # what they name is read
    found = []
    for file in files[:SAMPLE]:
        began, used = time.perf_counter(), time.process_time()
        done = check(file, TODAY, 256, 1, None, reading if shared else None)
        found.append((time.perf_counter() - began, time.process_time() - used))
        assert len(done.findings) == 2 and not done.faults
    clock, processor = (statistics.median(values) for values in zip(*found, strict=True))
    return clock, processor


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "prices").mkdir()
        (folder / "prices" / "shared.yaml").write_text(catalogue())
        files = []
        for i in range(SCENARIOS):
            path = folder / f"team-{i:03}.yaml"
            path.write_text(scenario(i))
            files.append(str(path))
        process(folder)  # bytecode, and the files in memory
        ratios, used, apart = [], [], []
        for _ in range(ROUNDS):
            whole, one = process(folder), marginal(files, shared=True)
            ratios.append(whole[0] / (SCENARIOS * one[0]))
            used.append(whole[1] / (SCENARIOS * one[1]))
            apart.append(marginal(files, shared=False)[1] / one[1])
        ratio, processor = statistics.median(ratios), statistics.median(used)
        missed = "" if min(ratio, processor) <= BAR else "  MISSED"
        what = f"tco check of {SCENARIOS} scenarios, as so many evaluations"
        print(f"{what} {ratio:.2f} x (processor {processor:.2f} x), bar {BAR:g}{missed}")
        print(f"an evaluation that reads the catalogue itself {statistics.median(apart):.2f} x one that shares it")


if __name__ == "__main__":
    main()
