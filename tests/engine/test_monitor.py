"""The machine as a whole: a verdict becomes an exit, a question, a word, or nothing, by mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Alert, Answer, Ask, Card, Say
from engine.messages import (
    Actor,
    Beat,
    BeatKind,
    Command,
    FeedChanged,
    FeedState,
    JournalState,
    OrderUpdate,
    Ticks,
    Wish,
)
from engine.model import Mode, Urgency
from engine.pricing import Style
from engine.rules.registry import rules
from engine.view import PositionState
from tests.engine.makers import condor, leg, position, quote
from tests.support.rig import Rig

#: Mids of the condor's legs (long put, short put, short call, long call), rupees.
ENTRY = (20, 45, 40, 18)
PROFIT = (8, 20, 14, 6)
LOSS = (6, 10, 190, 60)


def gaining(mode, **more):
    """A rig whose condor has just reached its profit target for long enough."""
    rig = Rig(mode, **more)
    rig.wait(1, *ENTRY)
    rig.wait(2, *PROFIT)
    return rig


def test_execute_turns_a_verdict_into_an_exit_that_ends_verified_flat():
    """Profit target met: alert, card, four orders, flat, and the rows are closed in the store."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    assert len(rig.placed) == 4
    assert rig.flat
    assert not rig.rows
    assert rig.of(Card)[-1].title == "Verified flat: 3359 NIFTY Iron Condor"
    assert rig.of(Card)[-1].final
    assert rig.view.positions[0].state is PositionState.FLAT


def test_alert_only_tells_and_sends_nothing():
    """The same verdict in alert-only mode is one alert and no order."""
    rig = gaining(Mode.ALERT_ONLY)
    rig.wait(60, *PROFIT)
    assert not rig.placed
    started, met = rig.of(Alert)
    assert (started.topic, met.urgency) == ("running", Urgency.MEDIUM)
    assert "nothing was sent" in met.text


def test_semi_auto_asks_once_and_acts_on_one_tap():
    """One question, two taps: the first counts, the second is told that it is decided."""
    rig = gaining(Mode.SEMI_AUTO)
    rig.wait(5, *PROFIT)
    assert len(rig.of(Ask)) == 1
    assert not rig.placed
    nonce = rig.of(Ask)[0].nonce
    rig.tap(nonce)
    rig.tap(nonce)
    rig.wait(60, *PROFIT)
    assert len(rig.placed) == 4
    assert rig.flat
    assert [a.text for a in rig.of(Answer)] == ["Exiting.", "Already decided or too old."]
    assert {c.nonce for c in rig.of(Card)} == {nonce}


def test_a_tap_after_a_restart_counts_exactly_once():
    """The question outlives the process: the tap that comes after a restart starts one exit."""
    rig = gaining(Mode.SEMI_AUTO)
    nonce = rig.of(Ask)[0].nonce
    rig.start()
    rig.wait(1, *PROFIT)
    rig.tap(nonce)
    rig.start()
    rig.tap(nonce)
    rig.wait(60, *PROFIT)
    assert len(rig.placed) == 4
    assert rig.flat


def test_an_exit_that_a_person_confirmed_is_told_by_its_card_alone():
    """Execute tells of the exit it starts, in whole sentences; whoever tapped is watching the card."""
    rig = gaining(Mode.EXECUTE)
    assert rig.of(Alert)[-1].text.endswith("). The exit is running.")
    rig = gaining(Mode.SEMI_AUTO)
    rig.tap(rig.of(Ask)[0].nonce)
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert not [a for a in rig.of(Alert) if "exit is running" in a.text]


def test_a_question_that_nobody_answers_sends_nothing():
    """After sixty seconds the card says expired, a late tap gets a word, no order leaves."""
    rig = gaining(Mode.SEMI_AUTO)
    nonce = rig.of(Ask)[0].nonce
    rig.wait(61, *PROFIT)
    rig.tap(nonce)
    assert not rig.placed
    assert rig.of(Card)[-1].title.startswith("Expired")
    assert rig.view.positions[0].state is PositionState.HELD


