"""The journal of a replay: one JSON line for each request as it ends, written so that a kill loses nothing that had.

Lines are of five kinds. `header` is the first. `run` begins a run, or goes on with it where one of its number is there;
`request` is one outcome, `note` what happened besides, `end` how a run ended. Times are those of `Outcome`: whole
microseconds since the run's zero. Prompts, keys and texts of a server are in none of them.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from tco.document import Fault, Faults
from tco.replay.outcome import Outcome
from tco.replay.record.journal_lines import VERSION, End, Header, Line, Note, Request, Run, decode, encode, header_of

try:
    import fcntl
except ImportError:  # a system without it has no lock that dies with its process
    fcntl = None  # type: ignore[assignment]

GONE = "gone"
"""The note that the server no longer answered at the end of a run, and the reason of its end then."""


class RecordedRun(NamedTuple):
    """What a journal holds of one run."""

    run: int
    about: dict[str, Any]
    """As it was first begun."""
    outcomes: list[Outcome]
    """In the order they ended. A request that was stopped, then sent again when the run went on, is here once."""
    notes: list[dict[str, Any]]
    """Each with its `kind`; `resumed` where the run went on."""
    ended: dict[str, Any] | None
    """None where the run was cut: killed, or out of disk."""
    lost: frozenset[int] = frozenset()
    """Rows whose connection failed in a run after which the server was gone, and that were not sent again since."""

    @property
    def done(self) -> frozenset[int]:
        """Rows that a resumed run does not send again: all that ended, well or badly, and were not stopped or lost."""
        return frozenset(o.index for o in self.outcomes if o.status != "cancelled" and o.index not in self.lost)


class Recorded(NamedTuple):
    """A journal as it was read."""

    header: dict[str, Any]
    runs: tuple[RecordedRun, ...]
    cut: bool
    """The last line is not whole: whoever wrote it was stopped in the midst of it. It is not among `skipped`."""
    skipped: int = 0
    """Further lines that cannot be read, as where a cut journal was resumed."""
    notes: tuple[dict[str, Any], ...] = ()
    """Those outside of any run."""


class Journal:
    """A journal that is written to, by one process at a time, from any of its threads.

    A line is in the file when its call returns. Each call raises OSError where the disk is full or gone; what was
    written before stays readable.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Of a file that is open, locked and whole; `create` and `resume` make one."""
        self.path = path
        self.run: int | None = None
        """The run that was begun last."""
        self._descriptor = descriptor
        self._cut = False
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: str | Path, header: dict[str, Any]) -> Self:
        """A new journal. Raises Faults where the file has something in it already, OSError where it cannot be made."""
        path = Path(path)
        descriptor = _opened(path, os.O_CREAT)
        journal = cls(path, descriptor)
        try:
            if os.fstat(descriptor).st_size:
                what = "this journal is there already, and is never written over"
                raise Faults([Fault(str(path), 0, 0, what, "a new file", "go on with it by `--resume`")])
            journal._write(Header(VERSION, header))
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def resume(cls, path: str | Path) -> Self:
        """A journal to go on with. Before the next line a cut one is ended, so that nothing after it is lost.

        Raises Faults where it is no journal, OSError where it cannot be written or another process writes it.
        """
        path = Path(path)
        descriptor = _opened(path, 0)
        journal = cls(path, descriptor)
        try:
            with path.open("rb") as file:
                header_of(path, file.readline())
                file.seek(0, os.SEEK_END)
                file.seek(max(file.tell() - 1, 0))
                journal._cut = file.read(1) != b"\n"
        except BaseException:
            journal.close()
            raise
        return journal

    def begin(self, run: int, about: dict[str, Any]) -> None:
        """A run, or its continuation where the journal has that number."""
        self._write(Run(run, about))
        self.run = run

    def add(self, outcome: Outcome) -> None:
        """A request of the run that was begun last."""
        if self.run is None:
            raise ValueError("no run was begun")
        (index, due, sent, first, last, end, gaps, got, made, cached, status, http, detail) = outcome
        self._write(
            Request(self.run, index, due, sent, first, last, end, gaps, got, made, cached, status, http, detail)
        )

    def note(self, kind: str, about: dict[str, Any]) -> None:
        """Something that happened, in the run that was begun last, or before any."""
        self._write(Note(self.run or 0, kind, about))

    def end(self, run: int, about: dict[str, Any]) -> None:
        """How a run ended. What is said of it later is added."""
        self._write(End(run, about))
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a pipe or a device has nothing to sync
                raise

    def close(self) -> None:
        """Let the file go, and its lock with it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: Line) -> None:
        text = encode(line) + b"\n"
        with self._lock:
            if self._cut:  # by a kill, or by a full disk that has room again
                text = b"\n" + text
            self._put(text)

    def _put(self, text: bytes) -> None:
        """As one write: a kill leaves all of it or nothing. A disk that takes a part is asked again, and says why."""
        left = memoryview(text)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            self._cut = self._cut or len(left) < len(text)
            error.filename = str(self.path)
            raise
        self._cut = False


