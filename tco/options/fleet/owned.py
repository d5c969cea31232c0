"""Servers of one's own: what they cost a month.

Bought for the peak, whatever the hour: servers = ⌈replicas in the busiest hour x GPUs per replica / GPUs per server⌉.
Written off evenly: (price - residual) / months of life. Cost of capital: its yearly rate / 12 on the mean of what is
tied up, (price + residual) / 2. An annuity would spread the same over equal months, but its monthly rate is a twelfth
root: no rational number, so that no crossover could be solved exactly. Electricity: servers x idle draw + busy servers
x (busy - idle draw).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tco.calendar import MONTHS_PER_YEAR
from tco.catalog.store import Found, LookupFault
from tco.lineitem import WRITTEN_OFF, Figure, LineItem, Stock
from tco.options.base import At, Context, Unusable
from tco.options.fleet.billing import at_peak
from tco.options.fleet.lots import in_lots
from tco.options.fleet.ownership import Colocation, Owned, Power
from tco.options.fleet.sizing import Sized
from tco.options.fleet.sizing import hours as own_hours
from tco.options.fleet.watts import Watts, total
from tco.quantity import Held, Number, Quantity, linear
from tco.units import Money

if TYPE_CHECKING:
    from tco.catalog.hardware import Hardware
    from tco.catalog.power import ColocationPrice
    from tco.workload.demand import Demand

DEPRECIATION = "depreciation"
CAPITAL = "cost of capital"
POWER = "power"
OPERATION = "operation"
WATTS_PER_KW = 1000
BESIDE_THE_LOAD = (("zones", "zones"), ("staging", "replicas"))
"""Keys of a fleet by which more servers are bought than the load needs."""

Inputs = tuple[Figure, ...]


class _Lines:
    """The lines of servers: each a rate a month and server."""

    def __init__(self, servers: Quantity, inputs: Inputs) -> None:
        self.servers, self.inputs = servers, inputs
        self.lines: list[LineItem] = []
        self.stock: Stock | None = None

    def add(self, category: str, label: str, rate: Number, *figures: Figure, timing: str | None = None) -> None:
        made_of = (*(f for figure in figures for f in figure.base), *self.inputs)
        self.lines.append(LineItem(category, label, self.servers, "server-months", rate, made_of, timing))


class OwnServers:
    """The servers an option owns: stated, or an entry of the catalogue."""

    def __init__(self, at: At, context: Context) -> None:
        self.at, self.context = at, context
        self.spec: Owned = at.spec.owned
        self.found: Found | None = None
        if self.spec.hardware is not None:
            self.found = context.find(at, "hardware", self.spec.hardware, "owned", "hardware")
        self.gpus = self._gpus()

    @property
    def gpu(self) -> str | None:
        """The GPU in the catalogue's words; None where nobody says."""
        return None if self.found is None else self.entry.gpu

    @property
    def memory_gb(self) -> Fraction | None:
        """Memory of one GPU; None where nobody says."""
        return None if self.found is None else self.entry.memory_gb

    @property
    def entry(self) -> Hardware:
        assert self.found is not None
        entry: Hardware = self.found.spec
        return entry

    def bill(
        self, fleet: Sized, per_replica: Figure, demand: Demand
    ) -> tuple[tuple[LineItem, ...], Quantity, tuple[Stock, ...]]:
        """The lines of the servers, the GPUs that are bought, and what they were bought for unless that is sunk."""
        n = self.context.n
        servers = Held(at_peak(fleet, in_lots(per_replica, self.gpus, self.context), self.at, self.context))
        beside = [(k, unit) for k, unit in BESIDE_THE_LOAD if k in self.at.spec.model_fields_set]
        counts = (self.at.figure(key, unit) for key, unit in beside)
        inputs = (per_replica, self.gpus, *counts, *(f for f in fleet.inputs if f is not fleet.hours))
        lines = _Lines(servers, inputs)
        self._purchase(lines)
        self._upkeep(lines)
        self._electricity(lines, fleet, per_replica, demand)
        stocks = () if lines.stock is None else (lines.stock,)
        return tuple(lines.lines), servers.times(n(self.gpus)), stocks

    # -- what was paid --------------------------------------------------------------------------------------------

    def _purchase(self, lines: _Lines) -> None:
        spec, n, notes, name = self.spec, self.context.n, self.context.notes, self.at.name
        if spec.sunk:
            notes.assume(name, "its hardware is already bought: no purchase and no cost of capital")
            return
        price, life, residual = self._price(), self._life(), self._residual()
        months = n(life) * MONTHS_PER_YEAR
        left = n(0) if residual is None else n(residual)
        of_residual = () if residual is None else (residual,)
        lines.add(
            DEPRECIATION, "depreciation", n(price) * (1 - left) / months, price, *of_residual, life, timing=WRITTEN_OFF
        )
        paid = n(price)
        if residual is None:
            notes.assume(name, "nothing is left of its hardware after its life: no `residual`")
        tied_up, made_of = 1 + left, (price, *of_residual)
        if isinstance(spec.networking, Fraction):
            extra = self._figure("networking", spec.networking, "of the price")
            share = n(price) * n(extra)
            lines.add(DEPRECIATION, "networking", share / months, price, extra, life, timing=WRITTEN_OFF)
            tied_up, made_of, paid = tied_up + n(extra), (*made_of, extra), paid + share
        elif spec.networking is None and self.found is not None and self.entry.extras_share is not None:
            usual = float(self.entry.extras_share.value)
            notes.warn(name, f"no `networking`: {usual:.3%} of the price is usual ({self.entry.extras_share.source})")
        if spec.cost_of_capital is None:
            notes.assume(name, "money tied up in hardware costs nothing: no `cost_of_capital`")
        elif spec.cost_of_capital:
            yearly = self._figure("cost_of_capital", spec.cost_of_capital, "a year")
            rate = n(yearly) / MONTHS_PER_YEAR * n(price) * tied_up / 2
            lines.add(CAPITAL, "cost of capital", rate, yearly, *made_of, timing=WRITTEN_OFF)
        bought = tuple(dict.fromkeys(f for figure in (*made_of, life) for f in figure.base))
        lines.stock = Stock("servers", lines.servers, paid, n(price) * left, months, (*bought, *lines.inputs))

    def _price(self) -> Figure:
        """One server with its GPUs, in the scenario's currency."""
        spec = self.spec
        if spec.price is not None:
            return self.context.money(self.at, "price", spec.price, "owned", "price")
        if spec.gpu_price is not None:
            each = self.context.money(self.at, "gpu_price", spec.gpu_price, "owned", "gpu_price")
            return each.times(self.gpus)
        assert self.found is not None
        try:
            index, row = self.context.store.row(self.found, self.entry.prices, "")
        except LookupFault as missing:
            expected = "`price` or `gpu_price` of your own beside it"
            raise Unusable(self.at.fault(missing.message, "owned", "hardware", expected=expected)) from None
        self.context.paper(self.at.name, self.found, row)
        unit = self.found.currency
        price = self.found.figure("price", row.price, unit, row, "prices", index, "price")
        if spec.gpus_per_server is not None:
            price = price.times(self.gpus, factor=Fraction(1, self.entry.gpus))
        return self.context.converted(self.at, price, self.found.currency, "owned", "hardware")

    def _life(self) -> Figure:
        if self.spec.life_years is not None:
            return self._figure("life_years", self.spec.life_years, "years")
        known = None if self.found is None else self._known("life_years", "years")
        if known is None:
            raise Unusable(
                self.at.fault("nothing says how long the hardware lasts", "owned", expected="`life_years: 4`")
            )
        return known

    def _residual(self) -> Figure | None:
        if self.spec.residual is not None:
            return self._figure("residual", self.spec.residual, "of the price")
        if self.found is None or self.entry.residual is None:
            return None
        after, life = self.entry.residual.after_months, self._life()
        if life.uncertain:
            message = f"what {self.found.name} is worth is known after {float(after):g} months, not at each life drawn"
            expected = "`residual: ...` beside a range of `life_years`"
            raise Unusable(self.at.fault(message, "owned", "life_years", expected=expected))
        if life.value * MONTHS_PER_YEAR == after:
            return self._known("residual", "of the price")
        self.context.notes.warn(
            self.at.name,
            f"{self.found.name} is worth {float(self.entry.residual.value):.0%} of its price after {float(after):g} "
            "months, not at the end of another life: no residual is taken (`residual: ...`)",
        )
        return None

    # -- what running them takes ----------------------------------------------------------------------------------

    def _upkeep(self, lines: _Lines) -> None:
        spec, n, name = self.spec, self.context.n, self.at.name
        maintenance = spec.maintenance
        if isinstance(maintenance, Money):
            self._over_time(lines, "maintenance", maintenance)
        else:
            share = None if maintenance is None else self._figure("maintenance", maintenance, "of the price a year")
            if share is None and not (spec.sunk and not self._priced()):
                share = self._known("maintenance_share_per_year", "of the price a year")
            if share is None:
                self.context.notes.assume(name, "no `maintenance` of its hardware")
            elif share.value:
                price = self._price()
                lines.add(OPERATION, "maintenance", n(price) * n(share) / MONTHS_PER_YEAR, price, share)
        if isinstance(spec.networking, Money):
            self._over_time(lines, "networking", spec.networking)
        if spec.software is not None:
            self._over_time(lines, "software", spec.software)
        elif self.found is not None and (self.entry.software_per_year or self.entry.software_per_gpu_year):
            self.context.notes.assume(
                name, f"no licences of the software that {self.found.name} may run: no `software`"
            )
        self._colocation(lines)

    def _over_time(self, lines: _Lines, key: str, money: Money, category: str = OPERATION) -> None:
        """One amount over time a server."""
        hours = own_hours(self.at, self.context)
        monthly = self.context.monthly(self.at, key, money, "owned", key, hours=hours)
        lines.add(category, key, self.context.n(monthly), monthly)

    def _colocation(self, lines: _Lines) -> None:
        stated = self.spec.colocation
        if stated is None:
            hosting = self._known("hosting_per_year", f"{self._currency}/year")
            if hosting is not None:
                converted = self.context.converted(self.at, hosting, self._currency, "owned", "hardware")
                monthly = self.context.per_month(converted, "year")
                lines.add(OPERATION, "hosting", self.context.n(monthly), monthly)
            return
        price = stated.price if isinstance(stated, Colocation) else stated
        keys = ("owned", "colocation", "price") if isinstance(stated, Colocation) else ("owned", "colocation")
        if isinstance(price, str):
            monthly = self._rented_space(price, keys)
        else:
            hours = own_hours(self.at, self.context)
            monthly = self.context.monthly(self.at, "colocation", price, *keys, hours=hours)
            if isinstance(stated, Colocation) and stated.hours_per_month is not None:
                spread = Figure(
                    "hours_per_month",
                    stated.hours_per_month,
                    "hours/month",
                    self.at.home("owned", "colocation", "hours_per_month"),
                )
                monthly = monthly.times(hours, per=(spread,))
        lines.add(OPERATION, "colocation", self.context.n(monthly), monthly)

    def _rented_space(self, name: str, keys: tuple[str, ...]) -> Figure:
        """A catalogue's price of space a month, by the server or by the kW it may draw."""
        found = self.context.find(self.at, "colocation", name, *keys)
        try:
            index, row = self.context.store.row(found, found.spec.prices, "")
        except LookupFault as missing:
            raise Unusable(self.at.fault(missing.message, *keys, expected=missing.expected)) from None
        self.context.paper(self.at.name, found, row)
        price: ColocationPrice = row
        key = "per_server_month" if price.per_kw_month is None else "per_kw_month"
        value: Fraction = getattr(price, key)
        unit = f"{found.currency}/{'server' if price.per_kw_month is None else 'kW'}-month"
        figure = found.figure(key, value, unit, row, "prices", index, key)
        monthly = self.context.converted(self.at, figure, found.currency, *keys)
        if price.per_kw_month is None:
            return monthly
        (busy,) = self._watts().draw(*keys).busy
        return monthly.times(busy, factor=Fraction(1, WATTS_PER_KW), unit="a server and month")

    def _includes_power(self) -> bool:
        stated = self.spec.colocation
        if isinstance(stated, Colocation) and stated.includes_power is not None:
            return stated.includes_power
        price = stated.price if isinstance(stated, Colocation) else stated
        if not isinstance(price, str):
            return False
        includes: bool = self.context.find(self.at, "colocation", price, "owned", "colocation").spec.includes_power
        return includes

    # -- electricity ----------------------------------------------------------------------------------------------

    def _electricity(self, lines: _Lines, fleet: Sized, per_replica: Figure, demand: Demand) -> None:
        power, context, name = self.spec.power, self.context, self.at.name
        if self._includes_power():
            if power is not None:
                fault = self.at.fault("the colocation already includes power", "owned", "power", key=True)
                raise Unusable(fault)
            return
        if isinstance(power, Money):
            self._over_time(lines, "power", power, POWER)
        elif power is not None:
            lines.lines.append(self._metered(power, lines, fleet, per_replica, demand))
        else:
            known = self._known("power_and_cooling_per_hour", f"{self._currency}/hour")
            if known is None:
                context.notes.warn(name, "no cost of `power` is stated: electricity is unknown, not free")
                return
            hourly = context.converted(self.at, known, self._currency, "owned", "hardware")
            monthly = context.per_month(hourly, "hour", own_hours(self.at, context))
            lines.add(POWER, "power and cooling", context.n(monthly), monthly)

    def _metered(self, power: Power, lines: _Lines, fleet: Sized, per_replica: Figure, demand: Demand) -> LineItem:
        """kWh a month: what is on draws its idle power, what is busy the difference on top. Affine + staircase."""
        n, name = self.context.n, self.at.name
        price, pue = self._kwh_price(power), self._pue(power)
        draw = self._watts().measured(fleet.capacity) or self._watts().draw("owned", "power")
        idle = draw.idle
        if idle is None and power.watts is None:
            text = f"servers draw {float(total(draw.busy)):g} W with and without load: no `idle_watts`"
            self.context.notes.assume(name, text)
        elif idle is not None and not fleet.fleet.levels:
            idle = None
            self.context.notes.assume(name, "servers draw as if always busy: no `capacity` says how busy they are")
        on = fleet.hours
        if power.hours_per_month is not None:
            where = self.at.home("owned", "power", "hours_per_month")
            on = Figure("hours_per_month", power.hours_per_month, "hours/month", where)
        factor = n(1) if pue is None else n(pue)
        busy_watts = sum(map(n, draw.busy), n(0))
        idle_watts = busy_watts if idle is None else sum(map(n, idle), n(0))
        terms = [(n(on) * idle_watts * factor / WATTS_PER_KW, lines.servers)]
        inputs: list[Figure] = [*(draw.busy if idle is None else idle), on, *price.base, *lines.inputs]
        if idle is not None:
            more = (busy_watts - idle_watts) * factor / WATTS_PER_KW * n(per_replica) / n(self.gpus)
            terms += [(level.hours * more, level.busy) for level in fleet.fleet.levels]
            inputs += [*draw.busy, fleet.hours, demand.traffic.days_per_month]
        if pue is not None:
            inputs.append(pue)
        return LineItem(POWER, "electricity", linear(n(0), *terms), "kWh", n(price), tuple(dict.fromkeys(inputs)))

    def _watts(self) -> Watts:
        power = self.spec.power if isinstance(self.spec.power, Power) else None
        return Watts(self.at, self.context, power, self.gpus, self.gpu, self._known, self._whole)

    def _whole(self, system: Figure) -> Figure:
        """Of the catalogue's server as one of the option's own size."""
        if self.spec.gpus_per_server is None:
            return system
        return system.times(self.gpus, factor=Fraction(1, self.entry.gpus))

    def _kwh_price(self, power: Power) -> Figure:
        keys = ("owned", "power", "price")
        if isinstance(power.price, Money):
            return self.context.money(self.at, "price of a kWh", power.price, *keys)
        found = self.context.find(self.at, "electricity", power.price, *keys)
        try:
            index, row = self.context.store.row(found, found.spec.prices, "")
        except LookupFault as missing:
            raise Unusable(self.at.fault(missing.message, *keys, expected=missing.expected)) from None
        self.context.paper(self.at.name, found, row)
        price = found.figure("per_kwh", row.per_kwh, f"{found.currency}/kWh", row, "prices", index, "per_kwh")
        return self.context.converted(self.at, price, found.currency, *keys)

    def _pue(self, power: Power) -> Figure | None:
        if power.pue is None:
            self.context.notes.assume(
                self.at.name, "cooling and losses draw nothing: no `pue`, such as data-centres/average"
            )
            return None
        if isinstance(power.pue, str):
            found = self.context.find(self.at, "pue", power.pue, "owned", "power", "pue")
            self.context.paper(self.at.name, found, found.spec)
            return found.figure("pue", found.spec.pue, "of the computers' power", found.spec, "pue")
        return Figure("pue", power.pue, "of the computers' power", self.at.home("owned", "power", "pue"))

    # -- figures --------------------------------------------------------------------------------------------------

    def _gpus(self) -> Figure:
        stated = self.spec.gpus_per_server
        if stated is not None:
            if self.found is not None and stated % self.entry.gpus:
                expected = f"a multiple of the {self.entry.gpus} GPUs of {self.found.name}"
                raise Unusable(
                    self.at.fault("that many cannot be bought", "owned", "gpus_per_server", expected=expected)
                )
            return self._figure("gpus_per_server", Fraction(stated), "GPUs/server")
        assert self.found is not None
        where = self.found.document.where((*self.found.path, "gpus"))
        home = self.at.home("owned", "hardware")._replace(where=where, key=".".join((self.found.name, "gpus")))
        return Figure("gpus", Fraction(self.entry.gpus), "GPUs/server", home)

    def _priced(self) -> bool:
        return self.spec.price is not None or self.spec.gpu_price is not None or bool(self.found and self.entry.prices)

    @property
    def _currency(self) -> str:
        return self.context.currency if self.found is None else self.found.currency

    def _figure(self, key: str, value: Fraction, unit: str) -> Figure:
        return Figure(key, value, unit, self.at.home("owned", key))

    def _known(self, key: str, unit: str) -> Figure | None:
        """A figure of the catalogue entry with its own paper; None where it has none."""
        row: Any = None if self.found is None else getattr(self.entry, key)
        if row is None or self.found is None:
            return None
        self.context.paper(self.at.name, self.found, row)
        return self.found.figure(key, row.value, unit, row, key, "value")
