"""Checking files without comparing anything: a scenario to its last reference, a catalogue to its last row."""

from __future__ import annotations

from pathlib import Path

from tco.analysis.case import build_case, document_of, every_fault
from tco.catalog.entries import Catalogue
from tco.document import Document, Fault, Faults, validate
from tco.lineitem import Exact
from tco.scenario.variant import with_variant
from tco.shipped import shipped


def files_under(name: str) -> list[str]:
    """The YAML files of a folder; the name itself when it is none."""
    path = Path(name)
    if not path.exists() and name.rstrip("/") in ("pricing", "scenarios"):
        path = shipped(name.rstrip("/"))
    return [str(p) for p in sorted(path.rglob("*.yaml"))] if path.is_dir() else [name]


def check_file(name: str) -> tuple[Faults | None, str]:
    """What is wrong in a file, None when nothing is, and what it is: a scenario or a catalogue."""
    try:
        document = document_of(name)
        if "workload" in document.data or "options" in document.data:
            return _scenario(document), "scenario"
        try:
            validate(Catalogue, document.data, document)
        except Faults as problem:
            return Faults(every_fault(document, problem.faults)), ""
        if document.faults:
            return Faults(document.faults), ""
    except Faults as problem:
        return problem, ""
    return None, "catalogue"


def _scenario(document: Document) -> Faults | None:
    """The scenario and each of its variants, priced in full: references resolve, shares add up."""
    faults: list[Fault] = []
    named = document.data.get("variants")
    for variant in [None, *(named if isinstance(named, dict) else ())]:
        try:
            build_case(with_variant(document, variant) if variant else document, variant).price(Exact())
        except Faults as problem:
            faults += problem.faults
    return Faults(list(dict.fromkeys(faults))) if faults else None