def test_a_stop_that_nobody_answers_is_asked_about_again_and_loudly():
    """Silence about a loss is no answer: the owner is alerted HIGH and asked once more."""
    rig = Rig(Mode.SEMI_AUTO)
    rig.wait(1, *ENTRY)
    rig.wait(70, *LOSS)
    assert len(rig.of(Ask)) == 2
    assert "A stop waits for your answer" in {a.title for a in rig.of(Alert)}
    assert not rig.placed


def test_not_now_leaves_the_position_alone_for_a_while():
    """A declined profit is not asked about again within half an hour."""
    rig = gaining(Mode.SEMI_AUTO)
    rig.tap(rig.of(Ask)[0].nonce, yes=False)
    rig.wait(300, *PROFIT)
    assert len(rig.of(Ask)) == 1
    assert rig.of(Card)[-1].title.startswith("Not now")
    rig.wait(1600, *PROFIT)
    assert len(rig.of(Ask)) == 2


@pytest.mark.parametrize("answer", ["none yet", "not now", "too late"])
def test_a_profit_that_was_asked_about_does_not_switch_the_stop_off(answer):
    """Whatever became of the question about the profit: the stop is asked about when it is met."""
    rig = gaining(Mode.SEMI_AUTO)
    if answer == "not now":
        rig.tap(rig.of(Ask)[0].nonce, yes=False)
    rig.wait(61 if answer == "too late" else 1, *PROFIT)
    rig.wait(3, *LOSS)
    first = [ask for ask in rig.of(Ask) if not ask.again]
    assert [ask.title.split(":")[0] for ask in first] == ["Profit target", "Stop loss"]
    rig.wait(70, *LOSS)
    assert len([ask for ask in rig.of(Ask) if not ask.again]) == 3, (
        "nobody answered about the stop: asked again"
    )


def test_a_stop_hurries_a_patient_exit():
    """The profit was to be taken patiently; the market turns before anything has filled."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(3, *LOSS)
    (intent,) = rig.monitor.desk.intents.values()
    assert (intent.verdict.rule, intent.style) == ("stop_loss", Style.URGENT)
    assert any("in a hurry now" in alert.text for alert in rig.of(Alert))
    rig.wait(60, *LOSS)
    assert rig.flat
    assert len({order.key for order in rig.placed}) == 4


def test_exit_by_hand_hurries_a_patient_exit():
    """The profit is being taken patiently when the owner wants out: asked, then sent on at the touch."""
    rig = gaining(Mode.EXECUTE)
    (intent,) = rig.monitor.desk.intents.values()
    rig.command(strategy_id=3359)
    rig.tap(rig.of(Ask)[0].nonce)
    assert (intent.verdict.rule, intent.style) == ("forced", Style.URGENT)
    asked = [card for card in rig.of(Card) if card.nonce == rig.of(Ask)[0].nonce]
    assert asked[-1].final
    rig.command(strategy_id=3359)
    assert rig.of(Say)[-1].text.startswith("Already exiting")
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert len(rig.monitor.desk.intents) == 1


def test_exit_by_hand_asks_and_acts_on_yes():
    """/exit 3359 shows the legs and the P&L, and yes closes them."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(strategy_id=3359)
    ask = rig.of(Ask)[0]
    assert "P&L now ₹0.00" in ask.lines
    assert any(line.startswith("Closed now, net −₹") for line in ask.lines)
    assert all(len(line) <= 32 for line in ask.lines)
    rig.tap(ask.nonce)
    rig.wait(10, *ENTRY)
    assert rig.flat


def test_a_preview_does_not_switch_the_rules_off():
    """While the owner looks at an exit preview the stop still acts."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(strategy_id=3359)
    rig.wait(20, *LOSS)
    assert rig.flat
    rig.tap(rig.of(Ask)[0].nonce)
    assert len(rig.placed) == 4


def test_a_second_wish_joins_the_running_exit():
    """/exit while an exit runs as fast as it can says so and starts nothing."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    while not rig.monitor.desk.intents:
        rig.wait(0.5, *LOSS)
    rig.command(strategy_id=3359)
    assert "Already exiting" in rig.of(Say)[-1].text
    assert len(rig.monitor.desk.intents) == 1


def test_an_exit_of_something_unknown_is_answered_with_a_sentence():
    """/exit 9999 names what was asked for."""
    rig = Rig(Mode.EXECUTE)
    rig.command(strategy_id=9999)
    assert "No open position 9999" in rig.of(Say)[-1].text


