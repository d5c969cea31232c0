"""Names of GPUs, which makers, drivers and price lists write each in their own way."""

from __future__ import annotations

import re
from typing import NamedTuple

_COUNT = re.compile(r"^\d+\s*[x×]\s*")
_MEMORY = re.compile(r"(?<![a-z0-9.])(\d+)\s*(?:gib|gb|g)\b")
_FORM = re.compile(r"(?<![a-z])(sxm|pcie|nvl)\d*(?![a-z0-9])")
_SXM_BY_MEMORY = re.compile(r"\bhbm3\b")
"""How the driver tells an H100 on a board from one on a card: `H100 80GB HBM3`, `H100 PCIe`, `H100 NVL`."""
_RTX = re.compile(r"\brtx(?=\d)")
_SAYS_NOTHING = {
    "nvidia", "amd", "intel", "instinct", "tesla", "geforce", "radeon", "rtx", "gpu", "gpus", "tensor", "core", "oam",
    "accelerator", "graphics", "hbm2", "hbm2e", "hbm3", "hbm3e", "ampere", "ada", "lovelace", "hopper", "grace",
    "blackwell", "superchip", "generation", "server", "workstation", "edition",
}  # fmt: skip
"""Makers, series and memories: one name has them, another of the same GPU has not."""


class _Named(NamedTuple):
    model: str
    """Lower case letters and digits: `h100`, `l40s`, `pro6000`."""
    gigabytes: str | None
    form: str | None


def same_gpu(here: str, there: str) -> bool:
    """Whether two names may be of one GPU: the models are equal, and memory and form (SXM, PCIe, NVL) where both say.

    A name without a model is of no GPU that is known, and not the same as any.
    """
    a, b = _named(here), _named(there)
    return (
        a.model != ""
        and a.model == b.model
        and _agree(a.gigabytes, b.gigabytes)
        and _agree(a.form, b.form)
    )  # fmt: skip


def _agree(here: str | None, there: str | None) -> bool:
    return here is None or there is None or here == there


def _named(name: str) -> _Named:
    text = _RTX.sub("rtx ", _COUNT.sub("", name.lower().strip()))
    memory, form = _MEMORY.search(text), _FORM.search(text)
    words = re.findall("[a-z0-9]+", _FORM.sub(" ", _MEMORY.sub(" ", text)))
    return _Named(
        model="".join(word for word in words if word not in _SAYS_NOTHING),
        gigabytes=None if memory is None else memory[1],
        form=form[1] if form is not None else "sxm" if _SXM_BY_MEMORY.search(text) else None,
    )
