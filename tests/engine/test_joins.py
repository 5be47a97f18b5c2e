"""Rows without a security id find their contract, or say whom they may have meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from engine.effects import Alert
from engine.joins import joined, unjoined
from engine.messages import Beat, BeatKind
from engine.model import Instrument, InstrumentKind, Right, Segment
from engine.trades import positions, row_key
from engine.view import PositionState
from tests.engine.test_trades_positions import TODAY, leg_row, option
from tests.support.rig import Rig

STRIKES = (24500, 25300, 25350, 25400, 25500, 25550)
CHAIN = [
    option(10 * number + (right is Right.PUT) + 1, strike, right)
    for number, strike in enumerate(STRIKES)
    for right in Right
]
FUTURE = Instrument(
    Segment.NSE_FNO, 900, InstrumentKind.FUTURE, "NIFTY", "NIFTY 24 FEB FUT", lot=65, expiry=date(2026, 2, 24)
)
MASTER = {made.key: made for made in (*CHAIN, FUTURE)}


def bare(instrument: Instrument, quantity: int = 65, row_id: int = 5, **changed: object):
    """A row that says what its contract is, but not its number."""
    return leg_row(row_id, instrument, quantity, security_id=0, **changed)


@given(st.lists(st.sampled_from([*CHAIN, FUTURE]), max_size=8))
def test_a_row_without_an_id_is_as_good_as_one_with_it(legs):
    """Whatever contracts rows hold: leaving the ids out changes no position."""
    full = [leg_row(number, leg, 65) for number, leg in enumerate(legs, start=1)]
    lacking = [replace(row, security_id=0) for row in full]
    assert joined(lacking, MASTER) == full
    assert positions(lacking, MASTER, TODAY) == positions(full, MASTER, TODAY)


def test_no_match_makes_an_invalid_position_that_names_the_neighbours():
    """A strike that does not exist is refused with what is near; the position is shown, not dropped."""
    row = bare(option(1, 25375), strategy_id=7)
    good, (bad,) = positions([row], MASTER, TODAY)
    assert not good
    assert bad.strategy_id == 7
    assert bad.rows == (row,)
    assert bad.why == (
        "row 5: it has no security id, and NSE_FNO has no contract NIFTY CE ₹25,375.00, 2026-02-24; "
        "there are NIFTY 24 FEB 25350 CE (security id 21), NIFTY 24 FEB 25400 CE (security id 31), "
        "NIFTY 24 FEB 25300 CE (security id 11), NIFTY 24 FEB 25500 CE (security id 41) and 2 more"
    )


def test_a_wrong_expiry_is_refused_with_the_same_strike_of_others():
    """The nearest expiry of that strike is what was most likely meant."""
    row = bare(CHAIN[2], expiry_date=date(2026, 2, 23))
    assert "there are NIFTY 24 FEB 25300 CE (security id 11)" in unjoined(row, MASTER)


def test_two_contracts_of_one_name_are_not_guessed_between():
    """After a corporate action two ids may share strike and expiry: both are named, none is taken."""
    twin = option(77, 25300)
    row = bare(CHAIN[2])
    (same,) = joined([row], MASTER | {twin.key: twin})
    assert not same.security_id
    assert unjoined(row, MASTER | {twin.key: twin}) == (
        "it has no security id, and NSE_FNO has 2 contracts NIFTY CE ₹25,300.00, 2026-02-24: "
        "NIFTY 24 FEB 25300 CE (security id 11), NIFTY 24 FEB 25300 CE (security id 77); "
        "write the security id of the one that is meant"
    )


def test_the_other_exchange_is_another_contract():
    """A share's option on BSE does not make the one on NSE ambiguous: rows of shares mean NSE."""
    other = replace(CHAIN[2], segment=Segment.BSE_FNO, security_id=88)
    (found,) = joined([bare(CHAIN[2])], MASTER | {other.key: other})
    assert row_key(found) == CHAIN[2].key


def test_an_unknown_symbol_has_no_candidates():
    """Nothing is near a name that the master does not know."""
    why = unjoined(bare(CHAIN[0], symbol="NIFTTY"), MASTER)
    assert why == "it has no security id, and NSE_FNO has no contract NIFTTY CE ₹24,500.00, 2026-02-24"


def test_rows_without_ids_are_watched_and_one_that_fits_nothing_is_shown_with_its_sentence():
    """The store lacks ids: the condor is priced all the same; a wrong strike makes it one that is not."""
    rig = Rig()
    rig.rows = [replace(row, security_id=0) for row in rig.rows]
    rig.start()
    rig.wait(2, 20, 45, 40, 18)
    (seen,) = rig.view.positions
    assert seen.pnl_paise == 0
    assert not [alert for alert in rig.of(Alert) if alert.title == "A position cannot be watched"]
    rig.rows[0] = replace(rig.rows[0], strike_price_paise=2_455_000)
    rig.tell(Beat(BeatKind.SYNC))
    (seen,) = rig.view.positions
    assert seen.state is PositionState.INVALID
    assert "row 1: it has no security id, and NSE_FNO has no contract NIFTY PE ₹24,550.00" in seen.reason
    assert "NIFTY 24 FEB 24500 PE (security id" in seen.reason
    rig.rows[0] = replace(rig.rows[0], strike_price_paise=2_450_000)
    rig.tell(Beat(BeatKind.SYNC))
    assert rig.view.positions[0].state is not PositionState.INVALID


def test_an_exit_of_rows_without_ids_closes_them():
    """What has no id in the store is exited and closed like any other."""
    rig = Rig()
    rig.rows = [replace(row, security_id=0) for row in rig.rows]
    rig.start()
    rig.wait(2, 20, 45, 40, 18)
    rig.command(confirmed=True)
    rig.wait(60, 20, 45, 40, 18)
    assert rig.flat
    assert rig.rows == []
