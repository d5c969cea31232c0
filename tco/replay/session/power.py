"""What the GPUs of this machine draw, read by NVML where `nvidia-ml-py` is installed (`pip install tco[gpu]`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from tco.replay.record.header import GpuFacts
from tco.replay.results import Window
from tco.replay.session.crosscheck import Power


class Reading(NamedTuple):
    """All GPUs at one moment."""

    watts: list[float]
    utilisation: list[float]
    """Share of the last sampling period in which a kernel ran."""


class NoGpus(Exception):
    """Power cannot be read, and why."""


class Gpus:
    """The GPUs of this machine. `close` when done."""

    def __init__(self) -> None:
        """Raises NoGpus."""
        try:
            # an extra that has no types: missing on most machines
            self._nvml: Any = import_module("pynvml")
        except ImportError:
            raise NoGpus("`nvidia-ml-py` is not installed") from None
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as problem:
            raise NoGpus(f"no NVIDIA driver answers ({type(problem).__name__})") from None
        try:
            count = self._nvml.nvmlDeviceGetCount()
            self._handles = [self._nvml.nvmlDeviceGetHandleByIndex(i) for i in range(count)]
            self.names = [_text(self._nvml.nvmlDeviceGetName(h)) for h in self._handles]
            self.driver = _text(self._nvml.nvmlSystemGetDriverVersion())
            if not self._handles:
                raise NoGpus("this machine has no GPU")
            self.read()
        except self._nvml.NVMLError as problem:
            self.close()
            raise NoGpus(f"the GPUs do not tell their power ({type(problem).__name__})") from None
        except NoGpus:
            self.close()
            raise

    def read(self) -> Reading:
        """Watts and utilisation of each now. Raises the library's own error where a GPU has none."""
        nvml = self._nvml
        return Reading(
            [nvml.nvmlDeviceGetPowerUsage(h) / 1000 for h in self._handles],  # milliwatts
            [nvml.nvmlDeviceGetUtilizationRates(h).gpu / 100 for h in self._handles],
        )

    def read_or_none(self) -> Reading | None:
        """The same; None where it fails now, as while a driver is restarted."""
        try:
            return self.read()
        except self._nvml.NVMLError:
            return None

    def facts(self, idle: Sequence[Reading]) -> GpuFacts:
        """What they are, with the mean watts of each at rest."""
        return GpuFacts(self.names[0], self.driver, len(self.names), _means([r.watts for r in idle]))

    def close(self) -> None:
        """Let the library go."""
        self._nvml.nvmlShutdown()


def power(
    facts: GpuFacts | None, samples: Sequence[Mapping[str, Any]], window: Window | None, gpus: int
) -> Power | None:
    """What the replica's GPUs drew in the window of a run.

    samples: notes with `at_s` (seconds since the run's zero), `watts` and `utilisation` of each GPU. Of a machine with
    more GPUs than the replica has, the ones that drew most: which it has, NVML does not tell. None without samples.
    """
    if facts is None:
        return None
    inside = [s for s in samples if window is None or window.start <= s["at_s"] <= window.end] or list(samples)
    if not inside:
        return None
    watts, used = _means([s["watts"] for s in inside]), _means([s["utilisation"] for s in inside])
    chosen = sorted(range(len(watts)), key=lambda i: -watts[i])[:gpus]
    idle = [facts.idle_watts[i] for i in chosen if i < len(facts.idle_watts)]
    return Power(
        facts.name,
        facts.driver,
        len(chosen),
        idle_watts=sum(idle) / len(idle) if idle else None,
        busy_watts=sum(watts[i] for i in chosen) / len(chosen),
        utilisation=sum(used[i] for i in chosen) / len(chosen),
    )


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(column) for column in zip(*rows, strict=True)]


def _text(value: str | bytes) -> str:
    """Older bindings answer in bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
