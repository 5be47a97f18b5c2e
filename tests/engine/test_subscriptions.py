"""What the feed shall carry: each leg, its underlying, what exits trade; the most urgent first."""

from __future__ import annotations

from datetime import date

from engine.effects import Subscribe
from engine.messages import Beat, BeatKind, FeedChanged, FeedState
from engine.model import Instrument, InstrumentKind, Segment
from engine.subscriptions import wish_list
from tests.engine.makers import SPOT, condor, leg, position
from tests.support.rig import Rig

INDEX = Instrument(Segment.IDX_I, 13, InstrumentKind.INDEX, "NIFTY", "NIFTY")
SHARE = Instrument(Segment.NSE_EQ, 14418, InstrumentKind.EQUITY, "ASTRAL", "ASTRAL")
NEAR, FAR = date(2026, 2, 10), date(2026, 3, 31)


def test_exits_come_first_then_underlyings_then_legs_by_expiry():
    """A share and an index are carried beside their options; what the master lacks is not asked for."""
    far = position(leg(-65, 25_300, "CE", 40, FAR))
    near = position(leg(65, 1500, "CE", 57, NEAR, symbol="ASTRAL", spot=SHARE.key), strategy_id=2)
    gone = leg(-65, 24_000, "PE", 5).instrument
    everything = [INDEX, SHARE, gone, *(one.instrument for p in (far, near) for one in p.legs)]
    master = {made.key: made for made in everything}
    found = wish_list([far, near], frozenset({gone.key}), master)
    assert found == (gone, INDEX, SHARE, near.legs[0].instrument, far.legs[0].instrument)
    assert wish_list([far, near], frozenset({far.legs[0].key}), master)[0] == far.legs[0].instrument
    del master[SPOT]
    assert INDEX not in wish_list([far, near], frozenset(), master)


def test_what_is_closed_is_not_carried_any_more():
    """The rows are gone: nothing of the position stays on the sockets."""
    rig = Rig()
    assert len(rig.monitor.holdings.subscribed) == len(condor().legs)
    rig.rows = []
    for _ in range(3):
        rig.tell(Beat(BeatKind.SYNC))
    assert rig.monitor.holdings.subscribed == frozenset()
    assert rig.monitor.holdings.subscriptions() == []
    rig.monitor.holdings.lives.positions[condor().id] = condor()
    (effect,) = rig.monitor.holdings.subscriptions()
    assert isinstance(effect, Subscribe)


def test_what_no_socket_has_room_for_is_in_every_view_while_it_lasts():
    """The alarm is told once; the table and /status say it as long as it is so."""
    rig = Rig()
    rig.tell(FeedChanged(FeedState.LIVE, "prices arrive", surplus="3 instruments more"))
    assert rig.view.troubles == ("3 instruments more",)
    rig.tell(FeedChanged(FeedState.LIVE, "prices arrive"))
    assert rig.view.troubles == ()
