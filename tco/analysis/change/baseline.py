"""A baseline: scenarios with every text they rest on and what they cost, as one JSON file to be committed.

From the texts the old side is priced again, and split by cause, just as from Git. Names are relative to the file, so
that it is the same wherever a checkout lies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Any

from tco.analysis.case import Case
from tco.analysis.change.side import Side
from tco.analysis.compare import compare
from tco.analysis.ledger import ledger
from tco.catalog.store import Store
from tco.document import Fault, Faults, load_text
from tco.lineitem import Exact
from tco.shipped import shown

SCHEMA, VERSION = "tco.baseline", 1
"""The version is raised when what was written before cannot be read any more."""


def name_in(baseline: Path, scenario: str) -> str:
    """The name of a scenario file in a baseline: its path from there; a shipped one is its name."""
    if not Path(scenario).exists():
        return Path(scenario).as_posix()
    return Path(os.path.relpath(os.path.realpath(scenario), os.path.realpath(baseline.parent))).as_posix()


def baseline_text(cases: Mapping[str, Case]) -> str:
    """The baseline of scenarios by their names in it. The same inputs give the same bytes."""
    texts: dict[str, list[str]] = {}

    def kept(raw: bytes) -> str:
        digest = sha256(raw).hexdigest()
        texts[digest] = raw.decode("utf-8").split("\n")  # lines, so that a change of it can be read
        return digest

    def scenario(name: str, case: Case) -> dict[str, Any]:
        result = compare(case, draws=0)
        exact = case.price(Exact())
        for path in case.store.files.get("currencies", []):  # a change may be the first to need a rate
            case.store.read(path)
        read = {str(d.path): d.raw for d in case.store.documents}
        folders = [
            [(path.name, str(shown(path))) for path in sorted(folder.glob("*.yaml"))] for folder in case.store.folders
        ]
        return {
            "file": name,
            "sha256": kept(case.document.raw),
            "as_of": case.store.as_of.isoformat(),
            "catalogs": [
                [{"file": file, "sha256": kept(read[as_shown])} for file, as_shown in folder if as_shown in read]
                for folder in folders
            ],
            "currency": result.currency,
            "recommended": result.recommendation.option,
            "cost_per_month": {
                option: f"{ledger(priced, case.volume()).total:.2f}" for option, priced in exact.items()
            },
        }

    scenarios = [scenario(name, case) for name, case in sorted(cases.items())]
    content = {"schema": SCHEMA, "version": VERSION, "scenarios": scenarios, "texts": dict(sorted(texts.items()))}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


class Baseline:
    """A baseline that was read: the sides it holds, by the names of their scenarios."""

    def __init__(self, path: Path, into: Path) -> None:
        """Read a baseline; its catalogues are laid in a folder of one's own. Raises Faults for what is none."""
        self.path, self._into = path, into
        content = _read(path)
        try:
            self._scenarios = {str(s["file"]): s for s in content["scenarios"]}
            self._texts = {str(k): "\n".join(lines).encode("utf-8") for k, lines in content["texts"].items()}
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
            raise _not_one(path) from None
        changed = [k for k, raw in self._texts.items() if sha256(raw).hexdigest() != k]
        if changed:
            raise _fault(
                path, f"the text {changed[0][:12]}… is not the one that was saved", "a baseline as it was saved"
            )

    @property
    def names(self) -> Sequence[str]:
        """The scenarios in it."""
        return list(self._scenarios)

    def side(self, name: str) -> Side | None:
        """A scenario as it was saved; None where it is not in the baseline."""
        found = self._scenarios.get(name)
        if found is None:
            return None
        try:
            as_of = date.fromisoformat(found["as_of"])
            text = self._texts[found["sha256"]]
            names: dict[Path, Path] = {}
            folders = [self._laid(f"{found['sha256']}/{i}", files, names) for i, files in enumerate(found["catalogs"])]
            figures = {str(option): Decimal(amount) for option, amount in found["cost_per_month"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
            raise _not_one(self.path) from None
        document = load_text(text, f"{self.path}:{name}", partial=True)
        return Side(
            document, as_of, lambda day: Store(folders, day, lambda path: names.get(path, path)), figures=figures
        )

    def _laid(self, under: str, files: Any, names: dict[Path, Path]) -> Path:
        folder = self._into / under
        folder.mkdir(parents=True, exist_ok=True)
        for entry in files:
            file = str(entry["file"])
            if Path(file).name != file:
                raise _not_one(self.path)
            target = folder / file
            target.write_bytes(self._texts[entry["sha256"]])
            names[target] = Path(f"{self.path}:{file}")
        return folder


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        expected = "a file that `tco diff --save` wrote"
        raise Faults([Fault(str(path), 0, 0, "no such file", expected)]) from None
    except (ValueError, RecursionError):
        raise _not_one(path) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise _not_one(path)
    if content.get("version") != VERSION:
        raise _fault(path, f"written by another version of tco ({content.get('version')})", f"version {VERSION}")
    return content


def _not_one(path: Path) -> Faults:
    return _fault(path, "not a baseline", "a file that `tco diff --save` wrote")


def _fault(path: Path, message: str, expected: str) -> Faults:
    return Faults([Fault(str(path), 0, 0, message, expected, "write it again with `tco diff --save`")])
