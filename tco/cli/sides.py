"""The pairs of sides that `tco diff` compares: two files, two folders, a revision or a baseline beside what is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from posixpath import join
from typing import NamedTuple

from tco.analysis.case import document_of
from tco.analysis.change.baseline import Baseline, name_in
from tco.analysis.change.side import Side
from tco.catalog.store import Reading
from tco.cli.git import Revision
from tco.document import Fault, Faults
from tco.scenario.found import ENDINGS, may_be_scenario, yaml_files

Read = Callable[[], Side | None]


class Today(NamedTuple):
    """What the scenarios that are here share: the day, and what has been read of their catalogues."""

    day: date
    reading: Reading


class Pair(NamedTuple):
    """A scenario before and after, each read when it is asked for. Reading raises Faults, None is: not there."""

    name: str
    old: Read
    new: Read

    def read(self) -> tuple[Side | None, Side | None]:
        """Both sides; `Faults` with what is wrong with either."""
        faults: list[Fault] = []
        sides: list[Side | None] = []
        for read in (self.old, self.new):
            try:
                sides.append(read())
            except Faults as problem:
                faults += problem.faults
        if faults:
            raise Faults(faults)
        return sides[0], sides[1]


def here(path: str | Path, today: Today) -> Side:
    """A scenario as it is now."""
    return Side(document_of(str(path)), today.day, reading=today.reading)


def two(old: str, new: str, today: Today) -> Iterator[Pair]:
    """Two scenarios; of two folders those of the same path in each, and those that only one has."""
    folders = [Path(name).is_dir() for name in (old, new)]
    if not any(folders):
        yield Pair(new, lambda: here(old, today), lambda: here(new, today))
        return
    if not all(folders):
        raise _nothing(new if folders[0] else old, "not a folder, as the other is", "two scenarios, or two folders")
    was, now = (_under(Path(name)) for name in (old, new))
    if not was and not now:
        raise _nothing(new, f"no scenario in it, nor in {old}: nothing was compared")
    for name in sorted({*was, *now}):
        yield Pair(str(now.get(name, was.get(name))), _at(was.get(name), today), _at(now.get(name), today))


def since(revision: str, files: Sequence[str], into: Path, today: Today) -> Iterator[Pair]:
    """Scenarios, or those of folders, as they were at a revision and as they are here."""
    known: dict[Path, Revision] = {}

    def of(path: Path) -> Revision:
        """The revision in the repository that a path lies in; each is looked up once."""
        folder = next(parent for parent in (path, *path.absolute().parents) if parent.is_dir())
        if folder not in known:
            found = Revision(folder, revision, into / str(len(known)))
            known[folder] = next((r for r in known.values() if r.top == found.top), found)
        return known[folder]

    for file in files:
        path = Path(file)
        repository = of(path)
        inside = repository.within(path)
        if path.is_file() or (not path.exists() and file.endswith(ENDINGS)):
            now = path if path.exists() else None
            yield Pair(file, _then(repository, inside, today), _at(now, today, repository, inside))
            continue
        here_now = _under(path) if path.is_dir() else {}
        there = {name[len(inside) :].lstrip("/"): name for name in repository.scenarios(inside)}
        if not here_now and not there:
            raise _nothing(file, f"no scenario in it, nor in {revision}: nothing was compared")
        for name in sorted({*here_now, *there}):
            shown = str(here_now.get(name, path / name))
            yield Pair(shown, _then(repository, join(inside, name), today), _at(here_now.get(name), today))


def saved(baseline: Path, files: Sequence[str], into: Path, today: Today) -> Iterator[Pair]:
    """Scenarios, or those of folders, as a baseline has them and as they are here."""
    kept = Baseline(baseline, into)
    for file in files:
        path = Path(file)
        if not path.is_dir():
            name = name_in(baseline, file)
            gone = bool(path.suffix) and not path.exists() and name in kept.names  # what has none may be shipped
            yield Pair(file, _kept(kept, name), (lambda: None) if gone else _at(path, today))
            continue
        now = {name_in(baseline, str(found)): found for found in _under(path).values()}
        folder = name_in(baseline, file)
        was = [name for name in kept.names if folder == "." or name.startswith(f"{folder}/")]
        if not now and not was:
            raise _nothing(file, "no scenario in it, nor in the baseline: nothing was compared")
        for name in sorted({*now, *was}):
            yield Pair(str(now.get(name, name)), _kept(kept, name), _at(now.get(name), today))


def scenarios(files: Sequence[str]) -> list[str]:
    """Scenario files as they are named, and those of folders. Raises Faults where a folder has none."""
    found: list[str] = []
    for file in files:
        if not Path(file).is_dir():
            found.append(file)
            continue
        inside = _under(Path(file))
        if not inside:
            raise _nothing(file, "no scenario in it: nothing was saved")
        found += [str(path) for path in inside.values()]
    return list(dict.fromkeys(found))


def _under(folder: Path) -> dict[str, Path]:
    """The scenarios of a folder and of those in it, by their path within it."""
    found = {path.relative_to(folder).as_posix(): path for path in yaml_files(folder) if may_be_scenario(path)}
    return dict(sorted(found.items()))


def _at(path: Path | None, today: Today, repository: Revision | None = None, inside: str = "") -> Read:
    def read() -> Side | None:
        if path is None and repository is not None and not repository.holds(inside):
            raise _nothing(inside, f"no such file, neither here nor in {repository.name}")
        return None if path is None else here(path, today)

    return read


def _then(repository: Revision, path: str, today: Today) -> Read:
    return lambda: repository.side(path, today.day)


def _kept(baseline: Baseline, name: str) -> Read:
    return lambda: baseline.side(name)


def _nothing(file: str, message: str, expected: str = "") -> Faults:
    return Faults([Fault(file, 0, 0, message, expected)])
