"""What comes next of the wish to be flat, row by row: steps, reads, commands; no clock, no account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.broker_nouns import BrokerOrder, BrokerPosition, OrderStatus, Product
from engine.controls import ControlState, Held
from engine.flatten import VERIFY_LIMIT_S, Flatten, Look, Move, Step, judge
from engine.messages import BrokerReport, Verb
from engine.model import InstrumentKey, Side
from engine.pnl_exit import UNDER_WAY_S

OURS, THEIRS = InstrumentKey(11), InstrumentKey(22)
NOW = 1_000.0


def wish(step, *, others=(), kill=True, **more):
    return Flatten("f", "Asha", NOW, step, tuple(others), (OURS,), kill, "f", since_s=NOW, **more)


def report(number=1, *nets, orders=()):
    rows = tuple(BrokerPosition(key, Product.MARGIN, units) for key, units in nets)
    return BrokerReport(number, NOW, tuple(orders), (), rows)


def state(number=1, *nets, killed=False):
    rows = tuple(Held("ours" if key == OURS else "share", "MARGIN", key, units, 0) for key, units in nets)
    return ControlState(number, killed, (), rows)


def look(number=1, *nets, live=0, exiting=0, left=(), killed=False, orders=(), paper=False):
    """The same picture in both reads."""
    return Look(
        report(number, *nets, orders=orders), state(number, *nets, killed=killed), live, exiting, left, paper
    )


FLAT = ((OURS, 0), (THEIRS, 0))
ORDER = BrokerOrder("1", "", THEIRS, Side.BUY, 1, 0, 0, 100, OrderStatus.PENDING)


def seen(made, looks, seconds=2.0):
    """Show one look after the other; the moves."""
    return [judge(made, each, NOW + seconds * n) for n, each in enumerate(looks)]


@pytest.mark.parametrize(
    ("others", "at", "move"),
    [
        ((), look(exiting=1), Move()),
        ((), look(), Move(Step.VERIFY)),
        ((), look(left=("3359 NIFTY",)), Move(Step.STUCK, note="Not closed: 3359 NIFTY")),
        (("share",), look(exiting=1), Move()),
        (("share",), look(live=1), Move()),
        (("share",), look(), Move(Step.EXIT_ALL)),
        (("share",), look(left=("3359 NIFTY",)), Move(Step.EXIT_ALL)),
    ],
)
def test_our_own_exits_come_first(others, at, move):
    """Nothing begins while one runs or an order may trade; then it goes on, or says what is left."""
    assert judge(wish(Step.EXITS, others=others), at, NOW) == move


@pytest.mark.parametrize(
    ("at", "move"),
    [
        (Look(None, None, 0, 0, ()), Move()),
        (Look(report(), ControlState(1), 0, 0, ()), Move()),
        (look(1, *FLAT), Move(Step.VERIFY)),
        (look(1, (THEIRS, 5)), Move(send=Verb.EXIT_ALL)),
        (look(1, (THEIRS, 5), (OURS, 65)), Move(send=Verb.EXIT_ALL)),
        (look(1, (THEIRS, 5), live=1), Move()),
    ],
)
def test_exit_of_everything_is_sent_on_a_fresh_look_only(at, move):
    """Not without a look, not when nothing is open, not while an order of ours may trade."""
    assert judge(wish(Step.EXIT_ALL, others=("share",)), at, NOW) == move


def test_exit_of_everything_stops_at_what_was_not_named():
    """Yes meant those rows, and no others."""
    made = wish(Step.EXIT_ALL, others=("gold",))
    assert judge(made, look(1, (THEIRS, 5)), NOW).step is Step.STUCK


def test_exit_of_everything_is_not_sent_again_before_it_is_proved_absent():
    """Three reads over 35 s with nothing moved and no order: once more; then a person is told."""
    made = wish(Step.EXIT_ALL, others=("share",), sent_s=NOW, tries=1, before={"share MARGIN": 5})
    looks = [look(n, (THEIRS, 5)) for n in range(1, 20)]
    moves = seen(made, looks)
    assert [move.send for move in moves].index(Verb.EXIT_ALL) * 2.0 >= 35
    made = wish(Step.EXIT_ALL, others=("share",), sent_s=NOW, tries=2, before={"share MARGIN": 5})
    assert Step.STUCK in [move.step for move in seen(made, looks)]
    made = wish(Step.EXIT_ALL, others=("share",), sent_s=NOW, tries=1, before={"share MARGIN": 5})
    once = seen(made, [looks[0]] * 30)  # one read, looked at often, is one read
    assert set(once) == {Move()}


@pytest.mark.parametrize("at", [look(1, (THEIRS, 2)), look(1, (THEIRS, 5), orders=(ORDER,)), look(1, *FLAT)])
def test_exit_of_everything_that_acts_is_only_watched(at):
    """Something has moved, or an order works: it is not sent a second time."""
    made = wish(Step.EXIT_ALL, others=("share",), sent_s=NOW, tries=1, before={"share MARGIN": 5})
    assert judge(made, at, NOW + 100) == Move(Step.VERIFY)


@pytest.mark.parametrize("step", [Step.EXITS, Step.EXIT_ALL])
def test_an_order_of_ours_that_never_ends_is_told(step):
    """Dhan's exit of everything does not race with it, and nobody waits for it in silence."""
    made = wish(step, others=("share",))
    moves = seen(made, [look(n, (THEIRS, 5), live=1) for n in range(1, 80)])
    assert {move.send for move in moves} == {None}
    assert [move.step for move in moves].index(Step.STUCK) * 2.0 >= VERIFY_LIMIT_S


