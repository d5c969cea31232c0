"""How long a whole run takes, as a multiple of importing the libraries that it uses.

Each round runs every command once, as a process of its own with the same interpreter, its output thrown away. Printed
are ratios of medians, by the clock and by processor time. Bytecode is kept in a folder of the benchmark's own and warm,
as after an installation. The bars, each as a multiple of the bare imports:

- `tco --help` 1; `tco compare` of a shipped scenario without draws 1.5. What draws add where something is a range is
  the difference to the same run without them, printed beside: with ranges a run is to take 1.5 and its draws.
- the catalogue: `tco compare` with all shipped prices in at most 1.1 times of what it takes with only the files that
  the scenario opens. Both are whole copies of the package, as installed, that differ in `pricing` alone; which files
  are opened is seen by the interpreter's own audit events.

The bare imports start numpy's threads, one a core; `tco` does without. Set OPENBLAS_NUM_THREADS=1 to leave that out.

    python benchmarks/startup.py [rounds]
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BARE = [sys.executable, "-c", "import numpy, pydantic, yaml, typer, rich.table"]
TCO = [sys.executable, "-P", "-m", "tco"]
SCENARIOS = sorted(path.stem for path in ROOT.glob("scenarios/*.yaml"))
WITHOUT_DRAWS = ("--draws", "0")
COMPARE, HELP, ALL_PRICES = 1.5, 1.0, 1.1
ROUNDS = 15
OPENED = """
import runpy, sys
def see(event, args):
    if event == "open" and str(args[0]).endswith(".yaml"):
        print(args[0], file=sys.stderr)
sys.addaudithook(see)
sys.argv = ["tco", "compare", sys.argv[1]]
runpy.run_module("tco", run_name="__main__")
"""


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


def copied(folder: Path) -> Path:
    """The package as it is installed, with its prices and scenarios inside."""
    for name in ("pricing", "scenarios"):
        shutil.copytree(ROOT / name, folder / "tco" / name)
    shutil.copytree(ROOT / "tco", folder / "tco", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return folder


def opened(scenario: str, folder: Path, env: dict[str, str]) -> set[str]:
    """The catalogue files that comparing a scenario opens."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", OPENED, scenario],
        env={**env, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = map(Path, done.stderr.splitlines())
    return {path.name for path in paths if path.parent == folder / "tco" / "pricing"}


def only(files: set[str], folder: Path) -> Path:
    """The same package with these catalogue files alone."""
    for path in (copied(folder) / "tco" / "pricing").glob("*.yaml"):
        if path.name not in files:
            path.unlink()
    return folder


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = str(work / "bytecode")
        whole = copied(work / "whole")
        commands: dict[str, tuple[list[str], Path]] = {"bare": (BARE, whole), "help": ([*TCO, "--help"], whole)}
        files = {}
        for name in SCENARIOS:
            commands[name] = ([*TCO, "compare", name], whole)
            commands[f"{name} without draws"] = ([*TCO, "compare", name, *WITHOUT_DRAWS], whole)
        for name in SCENARIOS:
            needed = opened(name, whole, env)
            if not needed:  # it states all its prices itself
                continue
            files[name] = needed
            commands[f"{name} with its files alone"] = (commands[name][0], only(files[name], work / name))
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for i in range(rounds + 1):
            for name, (words, folder) in commands.items():
                took = run(words, {**env, "PYTHONPATH": str(folder)})
                if i:  # the first round warms the bytecode
                    seconds[name].append(took)
        prices = len(list((whole / "tco" / "pricing").glob("*.yaml")))
    clock, processor = ({n: statistics.median(t[i] for t in ts) for n, ts in seconds.items()} for i in (0, 1))
    print(f"bare imports: {clock['bare'] * 1e3:.0f} ms, {processor['bare'] * 1e3:.0f} ms of processor, {rounds} rounds")

    def show(what: str, name: str, to: str, bar: float, beside: str = "") -> None:
        ratio, used = clock[name] / clock[to], processor[name] / processor[to]
        missed = "" if max(ratio, used) <= bar else "  MISSED"
        print(f"{what:<44} {ratio:.2f} x (processor {used:.2f} x), bar {bar:g}{missed}{beside}")

    show("--help", "help", "bare", HELP)
    for name in SCENARIOS:
        plain = f"{name} without draws"
        draws = clock[name] - clock[plain]
        beside = f"; draws {draws * 1e3:+.0f} ms, {clock[name] / clock['bare']:.2f} x with them"
        show(f"compare {plain}", plain, "bare", COMPARE, beside)
    for name, opens in files.items():
        show(f"{name}, {prices} files against {len(opens)}", name, f"{name} with its files alone", ALL_PRICES)


if __name__ == "__main__":
    main()
