"""What serving an LLM workload costs by API, managed open weights, own GPUs or a mix, and where the answer changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from tco.document import Faults
    from tco.frames import PlanResult, Result

__all__ = ["Faults", "PlanResult", "Result", "compare", "plan", "prices"]


def compare(
    scenario: str | Path | Mapping[str, Any],
    *,
    variant: str | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> Result:
    """Compare the options of a scenario: a path, the name of a shipped one, or a mapping of the same keys.

    variant: the name of one of its variants. draws: how often a range is drawn; 0 for not at all, 256 when absent.
    seed: other draws of the same ranges. Raises `tco.Faults` with everything that is wrong.
    """
    from tco import frames

    return frames.compare(scenario, variant=variant, draws=draws, seed=seed)


def plan(
    scenario: str | Path | Mapping[str, Any],
    *,
    variant: str | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> PlanResult:
    """Follow the options of a scenario over the months of its `projection`: what is paid, what pays back.

    The arguments are those of `compare`. Raises `tco.Faults` with everything that is wrong.
    """
    from tco import frames

    return frames.plan(scenario, variant=variant, draws=draws, seed=seed)


def prices(
    section: str | None = None, *, catalogs: Sequence[str | Path] = (), as_of: date | str | None = None
) -> pd.DataFrame:
    """The catalogues as a DataFrame, a row a dated figure: of one section (models, gpus, capacity, ...) or of all.

    catalogs: folders of one's own, looked into first. as_of: the day that `holds` speaks of; today when absent.
    Raises `tco.Faults`.
    """
    from tco import frames

    return frames.prices(section, catalogs, as_of)


def __getattr__(name: str) -> Any:
    """`Faults`, `Result` and `PlanResult` when they are asked for: `import tco` itself loads nothing."""
    if name == "Faults":
        from tco.document import Faults

        return Faults
    if name in ("PlanResult", "Result"):
        from tco import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
