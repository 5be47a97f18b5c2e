"""A monitor that watches a scene, told of it the way the house is told: rows, master, prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from engine.effects import Alert, GoOn
from engine.io import tables
from engine.messages import Further, InstrumentsLoaded, Ticks, TradesLoaded
from engine.model import Mode, Side, position_id
from engine.monitor import Monitor, MonitorConfig
from engine.watch import Memory, Watchlist
from engine.wire import decode
from tests.bench.market import NOW_S, SEEN_PAISE, Move, Scene, packet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.effects import Effect
    from engine.model import Instrument, InstrumentKey


M = TypeVar("M", bound=Monitor)


def build(market: Scene, kind: type[M]) -> M:
    """A monitor in alert-only mode with the default rules, every contract quoted once."""
    calendar = tables.calendar()
    config = MonitorConfig(Mode.ALERT_ONLY, "default", sandbox=True, seed=b"bench bench bench")
    monitor = kind(config, calendar, Watchlist(calendar, tables.rulebook()))
    monitor.restore({"memory": _seen(market)}, NOW_S)
    monitor.handle(TradesLoaded(market.rows), NOW_S)
    instruments = {key: contract.instrument for key, contract in market.contracts.items()}
    take_master(monitor, instruments, NOW_S)
    if len(monitor.holdings.positions) * 4 != len(market.rows):
        raise AssertionError(f"not all condors are watched: {monitor.holdings.invalid[:1]}")
    requote(monitor, market, NOW_S)
    return monitor


def _seen(market: Scene) -> dict[str, dict[str, Any]]:
    """What a journal knows of condors entered three days ago: more than this market wanders by.

    A peak must last a second, so that a few thousand ticks would make none, and every one of them would be
    news of a possible peak: so is the first second of a position's life, and not what is measured.
    """
    seen = Memory(peak_paise=SEEN_PAISE, trough_paise=-SEEN_PAISE).to_json()
    return {position_id("default", row.strategy_id): seen for row in market.rows}


def take_master(
    monitor: Monitor, instruments: Mapping[InstrumentKey, Instrument], now_s: float
) -> list[Effect]:
    """Hand over the instrument master and go on until all positions are armed; what came of it."""
    found, effects = [], monitor.handle(InstrumentsLoaded(instruments), now_s)
    while GoOn() in effects:
        found += effects
        effects = monitor.handle(Further(), now_s)
    return found + effects


def requote(monitor: Monitor, market: Scene, now_s: float) -> None:
    """Quote every contract at its usual price, so that nothing is stale and nothing lunges."""
    for frame in snapshot(market):
        monitor.handle(Ticks(decode(frame, {})), now_s)


def snapshot(market: Scene) -> list[bytes]:
    """One packet for every contract at its usual price."""
    return [packet(Move(key, contract.usual_paise)) for key, contract in market.contracts.items()]


def alerts(effects: Iterable[Effect]) -> int:
    """How many loss alerts there are among effects."""
    return sum(isinstance(effect, Alert) for effect in effects)


def check_pnl(monitor: Monitor, market: Scene, moves: Sequence[Move], now_s: float, *, every: int) -> int:
    """Hold every n-th position's P&L against plain arithmetic on rows and last prices.

    Returns:
        How many positions were compared.

    Raises:
        AssertionError: one differs.
    """
    mids: dict[InstrumentKey, int] = {key: c.usual_paise for key, c in market.contracts.items()}
    mids |= {move.key: move.mid_paise for move in moves}
    keys = {c.instrument.security_id: key for key, c in market.contracts.items()}
    plain: dict[int, int] = {}
    for row in market.rows:
        gain = mids[keys[row.security_id]] - (row.price_paise or 0)
        signed = row.quantity if row.action is Side.BUY else -row.quantity
        plain[row.strategy_id] = plain.get(row.strategy_id, 0) + signed * gain
    for number in range(1, len(plain) + 1, every):
        read = monitor.watch.figures(position_id("default", number), now_s).pnl_paise
        if read != plain[number]:
            raise AssertionError(f"P&L of condor {number}: read {read} paise, expected {plain[number]}")
    return len(range(1, len(plain) + 1, every))
