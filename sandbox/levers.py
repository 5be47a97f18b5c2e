"""The levers behind the sandbox's own endpoints: names and values of a JSON body, checked and pulled."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from engine.model import InstrumentKey, Segment
from sandbox import hands
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.instruments import read_key
from sandbox.limits import Group
from sandbox.market import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.dhan_rest import World

_Target = TypeVar("_Target")


def pull_exchange(world: World, asked: Mapping[str, Any]) -> None:
    """Change the exchange and the account of the default client; amounts are rupees and seconds.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: an unknown name, or a value that makes no sense.
    """
    _each(asked, _EXCHANGE, world)


def pull_market(source: object, asked: Mapping[str, Any]) -> None:
    """Move prices (rupees) of a generated market. Raises like `pull_exchange`."""
    if not isinstance(source, Market):
        raise TypeError("a recorded day cannot be moved")
    _each(asked, _MARKET, source)


def assign(target: Any, asked: Mapping[str, Any], names: Iterable[str] = ()) -> None:
    """Set attributes (``names``, else a dataclass's fields) to values of their own kind.

    Raises:
        ValueError: an unknown name, no true or false for a switch, no number for an amount.
    """
    known = tuple(names) or tuple(field.name for field in fields(target))
    for name, value in asked.items():
        before = getattr(target, one_of(name, known))
        wanted = (int, float) if isinstance(before, float) else type(before)
        same = isinstance(value, wanted) and isinstance(value, bool) is isinstance(before, bool)
        if not same or (isinstance(value, int | float) and value < 0):
            raise ValueError(f"read {name} = {value!r}, expected a value like {before!r}")
        setattr(target, name, value)


def one_of(read: str, expected: tuple[str, ...]) -> str:
    """The word itself. Raises ValueError when it is not among those expected."""
    if read not in expected:
        raise ValueError(f"read {read!r}, expected one of {', '.join(expected)}")
    return read


def _spot(market: Market, value: Any) -> None:
    for symbol, rupees in value.items():
        market.set_spot(symbol, _above_zero(rupees))


def _glide(market: Market, value: Any) -> None:
    for symbol, terms in value.items():
        market.glide(symbol, _above_zero(terms["to"]), over_s=float(terms["over_s"]))


def _freeze(market: Market, value: Any) -> None:
    (market.freeze if value else market.thaw)()


def _quote(market: Market, value: Any) -> None:
    bid, ask = (round(float(value[side]) * 100) for side in ("bid", "ask"))
    shown = value.get("quantity")
    if bid < 0 or ask < 0:  # crossed may be what a test wants
        raise ValueError(f"read {value['bid']} to {value['ask']}, expected prices (0 = nobody)")
    market.set_quote(_key(value), bid, ask, quantity=None if shown is None else int(_above_zero(shown)))


def _range(market: Market, value: Any) -> None:
    low, high = (round(_above_zero(value[side]) * 100) for side in ("lower", "upper"))
    if low >= high:
        raise ValueError(f"read {value['lower']} to {value['upper']}, expected the lower one first")
    market.set_range(_key(value), low, high)


def _release(market: Market, value: Any) -> None:
    market.release(_key(value))


def _carry(world: World, value: Any) -> None:
    key = _key(value)
    lot, quantity = world.exchange.source.instruments[key].lot, int(value["quantity"])
    if quantity % lot:
        raise ValueError(f"read quantity {quantity}, expected whole lots of {lot}")
    world.exchange.carry(key, quantity, round(float(value["price"]) * 100))


def _hand(world: World, value: Any) -> None:
    hands.trade(world.exchange, _key(value), int(value["quantity"]), world.now_s())


def _cancel(world: World, value: Any) -> None:
    hands.cancel(world.exchange, _key(value), world.now_s())


def _change(world: World, value: Any) -> None:
    price_paise = round(_above_zero(value["price"]) * 100)
    hands.change(world.exchange, _key(value), price_paise, world.now_s())


def _square_off(world: World, value: Any) -> None:
    hands.square_off(world.exchange, None if value is True else _key(value), world.now_s())


def _kill_switch(world: World, value: Any) -> None:
    world.exchange.account(DEFAULT_CLIENT).killed = bool(value)


def _order_calls(world: World, value: Any) -> None:
    world.limits.spend(DEFAULT_CLIENT, Group.ORDER, int(_above_zero(value)), world.now_s())


def _master(world: World, value: Any) -> None:
    world.relisting.edit(world.exchange.source.instruments[_key(value)], value)


def _latency(world: World, value: Any) -> None:
    world.exchange.latency_s = max(0.0, float(value))


def _always_open(world: World, value: Any) -> None:
    world.exchange.always_open = bool(value)


def _protect(world: World, value: Any) -> None:
    world.exchange.protect_market = bool(value)


def _rate_limits(world: World, value: Any) -> None:
    world.limits.enforced = bool(value)


def _funds(world: World, value: Any) -> None:
    world.exchange.account(DEFAULT_CLIENT).funds_paise = round(float(value) * 100)


def _token_life(world: World, value: Any) -> None:
    world.exchange.account(DEFAULT_CLIENT).token_expires_s = world.now_s() + float(value)


def _above_zero(value: Any) -> float:
    number = float(value)
    if number <= 0:
        raise ValueError(f"read {value}, expected more than 0")
    return number


def _key(value: Any) -> InstrumentKey:
    return read_key(value.get("segment", Segment.NSE_FNO), value["security_id"])


_EXCHANGE: Mapping[str, Callable[[World, Any], None]] = {
    "always_open": _always_open,
    "cancel": _cancel,
    "carry": _carry,
    "change": _change,
    "funds": _funds,
    "hand": _hand,
    "kill_switch": _kill_switch,
    "latency_s": _latency,
    "master": _master,
    "order_calls": _order_calls,
    "protect_market": _protect,
    "rate_limits": _rate_limits,
    "square_off": _square_off,
    "token_life_s": _token_life,
}
_MARKET: Mapping[str, Callable[[Market, Any], None]] = {
    "freeze": _freeze,
    "glide": _glide,
    "quote": _quote,
    "range": _range,
    "release": _release,
    "spot": _spot,
}


def _each(
    asked: Mapping[str, Any], table: Mapping[str, Callable[[_Target, Any], None]], target: _Target
) -> None:
    for name in asked:
        one_of(name, tuple(table))
    for name, value in asked.items():
        table[name](target, value)
