"""What currencies were worth."""

from __future__ import annotations

from tco.catalog.sourced import Dated
from tco.fields import Model, Positive


class ExchangeRate(Dated):
    """What one unit of a currency was worth in US dollars."""

    usd: Positive


class ExchangeRates(Model):
    """The rows of one currency."""

    prices: list[ExchangeRate]
