"""The words a catalogue chooses from."""

from __future__ import annotations

from typing import Literal

Kind = Literal["list price", "quote", "measured", "published benchmark", "specification", "assumption"]
Term = Literal["on_demand", "spot", "reserved", "commit_1y", "commit_3y"]