def test_yes_to_a_position_that_changed_since_is_refused():
    """The legs are not those that were shown: the answer is void, nothing is sent."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(strategy_id=3359)
    rig.rows = rig.rows[:2]
    rig.tell(Beat(BeatKind.SYNC))
    rig.tap(rig.of(Ask)[0].nonce)
    assert not rig.placed
    assert "has changed" in rig.of(Answer)[-1].text


@pytest.mark.parametrize(("count", "legs"), [(1, 4), (2, 8), (5, 0)])
def test_the_preview_of_several_exits(count, legs):
    """Each is named with its P&L, few of them leg by leg; then the sum. One alone needs neither."""
    several = [replace(condor(), strategy_id=n) for n in range(1, count + 1)]
    rig = Rig(Mode.SEMI_AUTO, *several)
    rig.wait(1, *ENTRY * count)
    rig.command()
    lines = rig.of(Ask)[-1].lines
    assert sum("at about" in line for line in lines) == legs
    assert sum(line.endswith("NIFTY Iron Condor") for line in lines) == (count if count > 1 else 0)
    assert sum(line.startswith("P&L now") for line in lines) == count
    assert sum(line.startswith("P&L together") for line in lines) == (count > 1)


def test_the_cap_of_an_exit_is_not_measured_from_a_suspect_quote():
    """The sold put jumps from 45 to 300, 80 more than its hedge allows: buying it back ends at 49.50."""
    rig = Rig()
    rig.wait(1, 20, 45, 40, 18)
    sold = rig.legs[1]
    rig.tell(Ticks([quote(sold.key, 299.95, 300.05)]))
    rig.command(confirmed=True)
    rig.tell(Beat(BeatKind.PULSE))
    (bought,) = [order for order in rig.placed if order.key == sold.key]
    assert bought.limit_paise == 4_950


def test_stop_halts_the_rules_and_says_what_it_did():
    """/stop: verdicts become words, positions stay, /exit still works, the reply says exactly that."""
    rig = Rig(Mode.EXECUTE)
    rig.command(Wish.STOP)
    rig.wait(1, *ENTRY)
    rig.wait(5, *PROFIT)
    assert not rig.placed
    assert "All positions stay as they are: 1 open" in rig.of(Say)[0].text
    assert "No order of ours is working." in rig.of(Say)[0].text
    assert "Automation is halted" in rig.of(Alert)[-1].text
    rig.command(strategy_id=3359)
    rig.tap(rig.of(Ask)[0].nonce)
    rig.wait(60, *PROFIT)
    assert rig.flat


def test_a_stop_from_the_host_is_told_in_the_chat():
    """Who looks at the phone must know that no rule acts any more, and who said so."""
    rig = Rig(Mode.EXECUTE)
    rig.tell(Command(Wish.STOP, Actor(0, 0, "the host")))
    (alert,) = [each for each in rig.of(Alert) if "halted" in each.title]
    assert (alert.urgency, alert.title) == (Urgency.HIGH, "Automation was halted by the host")
    assert "All positions stay as they are: 1 open" in alert.text


def test_stop_withdraws_what_a_rule_has_asked():
    """The question on the phone does not claim to have expired: it says that the halt ended it."""
    rig = gaining(Mode.SEMI_AUTO)
    rig.command(Wish.STOP)
    assert rig.of(Card)[-1].title == "Withdrawn: 3359 NIFTY Iron Condor"
    assert rig.said.index(rig.of(Say)[0]) < rig.said.index(rig.of(Card)[-1])  # the reply is waited for
    rig.tap(rig.of(Ask)[0].nonce)
    rig.wait(5, *PROFIT)
    assert not rig.placed


def test_resume_is_told_once_on_the_card_of_its_question():
    """The tap's card says that the rules act again; no second message repeats it."""
    rig = Rig(Mode.EXECUTE)
    rig.command(Wish.STOP)
    rig.command(Wish.RESUME)
    rig.tap(rig.of(Ask)[-1].nonce)
    assert rig.of(Card)[-1].done
    assert "running again" in rig.of(Card)[-1].lines[0]
    assert len(rig.of(Say)) == 1


