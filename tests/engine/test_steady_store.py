"""A store that says what it said: nothing is worked out anew, and all that has changed is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drawing import picture
from engine.io import tables
from engine.listed import listed
from engine.messages import Beat, BeatKind, TradesLoaded
from engine.model import Mode
from engine.monitor import Monitor, MonitorConfig
from engine.watch import Watchlist
from tests.bench.house import build, take_master
from tests.bench.market import NOW_S, scene

_CONDORS = 4


@pytest.fixture
def worked(monkeypatch):
    """How often rows were grouped into positions."""
    calls = []
    plain = listed

    def counted(*asked):
        calls.append(1)
        return plain(*asked)

    monkeypatch.setattr("engine.groups.listed", counted)
    return calls


def test_the_same_rows_are_not_grouped_again(worked):
    """Twice the same rows, and once the same read anew: the positions are those that are known."""
    market = scene(_CONDORS)
    monitor = build(market, Monitor)
    known, before = dict(monitor.holdings.positions), len(worked)
    for second in range(1, 4):
        rows = tuple(replace(row) for row in market.rows)
        assert not monitor.handle(TradesLoaded(rows), NOW_S + second)
    assert len(worked) == before
    assert all(monitor.holdings.positions[name] is position for name, position in known.items())


def test_a_new_day_is_looked_at_though_the_rows_are_the_same():
    """Rows of a contract that has expired since are told of."""
    market = scene(_CONDORS)
    monitor = build(market, Monitor)
    last_s = NOW_S + (market.rows[0].expiry_date - date(2026, 2, 3) + timedelta(days=1)).total_seconds()
    monitor.handle(TradesLoaded(market.rows), last_s)
    assert {bad.strategy_id for bad in monitor.holdings.invalid} == set(range(1, _CONDORS + 1))


_EDITS = st.lists(
    st.tuples(st.integers(0, 4 * _CONDORS - 1), st.sampled_from(["double", "price", "drop", "close"])),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(_EDITS)
def test_after_any_edits_it_holds_what_a_fresh_monitor_holds(edits):
    """Edited row by row with syncs between them, the house shows what one that starts now shows."""
    market = scene(_CONDORS)
    monitor = build(market, Monitor)
    rows = {row.id: row for row in market.rows}
    for second, (index, what) in enumerate(edits, start=1):
        row = rows.get(index + 1)
        if row is None:
            continue
        if what == "drop":
            del rows[row.id]
        else:
            rows[row.id] = _edited(row, what)
        if not rows:
            return
        monitor.handle(TradesLoaded(tuple(rows.values())), NOW_S + second)
        monitor.handle(TradesLoaded(tuple(rows.values())), NOW_S + second + 0.5)
    fresh = _starting(market, tuple(rows.values()))
    assert {(p.id, p.legs) for p in monitor.holdings.positions.values()} == {
        (p.id, p.legs) for p in fresh.holdings.positions.values()
    }
    assert monitor.holdings.subscribed == fresh.holdings.subscribed


def _starting(market, rows):
    """A monitor that has seen these rows only."""
    calendar = tables.calendar()
    config = MonitorConfig(Mode.ALERT_ONLY, "default", sandbox=True, seed=b"steady steady steady")
    monitor = Monitor(config, calendar, Watchlist(calendar, tables.rulebook()))
    monitor.handle(TradesLoaded(rows), NOW_S)
    instruments = {key: contract.instrument for key, contract in market.contracts.items()}
    take_master(monitor, instruments, NOW_S)
    return monitor


def _edited(row, what):
    if what == "double":
        return replace(row, quantity=2 * row.quantity)
    if what == "price":
        return replace(row, price_paise=row.price_paise + 5)
    return replace(row, order_status="CLOSED")


def test_the_daily_word_of_what_nothing_guards_comes_from_rules_alone(monkeypatch):
    """The look at all positions on the store's beat values none of them."""
    monitor = build(scene(_CONDORS), Monitor)
    monkeypatch.setattr(monitor.watch, "figures", None)
    effects = monitor.handle(Beat(BeatKind.STORE), NOW_S + 1)
    assert len(effects) == 1
    monkeypatch.undo()
    assert not any(p.unprotected for p in picture(monitor, NOW_S + 1).positions)
