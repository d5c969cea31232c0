"""A tokenizer from its file, where the library for it is installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from tco.document import Fault, Faults
from tco.traffic.anonymize import Encode


def tokenizer(path: Path) -> Encode:
    """The tokenizer of a `tokenizer.json`. Raises `Faults` where there is no such file, or no library to read it."""

    def fault(message: str, expected: str) -> Faults:
        return Faults([Fault(str(path), 0, 0, message, expected)])

    if not path.is_file():
        raise fault("no such file", "a `tokenizer.json` as models are published with")
    try:
        library: Any = import_module("tokenizers")
    except ImportError:
        raise fault(
            "the library `tokenizers` is not installed", "`pip install tokenizers`, or no `--tokenizer`"
        ) from None
    try:
        found = library.Tokenizer.from_file(str(path))
    except Exception as problem:  # the library raises nothing narrower
        raise fault(f"no tokenizer: {problem}", "a `tokenizer.json`") from None

    def encode(text: str) -> list[int]:
        ids: list[int] = found.encode(text, add_special_tokens=False).ids
        return ids

    return encode