def read_journal(path: str | Path) -> Recorded:
    """A whole journal. Raises Faults where it is none, OSError where it cannot be read."""
    path = Path(path)
    runs: dict[int, _Reading] = {}
    notes: list[dict[str, Any]] = []
    cut, skipped = False, 0
    with path.open("rb") as file:
        header = header_of(path, file.readline())
        for text in file:
            try:
                line = decode(text)  # a line that lacks its end alone is whole: an object ends with its brace
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                if text.endswith(b"\n"):
                    skipped += text != b"\n"
                else:
                    cut = True
                continue
            if isinstance(line, Header):
                skipped += 1
            elif isinstance(line, Note) and not line.run:
                notes.append({**line.about, "kind": line.note})
            else:
                assert isinstance(line, Run | Request | Note | End)
                runs.setdefault(line.run, _Reading(line.run)).take(line)
    return Recorded(header, tuple(r.recorded() for _, r in sorted(runs.items())), cut, skipped, tuple(notes))


class _Reading:
    """A run while its lines are read."""

    def __init__(self, run: int) -> None:
        self.run = run
        self.about: dict[str, Any] | None = None
        self.outcomes: dict[int, Outcome] = {}
        self.notes: list[dict[str, Any]] = []
        self.ended: dict[str, Any] | None = None
        self.lost: set[int] = set()

    def take(self, line: Run | Request | Note | End) -> None:
        if isinstance(line, Request):
            self.outcomes.pop(line.index, None)  # stopped before, and sent again
            self.outcomes[line.index] = line.outcome()
            self.lost.discard(line.index)
        elif isinstance(line, Note):
            self.notes.append({**line.about, "kind": line.note})
            if line.note == GONE:
                self.lost.update(o.index for o in self.outcomes.values() if o.status in ("refused", "reset"))
        elif isinstance(line, End):
            self.ended = {**(self.ended or {}), **line.about}
        elif self.about is None:
            self.about = line.about
        else:
            self.notes.append({**line.about, "kind": "resumed"})
            self.ended = None

    def recorded(self) -> RecordedRun:
        outcomes = list(self.outcomes.values())
        return RecordedRun(self.run, self.about or {}, outcomes, self.notes, self.ended, frozenset(self.lost))


def outcomes_of(path: str | Path, run: int) -> Iterator[Outcome]:
    """The outcomes of one run as they ended, in constant memory. One that was stopped may come again, later."""
    with Path(path).open("rb") as file:
        for text in file:
            if text.startswith(b'{"kind":"request"'):
                try:
                    line = decode(text)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue
                if isinstance(line, Request) and line.run == run:
                    yield line.outcome()


def _opened(path: Path, create: int) -> int:
    """The file, open at its end and locked."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | create | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if fcntl is not None and stat.S_ISREG(os.fstat(descriptor).st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise BlockingIOError(errno.EAGAIN, "another process writes this journal", str(path)) from None
        raise
    return descriptor
