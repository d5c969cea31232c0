"""The formats of recorded traffic, one file each."""

from __future__ import annotations

from tco.traffic.formats.azure import AZURE
from tco.traffic.formats.base import Format
from tco.traffic.formats.burstgpt import BURSTGPT
from tco.traffic.formats.litellm import LITELLM
from tco.traffic.formats.mooncake import MOONCAKE
from tco.traffic.formats.openai_batch import OPENAI_BATCH
from tco.traffic.formats.otel import OTEL
from tco.traffic.formats.own import OWN

FORMATS: tuple[Format, ...] = (OWN, AZURE, BURSTGPT, MOONCAKE, OPENAI_BATCH, LITELLM, OTEL)
"""In the order in which a log is held against them."""
