"""The pictures of a replay: latency against rate, and what happened over the time of a run."""

from __future__ import annotations

from tco.replay.results import Summary
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.png import picture
from tco.report.replay_png_rate import against_rate
from tco.report.replay_png_time import over_time


def pictures(a: Account) -> dict[str, bytes]:
    """PNG bytes, 1500 x 900, by what is added to the file's name: "" the picture itself, "-timeline" that of the run at
    the capacity beside a search. Nothing where no request was made. The same account gives the same bytes."""
    pictured: dict[str, bytes] = {}
    found, outcomes, summary = a.found, a.outcomes, a.summary
    if not isinstance(found, Summary) and found.probes:
        pictured[""] = picture(lambda figure: against_rate(figure, a, found))
    if outcomes is not None and len(outcomes) and summary is not None:
        pictured[words.TIMELINE if pictured else ""] = picture(lambda figure: over_time(figure, a, outcomes, summary))
    return pictured