@pytest.mark.parametrize(("kill", "end"), [(True, Step.KILL), (False, Step.DONE)])
def test_flat_is_what_two_reads_say(kill, end):
    """The first says nothing, the same one again says nothing, the next one does."""
    made = wish(Step.VERIFY, kill=kill)
    assert seen(made, [look(1, *FLAT), look(1, *FLAT), look(2, *FLAT)]) == [Move(), Move(), Move(end)]


@pytest.mark.parametrize(
    "at",
    [
        Look(None, None, 0, 0, ()),
        look(),
        Look(report(1, *FLAT), ControlState(1, held=()), 0, 0, ()),
        Look(report(1, *FLAT), ControlState(1), 0, 0, ()),
        Look(report(1), state(1, *FLAT), 0, 0, ()),
        Look(report(1, *FLAT), None, 0, 0, ()),
        look(1, (OURS, 65)),
        look(1, *FLAT, orders=(ORDER,)),
        look(1, *FLAT, live=1),
        Look(report(1, *FLAT), state(1, (THEIRS, 5)), 1, 0, ()),
        Look(report(1, (OURS, -65)), state(1, *FLAT), 0, 0, ()),
    ],
)
def test_what_cannot_be_read_or_lists_nothing_or_disagrees_is_never_flat(at):
    """However often it is seen; after two minutes a person is told."""
    made = wish(Step.VERIFY)
    looks = [_numbered(at, n) for n in range(1, 80)]
    moves = [move.step for move in seen(made, looks)]
    assert set(moves) == {None, Step.STUCK}
    assert moves.index(Step.STUCK) * 2.0 >= VERIFY_LIMIT_S


def _numbered(at, number):
    """The same look, asked for again."""
    return at._replace(
        report=at.report and replace(at.report, request=number),
        state=at.state and replace(at.state, request=number),
    )


@pytest.mark.parametrize(("kill", "end"), [(True, Step.STUCK), (False, Step.DONE)])
def test_what_is_not_ours_ends_it_with_its_name(kill, end):
    """All of ours is flat; the kill switch cannot be used while a share is held."""
    made = wish(Step.VERIFY, kill=kill)
    moves = seen(made, [look(n, (OURS, 0), (THEIRS, 5)) for n in (1, 2)])
    assert moves == [Move(), Move(end, note="All of ours is flat. Not ours and still open: share +5")]


def test_on_paper_the_paper_books_are_enough():
    """There are no nets to be read."""
    made = wish(Step.VERIFY, kill=False)
    looks = [Look(report(n, *FLAT), None, 0, 0, (), paper=True) for n in (1, 2)]
    assert seen(made, looks)[-1] == Move(Step.DONE)


@pytest.mark.parametrize(
    ("sent_s", "tries", "at", "move"),
    [
        (None, 0, Look(None, None, 0, 0, ()), Move()),
        (None, 0, look(1), Move(send=Verb.KILL)),
        (None, 0, look(1, killed=True), Move(Step.DONE)),
        (NOW, 1, look(1), Move()),
        (NOW - UNDER_WAY_S, 1, look(1), Move(send=Verb.KILL)),
        (NOW - UNDER_WAY_S, 1, look(1, killed=True), Move(Step.DONE)),
        (NOW - UNDER_WAY_S, 1, Look(report(), None, 0, 0, ()), Move()),
        (NOW - UNDER_WAY_S, 3, look(1), Move(Step.STUCK, note="The kill switch is not on after three tries")),
    ],
)
def test_the_kill_switch_is_sent_on_a_fresh_look_only(sent_s, tries, at, move):
    """Not without one, not while the last may be under way, not when it is on, not for ever."""
    made = wish(Step.KILL, sent_s=sent_s, tries=tries)
    assert judge(made, at, NOW) == move


@pytest.mark.parametrize(
    ("at", "later_s", "step"),
    [
        (look(1, killed=True), 0, Step.DONE),
        (look(1), 10, None),
        (Look(None, None, 0, 0, ()), 29, None),
        (look(1), 30, Step.STUCK),
    ],
)
def test_a_kill_switch_that_dhan_took_has_to_show(at, later_s, step):
    """Done when it is read back; a person is told when it is not for half a minute."""
    assert judge(wish(Step.CONFIRM), at, NOW + later_s).step is step


@pytest.mark.parametrize("step", [Step.DONE, Step.STOPPED, Step.STUCK])
def test_an_end_is_an_end(step):
    """Nothing follows."""
    assert judge(wish(step), look(1, *FLAT), NOW) == Move()


def test_it_survives_the_journal():
    """What is kept comes back; what is counted begins anew."""
    made = wish(Step.EXIT_ALL, others=("share",), sent_s=NOW, tries=1, before={"share MARGIN": 5}, reads=2)
    back = Flatten.from_json(made.to_json(), NOW + 50)
    assert back.to_json() == made.to_json()
    assert (back.reads, back.since_s) == (0, NOW + 50)
