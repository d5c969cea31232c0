"""How long a whole run takes, as a multiple of importing the libraries that it uses.

Each round runs every command once, as a process of its own with the same interpreter, its output thrown away. Printed
are ratios of medians, by the clock and by processor time. Bytecode is kept in a folder of the benchmark's own and warm,
as after an installation. The bars: `tco compare` of a shipped scenario 1.5, `tco --help` 1.

The bare imports start numpy's threads, one a core; `tco` does without. Set OPENBLAS_NUM_THREADS=1 to leave that out.

    python benchmarks/startup.py [rounds]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = [sys.executable, "-c", "import numpy, pydantic, yaml, typer, rich.table"]
SCENARIOS = ("break-even-sketch", "document-pipeline", "crossover-70b", "tco-matrix")
BARS = {**{f"compare {s}": 1.5 for s in SCENARIOS}, "--help": 1.0}
ROUNDS = 15


def run(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time, of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return took, used.ru_utime + used.ru_stime


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    script = Path(sys.executable).with_name("tco")
    ways = {"python -m tco": [sys.executable, "-m", "tco"], **({"tco": [str(script)]} if script.exists() else {})}
    commands = {"bare": BARE}
    for command in BARS:
        for way, start in ways.items():
            commands[f"{way} {command}"] = [*start, *command.split()]
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = folder
        for words in commands.values():
            run(words, env)
        for _ in range(rounds):
            for name, words in commands.items():
                seconds[name].append(run(words, env))
    clock, processor = ({n: statistics.median(t[i] for t in ts) for n, ts in seconds.items()} for i in (0, 1))
    print(f"bare imports: {clock['bare'] * 1e3:.0f} ms, {processor['bare'] * 1e3:.0f} ms of processor, {rounds} rounds")
    for command, bar in BARS.items():
        for way in ways:
            name = f"{way} {command}"
            ratios = f"{clock[name] / clock['bare']:.2f} x (processor {processor[name] / processor['bare']:.2f} x)"
            print(f"{name:<42} {ratios}, bar {bar:g}")


if __name__ == "__main__":
    main()
