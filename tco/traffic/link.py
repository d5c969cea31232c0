"""Who waits for whom: from sessions and how long answers took, the request whose end each one follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tco.traffic.batch import SECOND, UNKNOWN, Batch

IDLE = 24 * 3600 * SECOND
"""After so long without an end, a session that goes on is not linked to what it had before."""

MOST_REMEMBERED = 64
"""Requests of a session that had ended, from which the later ones may have been made."""


class _Session:
    """Requests of one session that may be waited for: by id when they end."""

    __slots__ = ("ends",)

    def __init__(self) -> None:
        self.ends: dict[str, int] = {}


def linked(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Batches in time order with `id`, `after` and `think` of every row that has a session.

    A request waits for what it was made from (`parent`) if that is known and had ended, else for the one of its session
    that had ended last; never for one that was still under way. Rows without an id are numbered.
    """
    young: dict[str, _Session] = {}
    old: dict[str, _Session] = {}
    turned = None
    number = 0
    for batch in batches:
        if batch.session is None or batch.at is None:
            number += batch.rows
            yield batch
            continue
        ids = list(batch.id or [None] * batch.rows)
        after: list[str | None] = [None] * batch.rows
        think: list[float | None] = [None] * batch.rows
        parents = batch.parent or [None] * batch.rows
        took = [UNKNOWN] * batch.rows if batch.took is None else batch.took.tolist()
        for row, (at, name) in enumerate(zip(batch.at.tolist(), batch.session, strict=True)):
            if name is None:
                continue
            if turned is None:
                turned = at
            if at - turned > IDLE:  # two generations: what was not touched for a day is forgotten with the older one
                young, old, turned = {}, young, at
            session = young.get(name)
            if session is None:
                session = young[name] = old.pop(name) if name in old else _Session()
            found = _before(session, at, parents[row])
            if found is not None:
                after[row] = found
                think[row] = (at - session.ends[found]) / SECOND
            mine = ids[row]
            if mine is None:
                mine = ids[row] = f"r{number + row + 1}"
            if took[row] != UNKNOWN:
                _remember(session, mine, at, at + took[row])
        number += batch.rows
        yield batch._replace(id=ids, after=after, think=think, parent=None)


def _before(session: _Session, at: int, parent: str | None) -> str | None:
    """The request to wait for at a time."""
    end = session.ends.get(parent) if parent is not None else None
    if end is not None and at - IDLE <= end <= at:
        return parent
    ended = [(end, i, name) for i, (name, end) in enumerate(session.ends.items()) if at - IDLE <= end <= at]
    return max(ended)[2] if ended else None


def _remember(session: _Session, name: str, at: int, end: int) -> None:
    session.ends[name] = end
    if len(session.ends) > MOST_REMEMBERED:  # of what ended, all but the last are of use to children alone
        ended = sorted((e, n) for n, e in session.ends.items() if e <= at)
        for _, gone in ended[: -MOST_REMEMBERED // 2]:
            del session.ends[gone]
