"""Two states of the catalogues as one: each section as it stands in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from tco.catalog.store import Found, Store
from tco.document import Document
from tco.lineitem import Figure


class Mixed(Store):
    """A store that looks up each section in a store of its own, and dated rows as of the day of `rates`."""

    def __init__(self, sections: Mapping[str, Store], rates: Store) -> None:
        super().__init__(rates.folders, rates.as_of)
        self._sections, self._rates = sections, rates

    def find(self, section: str, name: str) -> Found:
        found = self._found[section, name] = self._sections[section].find(section, name)
        return found

    def exchange_rate(self, currency: str) -> Figure:
        return self._rates.exchange_rate(currency)

    def on(self, day: date) -> Mixed:
        dated = {store: store.on(day) for store in dict.fromkeys((*self._sections.values(), self._rates))}
        return Mixed({section: dated[store] for section, store in self._sections.items()}, dated[self._rates])

    @property
    def documents(self) -> Iterable[Document]:
        stores = dict.fromkeys((*self._sections.values(), self._rates))
        return [document for store in stores for document in store.documents]
