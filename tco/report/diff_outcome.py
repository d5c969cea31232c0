"""The outcome of a whole run: what each scenario's change does, which limits hold, what could not be compared."""

from __future__ import annotations

from typing import NamedTuple

from tco.analysis.change.limit import Verdict
from tco.analysis.change.record import Change
from tco.gate.finding import Finding


class Judged(NamedTuple):
    """The change of a scenario, held against every limit."""

    change: Change
    verdicts: tuple[Verdict, ...]
    crossed: tuple[Finding, ...] = ()
    """Budgets and rules of the scenario that hold no more."""
    unchecked: tuple[str, ...] = ()
    """Why others of them could not be evaluated."""

    @property
    def worth_saying(self) -> bool:
        """Whether there is more to say than that nothing changed."""
        held = all(v.holds for v in self.verdicts) and not self.crossed and not self.unchecked
        return self.change.status != "unchanged" or bool(self.change.warnings) or not held


class Failed(NamedTuple):
    """A scenario that could not be compared, and what stands in the way."""

    file: str
    messages: tuple[str, ...]


class Outcome(NamedTuple):
    """What a run of `tco diff` found."""

    old: str
    """What the old side is called: a revision, a file, a folder."""
    new: str
    scenarios: tuple[Judged, ...]
    failed: tuple[Failed, ...]

    @property
    def crossed(self) -> bool:
        """Whether a limit is crossed."""
        return any(v.holds is False for judged in self.scenarios for v in judged.verdicts)

    @property
    def unsure(self) -> bool:
        """Whether anything could not be compared, or held against a limit."""
        return bool(self.failed) or any(v.holds is None for judged in self.scenarios for v in judged.verdicts)
