"""Variants: named changes laid over a scenario. Marks follow, so that faults and homes point at the changed line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tco.document import Document, Faults, did_you_mean
from tco.ranges import is_range

Path = tuple[str | int, ...]


def with_variant(document: Document, name: str) -> Document:
    """The document with the changes of one of its variants; `Faults` when it has none of that name."""
    variants = document.data.get("variants")
    known = [k for k in variants if isinstance(k, str)] if isinstance(variants, dict) else []
    if name not in known:
        raise Faults(
            [
                document.fault(
                    ("variants",),
                    f"no variant `{name}`",
                    expected="one of " + ", ".join(known) if known else "a scenario with `variants`",
                    hint=did_you_mean(name, known),
                )
            ]
        )
    if not isinstance(variants[name], dict) or "variants" in variants[name]:
        expected = "a mapping of keys to change, without variants of its own"
        raise Faults(
            [document.fault(("variants", name), f"variant `{name}` changes nothing that way", expected=expected)]
        )
    marks, key_marks = dict(document.marks), dict(document.key_marks)
    origin: Path = ("variants", name)

    def below(path: Path) -> list[Path]:
        return [p for p in document.marks if p[: len(path)] == path]

    def lay(base: Any, change: Any, at: Path) -> Any:
        whole = not isinstance(change, dict) or is_range(change)  # half of a range says nothing
        for path in below((*origin, *at)) if whole else [(*origin, *at)]:
            target = path[len(origin) :]
            marks[target] = document.marks[path]
            if path in document.key_marks:
                key_marks[target] = document.key_marks[path]
        if whole:
            return change
        result = dict(base) if isinstance(base, dict) else {}
        for key, value in change.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = lay(result.get(key), value, (*at, key))
        return result

    change = variants[name]
    data = lay(document.data, change, ()) if isinstance(change, dict) else dict(document.data)
    data.pop("variants", None)
    return replace(document, data=data, marks=marks, key_marks=key_marks)
