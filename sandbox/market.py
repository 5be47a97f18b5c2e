"""A generated market: moving underlyings, their option chains, and strings to pull for tests.

The same seed gives the same day: prices move in steps of a quarter of a second that do not depend on how
often anybody looks, as long as somebody does every two seconds. Nothing here knows of orders; the exchange
reads quotes and matches against them.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from engine.model import InstrumentKind, Right
from sandbox import black76
from sandbox.instruments import UNDERLYINGS, Underlying, chain, weekly_expiries
from sandbox.ist import expires_s, ist
from sandbox.noise import scatter
from sandbox.quotes import Level, Quote
from sandbox.quoting import Tape, make_book
from sandbox.walk import Temper, Walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from engine.model import Instrument, InstrumentKey

#: Time moves in steps of this many seconds.
QUANTUM_S = 0.25
DEFAULT_SEED = 20_260_203

_RATE = 0.065
_YEAR_S = 365 * 86_400
_LOOK_BACK = 8  # of a longer pause only the last steps are traded: two seconds
_REFRESH = 8  # a far contract that has not moved shows new quantities every eighth step
_NEAR = 0.5  # and a near one every step: 2.5 % from the money


class _Chain:
    """An underlying with its options and their tapes."""

    def __init__(self, base: Underlying, expiries: Sequence[date], seed: int) -> None:
        self.base = base
        self.last_expiry = expiries[-1]
        self.walk = Walk(base.symbol, base.spot_rupees, base.vol, seed)
        self.options = list(chain(base, expiries))


class Market:
    """Every listed contract and its quote.

    Attributes:
        pace: how much faster than life prices move; 1 is a real day.
    """

    def __init__(
        self,
        now_s: float,
        *,
        seed: int = DEFAULT_SEED,
        pace: float = 1.0,
        expiries: Sequence[date] | None = None,
        underlyings: Sequence[Underlying] = UNDERLYINGS,
    ) -> None:
        """Open the market at a moment (epoch seconds); by default the next three weekly ones."""
        self.pace = pace
        today = ist(now_s).date()
        self.expiries = tuple(expiries or weekly_expiries(today))
        self._seed = seed
        self._now_s = now_s
        self._quantum = 0
        self._frozen = False
        self._temper = Temper(seed)
        self._chains = {
            base.symbol: _Chain(base, expiries or weekly_expiries(today, base.expiry_weekday), seed)
            for base in underlyings
        }
        self._expires_s: dict[date, float] = {}
        self._fair: dict[InstrumentKey, float] = {}
        self._pinned: set[InstrumentKey] = set()
        self._changed: set[InstrumentKey] = set()
        self.instruments: dict[InstrumentKey, Instrument] = {}
        self._tapes: dict[InstrumentKey, Tape] = {}
        for each in self._chains.values():
            self._expires_s |= {at.expiry: expires_s(at.expiry) for at in each.options if at.expiry}
            self._list(each)
            self._reprice(each, everything=True)
        self._changed.clear()

    @property
    def now_s(self) -> float:
        """The moment the prices are of, epoch seconds."""
        return self._now_s

    def quote(self, key: InstrumentKey) -> Quote | None:
        """The present quote; None for something not listed."""
        tape = self._tapes.get(key)
        return tape.quote if tape else None

    def step(self, now_s: float) -> None:
        """Let prices move until this moment."""
        for left in range(int((now_s - self._now_s) / QUANTUM_S), 0, -1):
            self._now_s += QUANTUM_S
            self._quantum += 1
            if self._frozen:
                continue
            phase = self._temper.advance(QUANTUM_S)
            for each in self._chains.values():
                each.walk.advance(QUANTUM_S, self.pace, phase)
                if left <= _LOOK_BACK:
                    self._reprice(each)

    def take_changes(self) -> set[InstrumentKey]:
        """Keys whose quote changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def spot_paise(self, symbol: str) -> int:
        """Where an underlying trades."""
        return _on_grid(self._chains[symbol].walk.spot.value * 100, self._chains[symbol].base.tick_paise)

    def option(self, symbol: str, strike_rupees: int, right: Right, expiry: date | None = None) -> Instrument:
        """Find one contract; the last expiry unless said otherwise. Raises KeyError when not listed."""
        wanted = expiry or self._chains[symbol].last_expiry
        for each in self._chains[symbol].options:
            if each.strike_paise == strike_rupees * 100 and each.right is right and each.expiry == wanted:
                return each
        raise KeyError(f"no option {symbol} {wanted} {strike_rupees} {right} is listed")

    def set_spot(self, symbol: str, rupees: float) -> None:
        """Move an underlying at once; its whole chain follows."""
        self._chains[symbol].walk.spot.jump(rupees)
        self._reprice(self._chains[symbol], everything=True)

    def glide(self, symbol: str, rupees: float, *, over_s: float, after_s: float = 0.0) -> None:
        """Draw an underlying to a price: begin in ``after_s``, be there ``over_s`` later."""
        self._chains[symbol].walk.spot.glide(rupees, over_s, after_s)

    def glide_vol(self, symbol: str, vol: float, *, over_s: float, after_s: float = 0.0) -> None:
        """Draw an underlying's volatility (fraction) to a level, like `glide`."""
        self._chains[symbol].walk.vol.glide(vol, over_s, after_s)

    def set_quote(
        self, key: InstrumentKey, bid_paise: int, ask_paise: int, *, quantity: int | None = None
    ) -> None:
        """Pin a contract's book: one level a side (0 = nobody), trading at the middle, until `release`.

        ``quantity`` is in units and shown on both sides; by default a hundred lots.
        """
        instrument = self.instruments[key]
        shown = instrument.lot * 100 if quantity is None else quantity
        tape = self._tapes[key]
        bids = (Level(bid_paise, shown, 3),) if bid_paise else ()
        asks = (Level(ask_paise, shown, 3),) if ask_paise else ()
        if bids and asks:
            tape.trade(
                _on_grid((bid_paise + ask_paise) / 2, instrument.tick_paise), instrument.lot, self._now_s
            )
        tape.show(bids, asks)
        self._pinned.add(key)
        self._changed.add(key)

    def set_range(self, key: InstrumentKey, low_paise: int, high_paise: int) -> None:
        """Move a contract's operating range of the day; orders beyond it are turned down."""
        self._tapes[key].limit(low_paise, high_paise)
        self._changed.add(key)

    def release(self, key: InstrumentKey) -> None:
        """Let a pinned contract follow the market again, from the next step."""
        self._pinned.discard(key)

    def freeze(self) -> None:
        """Stop all prices where they are; scripted moves still work."""
        self._frozen = True

    def thaw(self) -> None:
        """Let prices move again."""
        self._frozen = False

    def sensitivities(self, option: Instrument) -> tuple[float, black76.Greeks]:
        """Volatility (fraction) and greeks the market prices an option with."""
        each = self._chains[option.symbol]
        forward, years, strike = self._state(each, option)
        vol = black76.smile(each.walk.vol.value, forward, strike, years)
        return vol, black76.greeks(forward, strike, years, vol, call=option.right is Right.CALL)

    def _list(self, each: _Chain) -> None:
        spot = each.base.instrument
        close = _on_grid(each.base.spot_rupees * 99.6, spot.tick_paise)
        self._add(spot, Tape(spot, close, (close * 9 // 10, close * 11 // 10), 0))
        for option in each.options:
            fair = int(self._fair_paise(each, option))
            room = int(each.base.spot_rupees * 6) + 2_000  # paise: 6 % of the underlying and 20 rupees
            close = _on_grid(fair * 1.01, option.tick_paise) or option.tick_paise
            limits = max(option.tick_paise, close - room), _on_grid(close + room, option.tick_paise)
            oi = option.lot * (200 + scatter(self._seed, option.key) % 40_000)
            self._add(option, Tape(option, close, limits, oi))

    def _add(self, instrument: Instrument, tape: Tape) -> None:
        self.instruments[instrument.key] = instrument
        self._tapes[instrument.key] = tape

    def _reprice(self, each: _Chain, *, everything: bool = False) -> None:
        self._reprice_underlying(each)
        violence = self._temper.phase.factor
        spot = each.walk.spot.value
        for option in each.options:
            key = option.key
            if key in self._pinned:
                continue
            strike = (option.strike_paise or 0) / 100
            distance = abs(strike / spot - 1.0) * 20
            fair = self._fair_paise(each, option)
            moved = abs(fair - self._fair.get(key, 0.0)) >= option.tick_paise / 2
            turn = (key + self._quantum) % _REFRESH == 0
            if not (everything or moved or turn or distance < _NEAR):
                continue
            self._fair[key] = fair
            chance = scatter(self._seed, key, self._quantum)
            bids, asks = make_book(fair, option, (1 + distance) * violence, 1 / (1 + distance), chance)
            self._settle(option, bids, asks, chance, likely=1 / (1 + 2 * distance), everything=everything)

    def _reprice_underlying(self, each: _Chain) -> None:
        spot = each.base.instrument
        if spot.key in self._pinned:
            return
        paise = self.spot_paise(each.base.symbol)
        tape = self._tapes[spot.key]
        if spot.kind is InstrumentKind.EQUITY:
            chance = scatter(self._seed, spot.key, self._quantum)
            tape.trade(paise, 1 + chance % 500, self._now_s)
            tape.show(*make_book(paise, spot, 0.1, 1.0, chance))
        else:
            tape.trade(paise, 0, self._now_s)
            tape.show((), ())
        self._changed.add(spot.key)

    def _settle(
        self,
        option: Instrument,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        chance: int,
        *,
        likely: float,
        everything: bool,
    ) -> None:
        tape = self._tapes[option.key]
        if everything or (chance >> 48) / 65_536 < likely:
            taken = bids if bids and chance & 1 else asks
            tape.trade(taken[0].price_paise, option.lot * (1 + (chance >> 40) % 8), self._now_s)
        tape.show(bids, asks)
        self._changed.add(option.key)

    def _fair_paise(self, each: _Chain, option: Instrument) -> float:
        forward, years, strike = self._state(each, option)
        vol = black76.smile(each.walk.vol.value, forward, strike, years)
        vol *= 1.08 if self._temper.phase.factor > 1 else 1.0
        return 100 * black76.price(forward, strike, years, vol, call=option.right is Right.CALL)

    def _state(self, each: _Chain, option: Instrument) -> tuple[float, float, float]:
        years = 0.0
        if option.expiry is not None:
            years = max(0.0, self._expires_s[option.expiry] - self._now_s) / _YEAR_S
        return each.walk.spot.value * exp(_RATE * years), years, (option.strike_paise or 0) / 100


def _on_grid(paise: float, tick: int) -> int:
    return round(paise / tick) * tick