def test_a_rule_s_exit_sends_nothing_while_automation_is_halted():
    """However an exit came to be working under /stop, the gate before each order is shut."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.broker_answers = False
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(5, *PROFIT)
    rig.monitor.helm.halted = True
    rig.broker_answers = True
    rig.wait(30, *PROFIT)
    assert len(rig.monitor.desk.intents) == 1
    assert not rig.placed
    assert "Exit is held back" in {a.title for a in rig.of(Alert)}


def test_an_exit_asked_for_while_another_is_being_stopped_is_not_called_running():
    """/stop, its cancel is not confirmed yet, /exit: the answer says what happens, nothing starts twice."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.monitor.desk.stop(rig.now_s)  # and what it wants is not done yet
    rig.command(strategy_id=3359)
    assert "Still being stopped" in rig.of(Say)[-1].text
    assert len(rig.monitor.desk.intents) == 1


def test_stop_survives_a_restart_and_resume_must_be_confirmed():
    """Halted stays halted until a person says resume and confirms it; then the rule acts."""
    rig = Rig(Mode.EXECUTE)
    rig.command(Wish.STOP)
    rig.start()
    rig.wait(1, *ENTRY)
    rig.wait(5, *PROFIT)
    assert not rig.placed
    rig.command(Wish.RESUME)
    rig.tap(rig.of(Ask)[0].nonce)
    rig.wait(60, *PROFIT)
    assert rig.flat


def test_an_exit_after_a_stopped_one_goes_on_where_that_ended():
    """/stop after the shorts: the next /exit sells the longs only, and counts what was bought before."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.quotes(*ENTRY)
    assert [o.side for o in rig.placed] == ["BUY", "BUY", "SELL", "SELL"]  # the last one has traded
    rig.command(Wish.STOP)
    rig.wait(1)
    (told,) = [a for a in rig.of(Alert) if a.title == "A position is half closed"]
    assert "Left alone until expiry, the position ends at −₹1,309.75 at worst. /exit closes" in told.text
    rig.start()
    rig.wait(3)
    rig.command(confirmed=True)
    rig.wait(70, *ENTRY)
    assert [o.side for o in rig.placed] == ["BUY", "BUY", "SELL", "SELL", "SELL"]
    assert rig.flat
    assert rig.exits == {1: 1995, 2: 4505, 3: 4005, 4: 1795}
    assert rig.of(Card)[-1].lines[-1] == "P&L −₹13.00"
    assert not [a for a in rig.of(Alert) if "left at the broker" in a.text]


def test_a_contract_that_stands_the_other_way_round_is_never_called_flat():
    """Our fill and a hand's crossed, /stop and a restart forgot the base: the next exit ends stuck."""
    rig = Rig(Mode.EXECUTE, position(leg(-65, 25300, "CE", 40), leg(-65, 25500, "CE", 18)))
    rig.wait(1, 40, 18)
    rig.command(confirmed=True)
    tick = quote(rig.legs[0].key, 39.95, 40.05)
    for row in rig.exchange.quote(tick):
        rig.tell(OrderUpdate(row))
    rig.command(Wish.STOP)
    rig.exchange.hold({rig.legs[0].key: 0, rig.legs[1].key: -65})  # a hand had bought it back as well
    rig.start()
    rig.wait(2, 40, 18)
    rig.command(confirmed=True)
    rig.wait(90, 40, 18)
    assert rig.net[rig.legs[0].key] == 65
    assert rig.of(Card)[-1].title.startswith("Stuck")
    (stuck,) = [alert for alert in rig.of(Alert) if alert.title.startswith("Exit is stuck")]
    assert "the other way round" in stuck.text


def test_what_was_closed_by_hand_has_no_exit_price():
    """The owner bought a short back in the app: its row is closed without a price, not at zero."""
    rig = Rig(Mode.EXECUTE)
    rig.exchange.hold(
        {leg.key: leg.quantity for leg in rig.legs[:1]}
        | {rig.legs[1].key: 0}
        | {leg.key: leg.quantity for leg in rig.legs[2:]}
    )
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.wait(60, *ENTRY)
    assert rig.exits == {1: 1995, 2: None, 3: 4005, 4: 1795}


def test_rows_that_cancel_each_other_out_are_closed_with_their_position():
    """A contract bought and sold again within one strategy leaves no open row behind."""
    one, other = leg(65, 24900, "CE", 40), leg(-65, 24900, "CE", 44)
    rig = Rig(Mode.EXECUTE, position(leg(65, 25300, "CE", 20), one, other))
    rig.wait(1, 20, 40, 40)
    rig.command(confirmed=True)
    rig.wait(60, 20, 40, 40)
    assert rig.exits == {1: 1995, 2: None, 3: None}


