"""/exit in all its forms: half of a position, a symbol, everything; asked once, refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effects import Ask, Card, Say
from engine.exit_questions import forced
from engine.exit_wishes import half_of
from engine.messages import Beat, BeatKind, Command, Wish
from engine.model import Mode
from engine.parts import part_of
from tests.engine.makers import condor, condors, leg, position, strangle
from tests.support.rig import OWNER, Rig

ENTRY = (20, 45, 40, 18)
LOSS = (20, 85, 85, 18)


def half(rig, strategy_id=3359):
    """Somebody writes /exit half."""
    rig.tell(Command(Wish.EXIT, OWNER, strategy_id, value="half"))


def watched(*positions, mode=Mode.EXECUTE):
    """A monitor with quotes."""
    rig = Rig(mode, *positions)
    rig.wait(1, *ENTRY * len(positions))
    return rig


def test_half_of_four_is_two_of_each_leg_shorts_first_after_one_yes():
    """The question names the part, the card its end; what stays is the condor it was."""
    rig = watched(condors(4))
    half(rig)
    ask = rig.of(Ask)[0]
    assert ask.title == "Exit 2 of 4 of 3359 NIFTY Iron Condor?"
    assert "  BUY 130 at about 45.05" in ask.lines
    assert "This part, net −₹132.12" in ask.lines  # four times 130 units at five paise, and the charges
    assert not rig.placed
    rig.tap(ask.nonce)
    rig.wait(20, *ENTRY)
    assert sorted(rig.net.values()) == [-130, -130, 130, 130]
    assert rig.of(Card)[-1].title.startswith("Closed 2 of 4, 2 open")
    sides = [order.side.value for order in rig.placed]
    assert sides == sorted(sides), "purchases first"


def test_half_of_three_is_one_and_can_be_had_again():
    """Never more than half; then one of two."""
    rig = watched(condors(3))
    for left in (2, 1):
        half(rig)
        rig.tap(rig.of(Ask)[-1].nonce)
        rig.wait(20, *ENTRY)
        rig.tell(Beat(BeatKind.SYNC))
        assert set(map(abs, rig.net.values())) == {65 * left}
    half(rig)
    assert rig.of(Say)[-1].text == (
        "3359 is one combination in whole lots and cannot be halved. Nothing was done. /exit 3359 closes "
        "all of it."
    )


@pytest.mark.parametrize(
    "legs",
    [
        (leg(65, 24500, "PE", 20), leg(-130, 24700, "PE", 45)),
        (leg(65 * 3, 24500, "PE", 20), leg(-130, 24700, "PE", 45)),
    ],
)
def test_legs_that_do_not_divide_in_their_ratio_are_not_halved(legs):
    """One against two, or three against two: whole lots only."""
    rig = Rig(Mode.EXECUTE, position(*legs))
    rig.wait(1, 20, 45)
    half(rig)
    assert "cannot be halved" in rig.of(Say)[-1].text
    assert not rig.of(Ask)


def test_no_half_beside_a_running_exit():
    """The exit that runs goes on; a yes to an older question means nothing then."""
    rig = watched(condors(4))
    half(rig)
    rig.command(strategy_id=3359, confirmed=True)
    half(rig)
    assert rig.of(Say)[-1].text.startswith("3359 is exiting already")
    rig.tap(rig.of(Ask)[0].nonce)
    rig.wait(20, *ENTRY)
    assert rig.flat
    assert len(rig.monitor.desk.intents) == 1


def test_a_stop_takes_the_whole_position_while_its_half_is_asked_about_or_closed():
    """A person's half has switched off nothing."""
    rig = watched(condors(4))
    half(rig)
    rig.wait(20, *LOSS)
    assert rig.flat


def test_half_of_something_unknown_and_in_alert_only_is_a_sentence():
    """As with a whole exit."""
    rig = watched(condors(4))
    half(rig, 9999)
    assert rig.of(Say)[-1].text.startswith("No open position 9999")
    rig = watched(condors(4), mode=Mode.ALERT_ONLY)
    half(rig)
    assert "places no orders" in rig.of(Say)[-1].text


def test_a_symbol_means_its_positions_and_no_others_with_one_confirm():
    """Two condors in NIFTY are listed, the other one stays."""
    other = replace(
        strangle(),
        strategy_id=7,
        symbol="BANKNIFTY",
        legs=(leg(-65, 50000, "PE", 45, symbol="BANKNIFTY"), leg(-65, 52000, "CE", 55, symbol="BANKNIFTY")),
    )
    second = replace(
        condor(),
        strategy_id=2,
        legs=tuple(leg(each.quantity, 26000 + n * 100, "CE", 20) for n, each in enumerate(condor().legs)),
    )
    rig = Rig(Mode.EXECUTE, condor(), second, other)
    prices = (*ENTRY, 20, 20, 20, 20, 45, 55)
    rig.wait(1, *prices)
    rig.tell(Command(Wish.EXIT, OWNER, value="nifty"))
    ask = rig.of(Ask)[0]
    assert ask.title == "Exit 2 positions?"
    assert {line for line in ask.lines if line.endswith("Condor")} == {
        "2 NIFTY Iron Condor",
        "3359 NIFTY Iron Condor",
    }
    rig.tap(ask.nonce)
    rig.wait(20, *prices)
    assert [p.strategy_id for p in rig.monitor.holdings.positions.values()] == [7]
    rig.tell(Command(Wish.EXIT, OWNER, value="FINNIFTY"))
    assert rig.of(Say)[-1].text == "No open position in FINNIFTY. /status lists what is watched."


@given(st.integers(2, 400))
def test_half_is_whole_lots_in_ratio_and_never_more_than_half(lots):
    """Whatever the size; the verdict's share brings that very part back."""
    made = condors(lots)
    closes, why = half_of(made, lots)
    assert not why
    assert closes * 2 in {lots, lots - 1}
    part = part_of(made, (lots, lots), forced(closes / lots))
    assert part is not None
    assert part.closes == closes
