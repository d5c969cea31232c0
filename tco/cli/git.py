"""Scenarios as they stood at a Git revision. No network, no shell; nothing of the repository is changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from posixpath import basename, dirname, join, normpath
from typing import NamedTuple

from tco.analysis.change.side import Side
from tco.catalog.store import Reading, Store
from tco.document import Document, Fault, Faults, load_text
from tco.scenario.found import ENDINGS, hidden, is_scenario
from tco.shipped import shipped, shown

_QUIET = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
_ELSEWHERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
"""What a hook sets for the folder it runs in: the repository is that of the scenario's folder."""
_LINK = "120000"
_FILES = ("100644", "100755", _LINK)


class GitError(OSError):
    """Git itself fails, for a reason outside the scenario and the command line."""


class _Blob(NamedTuple):
    mode: str
    name: str
    """The object's."""


class Revision:
    """A commit of a repository, whose files are read into a folder of one's own."""

    def __init__(self, folder: Path, name: str, into: Path) -> None:
        """The revision `name` of the repository that `folder` lies in. Raises Faults where there is no such."""
        self.name, self._into = name, into
        self._listed: dict[tuple[str, bool], dict[str, _Blob]] = {}
        self._texts: dict[str, bytes] = {}
        self._reading = Reading()
        if not name or "\0" in name:
            raise _faults(name or "--base", "not a revision", "a branch, tag or commit such as origin/main")
        top = _git(folder, "rev-parse", "--show-toplevel")
        if top.returncode:
            text = _said(top)
            if "not a git repository" in text or "must be run in a work tree" in text:
                raise _faults(str(folder), "not in a Git repository", "files of a repository beside --base")
            raise GitError(0, f"git: {text}", str(folder))
        self.top = Path(os.fsdecode(top.stdout).removesuffix("\n"))
        found = _git(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.returncode:
            shallow = _git(self.top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
            hint = "the clone is shallow: fetch more of it, with `git fetch --depth` or `fetch-depth: 0` in CI"
            expected = "a branch, tag or commit that has been fetched, such as origin/main"
            raise _faults(name, "no such revision", expected, hint if shallow else "")
        self._commit = found.stdout.decode("ascii").strip()

    def within(self, path: Path) -> str:
        """The path of a file or folder, from the top of the repository; it may be gone, and what it lay in."""
        folder = Path(os.path.abspath(path))
        gone: list[str] = []
        while not folder.is_dir():
            gone.insert(0, folder.name)
            folder = folder.parent
        prefix = _checked(_git(folder, "rev-parse", "--show-prefix"), folder)
        return join(os.fsdecode(prefix).removesuffix("\n"), *gone).rstrip("/")

    def scenarios(self, folder: str) -> list[str]:
        """The scenarios in a folder and in those below it, by their paths from the top."""
        found = {
            path: blob
            for path, blob in self._files(folder, recursive=True).items()
            if not hidden(Path(os.path.relpath(path, folder or "."))) and blob.mode != _LINK
        }
        texts = self._read([blob.name for blob in found.values()])
        return [path for path, blob in found.items() if is_scenario(texts[blob.name])]

    def holds(self, path: str) -> bool:
        """Whether the revision has a file of this path."""
        return path in self._files(dirname(path))

    def side(self, path: str, today: date) -> Side | None:
        """A scenario with the catalogues it names, all as of the revision; None where it was not there."""
        blob = self._files(dirname(path)).get(path)
        if blob is None:
            return None
        shown_as = str(shown(Path(f"{self.name}:{path}")))
        if blob.mode == _LINK:
            raise _faults(shown_as, "is a symbolic link there, which is not followed", "the file itself")
        document = load_text(self._read([blob.name])[blob.name], shown_as, partial=True)
        warnings: list[str] = []
        folders = self._catalogues(document, path, warnings)

        def catalogues(as_of: date) -> Store:
            return Store([*folders, shipped("pricing")], as_of, self._named, self._reading)

        return Side(document, today, catalogues, warnings=tuple(warnings))

    def _catalogues(self, document: Document, path: str, warnings: list[str]) -> list[Path]:
        stated = document.data.get("catalogs")
        folders = []
        for i, text in enumerate(stated) if isinstance(stated, list) else ():
            if not isinstance(text, str):
                continue  # what is no text is reported by the model
            folder = self._from_top(text, path)
            if folder is None:
                warnings.append(
                    f"the folder `{text}` lies outside the repository: it is read as it is now, on both sides"
                )
                folders.append(self.top / dirname(path) / text)
                continue
            files = self._files(folder)
            if not files:
                expected = "a folder of catalogue files that is committed"
                message = f"no catalogue files in `{text}` at {self.name}"
                raise Faults([document.fault(("catalogs", i), message, expected=expected)])
            folders.append(self._written(folder, files))
        return folders

    def _from_top(self, text: str, path: str) -> str | None:
        """A folder named in a scenario, from the top of the repository; None where it lies outside."""
        if os.path.isabs(text):
            folder = Path(os.path.relpath(os.path.realpath(text), os.path.realpath(self.top))).as_posix()
        else:
            folder = normpath(join(dirname(path), text))
        if folder == ".." or folder.startswith("../"):
            return None
        return "" if folder == "." else folder

    def _written(self, folder: str, files: dict[str, _Blob]) -> Path:
        """The files of a folder, laid where they can be read."""
        target = self._into / "tree" / folder
        if not target.is_dir() or not any(target.glob("*.yaml")):
            target.mkdir(parents=True, exist_ok=True)
            links = [path for path, blob in files.items() if blob.mode == _LINK]
            if links:
                message = "is a symbolic link there, which is not followed"
                raise _faults(f"{self.name}:{links[0]}", message, "the file itself")
            texts = self._read([blob.name for blob in files.values()])
            for path, blob in files.items():
                (target / basename(path)).write_bytes(texts[blob.name])
        return target

    def _named(self, path: Path) -> Path:
        """A file that was read, as Git names it."""
        tree = self._into / "tree"
        inside = path.is_relative_to(tree)
        return shown(Path(f"{self.name}:{path.relative_to(tree).as_posix()}") if inside else path)

    def _files(self, folder: str, recursive: bool = False) -> dict[str, _Blob]:
        """The YAML files of a folder, by their paths from the top; none where there is no such folder."""
        if (folder, recursive) in self._listed:
            return self._listed[folder, recursive]
        arguments = ["ls-tree", "-z", "--full-tree", *(["-r"] if recursive else []), "--", self._commit]
        listing = _checked(_git(self.top, *arguments, *([f"{folder}/"] if folder else [])), self.top)
        found = {}
        for line in filter(None, listing.split(b"\0")):
            about, _, path = line.partition(b"\t")
            mode, _, name = about.decode("ascii").split(" ")
            if mode in _FILES and os.fsdecode(path).endswith(ENDINGS):
                found[os.fsdecode(path)] = _Blob(mode, name)
        self._listed[folder, recursive] = found
        return found

    def _read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The contents of objects, by their names; each is read once."""
        every, names = names, [name for name in dict.fromkeys(names) if name not in self._texts]
        if not names:
            return {name: self._texts[name] for name in every}
        asked = "".join(f"{name}\n" for name in names).encode("ascii")
        answer = _checked(_git(self.top, "cat-file", "--batch", given=asked), self.top)
        at = 0
        for name in names:
            end = answer.index(b"\n", at)
            head = answer[at:end].split(b" ")
            if len(head) != 3:
                raise GitError(0, f"git has not got an object of {self.name}, {name}: fetch it first", str(self.top))
            size = int(head[2])
            self._texts[name] = answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return {name: self._texts[name] for name in every}


def _git(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", "--no-pager", *arguments]
    own = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        return subprocess.run(command, cwd=folder, env={**own, **_QUIET}, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        if not folder.is_dir():
            raise
        raise _faults("git", "not installed, or not on the PATH", "Git beside --base") from None


def _checked(done: subprocess.CompletedProcess[bytes], folder: Path) -> bytes:
    if done.returncode:
        raise GitError(0, f"git: {_said(done)}", str(folder))
    return done.stdout


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What git says of its failure, in one line."""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"exit code {done.returncode}"


def _faults(file: str, message: str, expected: str = "", hint: str = "") -> Faults:
    return Faults([Fault(file, 0, 0, message, expected, hint)])