def test_a_lost_journal_does_not_use_a_correlation_id_twice():
    """The broker's book holds ids of today: the new exit is numbered after them."""
    rig = Rig(Mode.EXECUTE, condor(), position(leg(-65, 25800, "CE", 9), strategy_id=2))
    rig.wait(1, *ENTRY, 9)
    rig.command(strategy_id=2, confirmed=True)
    rig.wait(70, *ENTRY, 9)
    rig.journal.clear()
    rig.start()
    rig.wait(1, *ENTRY, 9)
    rig.command(strategy_id=3359, confirmed=True)
    rig.wait(70, *ENTRY, 9)
    assert len({o.correlation_id for o in rig.placed}) == len(rig.placed) == 5
    assert rig.flat


def test_two_positions_that_face_each_other_in_one_contract_are_told_once():
    """Long in one strategy, short in another: the broker nets them, and neither exit crosses zero."""
    long, short = (position(leg(u, 25800, "CE", 9), strategy_id=n) for n, u in ((1, 130), (2, -65)))
    rig = Rig(Mode.EXECUTE, long, short)
    rig.wait(31, 9, 9)
    rig.tell(Beat(BeatKind.SYNC))
    told = [a for a in rig.of(Alert) if a.title == "Two positions hold one contract both ways"]
    assert len(told) == 1
    assert "held long by default/1 and short by default/2" in told[0].text
    rig.command(confirmed=True)
    rig.wait(120, 9, 9)
    assert rig.flat
    assert [(o.side, o.quantity) for o in rig.placed] == [("SELL", 65)]


def test_a_position_that_vanishes_from_the_store_is_told():
    """Somebody deletes rows: the position is not watched any more, and the owner hears of it."""
    rig = Rig(Mode.EXECUTE, condor(), position(leg(-65, 25800, "CE", 9), strategy_id=2))
    rig.rows = rig.rows[:4]
    rig.tell(Beat(BeatKind.SYNC))
    assert [a.position for a in rig.of(Alert) if a.title == "A position is no longer watched"] == [
        "default/2"
    ]


def test_nothing_is_sent_before_the_broker_was_read():
    """A failed start-up reconciliation means alert-only, loudly, until the broker answers."""
    rig = Rig(Mode.EXECUTE)
    rig.broker_answers = False
    rig.start()
    rig.wait(1, *ENTRY)
    rig.wait(5, *PROFIT)
    assert not rig.placed
    assert "Prahari only alerts" in {a.title for a in rig.of(Alert)}
    rig.broker_answers = True
    rig.wait(60, *PROFIT)
    assert rig.flat  # what was only told meanwhile is acted on once the house is whole


def test_a_broker_that_goes_away_is_told_of_before_an_exit_needs_it():
    """Reads fail in the middle of the day: after a minute HIGH, and a word when it is back."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.broker_answers = False
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(50, *ENTRY)
    assert not [a for a in rig.of(Alert) if a.topic == "blind"]
    rig.wait(20, *ENTRY)
    assert next(a.urgency for a in rig.of(Alert) if a.topic == "blind") is Urgency.HIGH
    rig.broker_answers = True
    rig.wait(5, *ENTRY)
    assert rig.of(Alert)[-1].topic == "broker-back"


def test_a_broker_that_goes_away_in_an_exit_is_told_of_soon(monkeypatch):
    """Ten seconds without the books are long for who wants to leave; a shorter gap is nobody's news."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    monkeypatch.setattr(rig.exchange, "quote", lambda _tick: [])  # nothing is filled
    rig.command(Wish.EXIT, 3359, confirmed=True)
    assert rig.placed
    rig.broker_answers = False
    rig.wait(8, *ENTRY)
    rig.broker_answers = True
    rig.wait(8, *ENTRY)
    assert not {"blind", "broker-back"} & {a.topic for a in rig.of(Alert)}
    rig.broker_answers = False
    rig.wait(20, *ENTRY)
    assert next(a.urgency for a in rig.of(Alert) if a.topic == "blind") is Urgency.HIGH
    rig.broker_answers = True
    rig.wait(8, *ENTRY)
    assert "broker-back" in {a.topic for a in rig.of(Alert)}


