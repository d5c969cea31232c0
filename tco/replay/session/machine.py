"""This machine in words, for the provenance of what a server on it sustained: no name and no address."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_GIB = 1 << 30


def in_words() -> str:
    """Such as `AMD EPYC 9654, 16 cores, 126 GiB, Linux`; what the system does not tell is left out."""
    parts = [_processor(), f"{os.cpu_count()} cores" if os.cpu_count() else "", _memory(), platform.system()]
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join((named[1] if named else platform.processor() or platform.machine()).split())


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return ""
    return f"{size / _GIB:.0f} GiB" if size > 0 else ""