def test_a_store_that_cannot_be_read_changes_nothing():
    """The trade store fails: the positions stay watched and the exit goes through."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.store_answers = False
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert "The trade store cannot be read" in {a.title for a in rig.of(Alert)}


def test_an_empty_store_is_not_believed_at_once():
    """Two empty answers drop nothing; the third does."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.rows = []
    for known in (1, 1, 0):
        rig.tell(Beat(BeatKind.SYNC))
        assert len(rig.view.positions) == known


def test_a_broken_journal_stops_every_order_until_it_works_again():
    """No journal, no order; an alert says so, and a second one when it is mended."""
    rig = Rig(Mode.EXECUTE)
    rig.tell(JournalState("disk full"))
    rig.wait(1, *ENTRY)
    rig.wait(5, *PROFIT)
    assert not rig.placed
    rig.tell(JournalState(""))
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert [a.topic for a in rig.of(Alert) if a.topic.startswith("journal")] == ["journal", "journal-back"]


def test_a_difference_between_store_and_broker_is_told_once_it_is_seen_twice():
    """The broker holds less than the store says: HIGH, on the second report."""
    rig = Rig(Mode.EXECUTE)
    rig.exchange.hold({leg.key: leg.quantity // 65 for leg in rig.legs})
    for _ in range(3):
        rig.now_s += 30
        rig.tell(Beat(BeatKind.SYNC))
    told = [a for a in rig.of(Alert) if a.topic.startswith("mismatch")]
    assert told
    assert all(a.urgency is Urgency.HIGH for a in told)


def test_a_failing_rule_holds_the_position_and_the_owner_still_exits_by_hand(monkeypatch):
    """HELD on the page, one HIGH alert, no order of the rules; /exit and yes close it all the same."""

    def judge(snapshot, params):
        raise RuntimeError("a mistake")

    everything = dict(rules())
    everything["stop_loss"] = replace(everything["stop_loss"], judge=judge)
    monkeypatch.setattr("engine.watch.arming.rules", lambda: everything)
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.wait(5, *PROFIT)
    (position,) = rig.view.positions
    assert position.state is PositionState.HELD
    assert "stop_loss failed (RuntimeError: a mistake)" in position.reason
    assert [a.urgency for a in rig.of(Alert) if a.topic != "running"] == [Urgency.HIGH]
    assert not rig.placed
    rig.command(strategy_id=3359)
    rig.tap(rig.of(Ask)[0].nonce)
    rig.wait(10, *PROFIT)
    assert rig.flat


def test_a_trailing_exit_is_urgent_and_outlives_a_restart():
    """The peak goes to the journal; the restarted machine crosses the touch with every leg."""
    rig = Rig(Mode.EXECUTE, rules='[default]\nprofit_target = "off"\ntrailing_stop = true')
    rig.wait(1, *ENTRY)
    rig.wait(6, 20, 15, 40, 18)
    assert rig.journal["memory"]["default/3359"]["peaks"] == {"trailing_stop": 195000}
    rig.start()
    rig.wait(3, 20, 24, 40, 18)
    (intent,) = rig.monitor.desk.intents.values()
    assert (intent.verdict.rule, intent.style) == ("trailing_stop", Style.URGENT)


def test_the_view_shows_what_the_machine_knows():
    """Feed, session, P&L and thresholds are in the picture; an unknown P&L is unknown, not zero."""
    rig = Rig(Mode.EXECUTE)
    rig.tell(FeedChanged(FeedState.LIVE, "4 instruments"))
    assert rig.view.positions[0].pnl_paise is None
    rig.wait(1, *ENTRY)
    view = rig.view
    assert view.feed is FeedState.LIVE
    assert view.session_open
    assert view.positions[0].pnl_paise == 0
    assert {t.rule for t in view.positions[0].thresholds} >= {"profit_target", "stop_loss"}


@pytest.mark.parametrize("mode", list(Mode))
def test_the_same_messages_give_the_same_effects(mode):
    """Two machines fed alike say and send alike, to the last nonce."""
    one, two = gaining(mode), gaining(mode)
    assert one.said == two.said
    assert one.placed == two.placed
