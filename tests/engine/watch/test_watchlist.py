"""Stories of watched positions: what is said when, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from engine.errors import BadInput
from engine.guards import ReplayGuard
from engine.io import tables
from engine.messages import Tick
from engine.model import Action, Urgency
from engine.payoff import payoff
from engine.rules.base import Rank
from engine.rules.rulebook import Rulebook
from engine.sessions import at
from engine.watch import Judgement, Memory, Watchlist
from tests.engine.makers import (
    EXPIRY,
    SPOT,
    condor,
    leg,
    long_call,
    position,
    quote,
    strangle,
    strokes,
    traded,
)

CALENDAR = tables.calendar()
DAY = date(2026, 2, 3)
TEN = at(DAY, "10:00")


class Desk:
    """One position under watch, quoted a few paise wide; time moves by hand."""

    def __init__(self, held, rules="", now_s=TEN, memory=None, **more):
        self.watch = Watchlist(CALENDAR, tables.rulebook(rules), **more)
        self.held = held
        self.now_s = now_s
        self.notes = self.watch.put(held, memory or Memory(), now_s)

    def quote(self, *mids, spread=0.1):
        """Tick the legs in order at these mids; None leaves a leg alone."""
        said: list[Judgement] = []
        for part, mid in zip(self.held.legs, mids, strict=True):
            if mid is not None:
                said += self.watch.tick(quote(part.key, mid - spread / 2, mid + spread / 2), self.now_s)
        return told(said)

    def wait(self, seconds, *, beat=True):
        """Let time pass, and strike the clock every half second; more than ten are slept through."""
        began_s, self.now_s = self.now_s, self.now_s + seconds
        if not beat:
            return []
        moments = strokes(began_s, seconds) if seconds <= 10 else [self.now_s]
        return [each for at_s in moments for each in told(self.watch.beat(at_s))]

    @property
    def memory(self):
        """What it remembers of the position."""
        return self.watch.memory(self.held.id)

    @property
    def figures(self):
        """The position in figures, now."""
        return self.watch.figures(self.held.id, self.now_s)


def told(said):
    """Judgements as (rule, P&L)."""
    return [(judgement.verdict.rule, judgement.verdict.pnl_paise) for judgement in said]


# The condor at entry is (20, 45, 40, 18); a rupee on a leg is ₹65. Stop −₹4,972.50, target ₹1,527.50.
AT_ENTRY = (20, 45, 40, 18)


def test_a_quiet_position_says_nothing_and_costs_no_wake_ups_but_the_age_of_its_prices():
    """The next thing time alone can do is make the quotes too old."""
    desk = Desk(condor())
    assert desk.quote(*AT_ENTRY) == []
    assert desk.wait(1) == []
    due = desk.watch.next_due_s()
    assert due is not None
    assert TEN + 9 < due < TEN + 11


def test_a_profit_must_last_one_second():
    """Met at ten, not yet at half a second, fired at one."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    assert desk.quote(20, 30, 30, 18) == []
    assert desk.wait(0.5) == []
    assert desk.watch.next_due_s() == TEN + 1
    assert desk.wait(0.5) == [("profit_target", 162500)]


def test_a_profit_that_goes_away_starts_anew():
    """Half a second, back, half a second: nothing; a whole one then fires."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(20, 30, 30, 18)
    desk.wait(0.5)
    desk.quote(20, 45, 30, 18)
    desk.wait(0.2)
    desk.quote(20, 30, 30, 18)
    assert desk.wait(0.5) == []
    assert desk.wait(0.5) == [("profit_target", 162500)]


def test_a_loss_must_last_two_seconds():
    """A shallow breach is watched, alerted, and acted on when it lasts."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    assert desk.quote(20, 85, 77, 18) == [("loss_alert", -260000), ("loss_alert", -500500)]
    assert desk.wait(1.9) == []
    assert desk.wait(0.1) == [("stop_loss", -500500)]


def test_a_deep_loss_needs_two_prices_of_the_leg_that_moved():
    """Beyond 115 %, other legs ticking along confirm nothing; the mover's second price does."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    assert desk.quote(None, 140, None, None) == [("loss_alert", -617500)]
    assert desk.quote(20, None, 40, 18) == []
    assert desk.quote(None, 140, None, None) == [("stop_loss", -617500)]


def test_one_bad_price_fires_nothing():
    """A single bad tick, corrected by the next, leaves an alert behind and no exit."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    assert desk.quote(None, 225, None, None) == [("loss_alert", -1170000)]
    assert desk.quote(None, 45, None, None) == []
    assert desk.wait(5) == []


def test_a_verdict_is_given_once_until_its_condition_has_clearly_gone():
    """Five per cent of the threshold back, and it may speak again."""
    desk = Desk(long_call())
    desk.quote(57)
    desk.quote(86)
    assert desk.wait(1) == [("profit_target", 1232500)]
    desk.quote(85)
    desk.quote(86)
    assert desk.wait(1) == []
    desk.quote(84)  # ₹11,475: more than 5 % of ₹12,112.50 below it
    desk.quote(86)
    assert desk.wait(1) == [("profit_target", 1232500)]


def test_while_held_nothing_is_judged_but_peaks_go_on():
    """An exit is running; its release lets every rule speak again."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(20, 30, 30, 18)
    assert desk.wait(1) == [("profit_target", 162500)]
    desk.watch.hold(desk.held.id)
    assert desk.quote(20, 20, 20, 18) == []
    assert desk.wait(5) == []
    assert desk.memory.peak_paise == 292500
    desk.watch.release(desk.held.id)
    assert desk.wait(0) == []
    assert desk.wait(1) == [("profit_target", 292500)]


def test_while_a_profit_is_taken_the_stop_still_speaks():
    """Held from the trailing stop on: the target is silent, the loss is not, and it speaks once."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(20, 30, 30, 18)
    assert desk.wait(1) == [("profit_target", 162500)]
    desk.watch.hold(desk.held.id, Rank.TRAILING)
    assert desk.wait(5) == []
    desk.quote(20, 130, 40, 18)
    assert desk.wait(2) == [("stop_loss", -552500)]
    assert desk.wait(5) == []


def test_of_rules_met_by_the_same_prices_the_highest_speaks_and_names_the_others():
    """The rupee stop outranks the stop in per cent."""
    desk = Desk(condor(), "[default]\nstop_loss_rupees = 4900")
    desk.quote(*AT_ENTRY)
    desk.quote(20, 85, 77, 18)
    desk.now_s += 2
    (judgement,) = desk.watch.beat(desk.now_s)
    assert (judgement.verdict.rule, judgement.verdict.also) == ("stop_loss_rupees", ("stop_loss",))
    assert desk.quote(20, 85, 77, 18) == []
    assert desk.wait(2) == []


def test_a_confirmed_rule_waits_for_a_higher_one_that_is_met():
    """At three on the seventh day a stop is one second old: the stop it will be, not the clock."""
    start = at(date(2026, 2, 17), "14:59") + 59
    desk = Desk(condor(), now_s=start)
    desk.quote(*AT_ENTRY)
    desk.quote(20, 85, 77, 18)
    assert desk.wait(1) == []
    desk.now_s += 1
    (judgement,) = desk.watch.beat(desk.now_s)
    assert (judgement.verdict.rule, judgement.verdict.also) == ("stop_loss", ("time_exit_dte",))


def test_a_confirmed_rule_speaks_as_soon_as_the_higher_one_recovers():
    """The stop recovers before it is sure, and the clock exit goes."""
    start = at(date(2026, 2, 17), "14:59") + 59
    desk = Desk(condor(), now_s=start)
    desk.quote(*AT_ENTRY)
    desk.quote(20, 85, 77, 18)
    assert desk.wait(1) == []
    assert desk.quote(None, 60, None, None) == [("time_exit_dte", -338000)]


def test_expiry_outranks_everything_and_waits_for_no_confirmation():
    """At three on expiry day, whatever the P&L; the exempt days rule is only noted."""
    held = position(*condor().legs, opened_at_s=at(EXPIRY, "10:00"))
    desk = Desk(held, now_s=at(EXPIRY, "14:59") + 55)
    assert [(note.rule, note.refused) for note in desk.notes] == [("time_exit_dte", False)]
    desk.quote(*AT_ENTRY)
    assert desk.wait(1) == []
    assert desk.watch.next_due_s() == at(EXPIRY, "15:00")
    desk.wait(3)
    desk.quote(20, 85, 77, 18)
    assert desk.wait(1) == [("expiry_exit", -500500)]


def test_a_moment_that_had_passed_before_take_over_strikes_at_the_first_price():
    """Taken over on expiry day at 15:10: out with the first believable prices, not before."""
    desk = Desk(condor(), now_s=at(EXPIRY, "15:10"))
    assert desk.wait(1) == []
    assert desk.quote(20, 45, 40, None) == []
    assert desk.quote(None, None, None, 18) == [("expiry_exit", 0)]


def test_a_stock_option_is_warned_about_once_a_session():
    """From three sessions before expiry, loudly, and a restart does not repeat it."""
    held = position(leg(65, 1500, "CE", 57, index=False), strategy="Long Call")
    desk = Desk(held, "[default]\ntime_exit_dte = 'off'", now_s=at(date(2026, 2, 18), "15:00"))
    desk.quote(57)
    assert desk.wait(0) == []
    desk.now_s = at(date(2026, 2, 19), "09:15")
    (judgement,) = desk.watch.beat(desk.now_s)
    assert (judgement.verdict.rule, judgement.verdict.action) == ("expiry_exit", Action.ALERT)
    assert judgement.verdict.urgency is Urgency.HIGH
    again = Desk(held, now_s=desk.now_s + 60, memory=Memory.from_json(desk.memory.to_json()))
    assert ("expiry_exit", None) not in again.wait(0)
    desk.now_s = at(date(2026, 2, 20), "09:15")
    assert ("expiry_exit", None) in desk.wait(0)


def test_nothing_is_judged_while_the_market_is_closed():
    """Prices before the opening move nothing; at the opening they count if they are young."""
    desk = Desk(condor(), now_s=at(DAY, "09:14") + 55)
    desk.quote(*AT_ENTRY)
    assert desk.quote(120, 300, 300, 118) == []
    assert desk.wait(1) == []
    assert desk.memory == Memory()
    assert desk.wait(4) == [("loss_alert", -2047500)]
    assert desk.wait(2) == [("stop_loss", -2047500)]


def test_a_breach_does_not_last_over_night():
    """Met in the last second of a day, it begins anew in the morning."""
    desk = Desk(condor(), now_s=at(DAY, "15:29") + 58)
    desk.quote(*AT_ENTRY)
    desk.quote(20, 85, 77, 18)
    assert desk.wait(1) == []
    desk.now_s = at(DAY + timedelta(1), "09:15")
    desk.wait(0)
    desk.quote(20, 85, 77, 18)
    assert desk.wait(1.5) == []
    assert desk.wait(0.5) == [("stop_loss", -500500)]


def test_a_holiday_page_fires_nothing():
    """Every field frozen at the previous close, on a day without a session."""
    holiday = date(2025, 8, 27)
    held = position(
        *(
            leg(p.quantity, (p.instrument.strike_paise or 0) // 100, p.instrument.right, 10)
            for p in condor().legs
        )
    )
    watch = Watchlist(CALENDAR.for_recording([holiday]), tables.rulebook())
    watch.put(held, Memory(), at(holiday, "09:30"))
    for minute in range(60):
        for part in held.legs:
            assert not watch.tick(quote(part.key, 500, 500.05), at(holiday, "09:30") + 60 * minute)
        assert not watch.beat(at(holiday, "09:30") + 60 * minute + 30)


def test_a_position_that_cannot_be_priced_for_a_minute_is_news_once():
    """One leg falls silent: a minute after its price grew old the owner hears of it, and then not again."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.wait(10)
    for _ in range(70):
        desk.quote(20, 45, 40, None)
        if said := desk.wait(1):
            break
    assert said == [("unpriced", None)]
    assert TEN + 70 <= desk.now_s <= TEN + 72
    assert desk.wait(100) == []
    desk.quote(*AT_ENTRY)
    assert desk.wait(80) == []
    assert desk.wait(60) == [("unpriced", None)]


def test_the_minute_without_a_price_begins_with_the_first_tick_that_shows_it():
    """Nobody beat the clock, but another leg's tick found the fourth price eleven seconds old."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.wait(11, beat=False)
    desk.quote(20, None, None, None)
    assert desk.wait(60) == [("unpriced", None)]


def test_no_rule_fires_on_an_old_price():
    """The loss is there, but one leg's price is eleven seconds old: a fresh one decides."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.wait(9)
    desk.quote(20, 140, None, 18)
    assert desk.wait(2) == []
    assert desk.quote(20, 140, None, 18) == []
    desk.quote(None, None, 40, None)
    assert desk.wait(2) == [("stop_loss", -617500)]


def test_suspect_prices_are_not_used():
    """Crossed, negative and empty books neither fire nor make peaks."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    key = desk.held.legs[1].key
    desk.wait(1)
    for bid, ask in ((90000, 80000), (-5, 90000), (0, 0)):
        for _ in range(3):
            assert not desk.watch.tick(Tick(key, 90000, bid_paise=bid, ask_paise=ask), desk.now_s)
    assert desk.wait(3) == []
    assert (desk.memory.peak_paise, desk.memory.trough_paise) == (0, 0)
    assert desk.watch.book.suspects == 6


def test_a_wide_market_hides_profits_but_not_losses():
    """The stop goes by the last believable mark for fifteen seconds, then by what closing costs."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.wait(1)
    said = {}
    for second in range(1, 18):
        desk.quote(20, None, 40, 18)
        assert not desk.watch.tick(quote(desk.held.legs[1].key, 60, 130), desk.now_s)
        assert desk.figures.pnl_paise is None
        said[second] = desk.wait(1)
    assert {second: told for second, told in said.items() if told} == {
        15: [("loss_alert", -552500)],
        17: [("stop_loss", -552500)],
    }
    assert desk.memory.trough_paise == 0


def test_a_stub_quote_does_not_fire_a_stop():
    """An ask of ₹2,000 for a put 300 points out of the money counts one per cent of the index."""
    held = position(leg(-65, 24500, "PE", 60), leg(-65, 25500, "CE", 55), strategy="Short Strangle")
    desk = Desk(held)
    desk.quote(60, 55)
    for _ in range(40):
        desk.watch.tick(traded(SPOT, 25000), desk.now_s)
        desk.watch.tick(quote(held.legs[0].key, 0.05, 2000), desk.now_s)
        desk.quote(None, 55)
        assert "stop_credit_multiple" not in [rule for rule, _ in desk.wait(1)]
    # 250 − 60 = 190 rupees a unit is less than twice the credit; without the bound it were 1,940.
    assert desk.figures.loss_fraction == 190 / 230


def test_liquidation_stops_count_what_closing_gives():
    """At mark the loss is half the stop's; at the bid it is all of it."""
    desk = Desk(long_call(), '[default]\nvaluation = "liquidation"')
    desk.quote(57, spread=1)
    assert desk.quote(30, spread=4) == [("loss_alert", -1232500)]
    assert desk.figures.pnl_paise == -1147500
    assert desk.wait(2) == [("stop_loss", -1232500)]


def test_rows_of_one_instant_are_taken_in_before_anything_is_judged():
    """One leg of a snapshot alone would look like a loss; together nothing happened."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.wait(1)
    ticks = [quote(p.key, m - 0.05, m + 0.05) for p, m in zip(desk.held.legs, (20, 145, 40, 18), strict=True)]
    ticks[2] = quote(desk.held.legs[0].key, 119.95, 120.05)
    assert desk.watch.instant([ticks[1], ticks[2]], desk.now_s) == ()
    assert (desk.memory.trough_paise, desk.figures.pnl_paise) == (0, 0)
    crossed = Tick(desk.held.legs[1].key, 1, bid_paise=10, ask_paise=5)
    assert desk.watch.instant([crossed], desk.now_s) == ()
    wide = quote(desk.held.legs[1].key, 10, 500)
    assert desk.watch.instant([wide], desk.now_s) == ()
    assert desk.figures.pnl_paise is None
    deep = [quote(desk.held.legs[1].key, 144.95, 145.05), quote(desk.held.legs[0].key, 19.95, 20.05)]
    assert told(desk.watch.instant(deep, desk.now_s + 1)) == [("loss_alert", -650000)]
    assert told(desk.watch.instant(deep, desk.now_s + 2)) == [("stop_loss", -650000)]


def test_an_instant_before_the_opening_counts_when_the_market_opens():
    """Nothing is said; the first tick in session sees all of it."""
    desk = Desk(condor(), now_s=at(DAY, "09:14") + 58)
    ticks = [quote(p.key, m - 0.05, m + 0.05) for p, m in zip(desk.held.legs, (20, 145, 40, 18), strict=True)]
    assert desk.watch.instant(ticks, desk.now_s) == ()
    assert desk.memory.trough_paise is None
    desk.wait(2, beat=False)
    assert desk.quote(20, None, None, None) == [("loss_alert", -650000)]


def test_replayed_quotes_may_be_older():
    """A recording with a minute between snapshots is believed for its own time."""
    desk = Desk(condor(), replay=ReplayGuard(max_quote_age_s=162.5))
    desk.quote(*AT_ENTRY)
    desk.wait(100)
    assert desk.quote(20, 85, 77, 18)[-1] == ("loss_alert", -500500)
    assert desk.wait(2) == [("stop_loss", -500500)]


def test_a_change_of_legs_makes_a_new_basis_and_keeps_the_peak():
    """The call spread closes elsewhere: what remains has its own worst case; a hold stays."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.wait(1)
    desk.watch.hold(desk.held.id)
    puts = position(*desk.held.legs[:2], strategy="Iron Condor")
    desk.watch.put(puts, desk.memory, desk.now_s)
    figures = desk.figures
    assert figures.payoff.max_loss_paise == -65 * (20000 - 2500)
    assert (figures.peak_paise, figures.pnl_paise) == (0, 0)
    assert desk.watch.keys() == {p.key for p in puts.legs}
    for _ in range(2):
        desk.watch.tick(quote(puts.legs[1].key, 220, 220.05), desk.now_s)
    assert desk.wait(3) == []
    desk.watch.release(puts.id)
    assert ("loss_alert", -1137695) in desk.wait(0)


def test_the_same_position_again_keeps_what_has_begun():
    """A sync every thirty seconds does not start a breach anew; realised P&L moves rupee rules."""
    desk = Desk(condor(), "[default]\nstop_loss_rupees = 6000")
    desk.quote(*AT_ENTRY)
    desk.quote(20, 85, 77, 18)
    desk.wait(1)
    assert desk.watch.put(condor(), desk.memory, desk.now_s) == ()
    assert desk.wait(1) == [("stop_loss", -500500)]
    realised = Memory(realised_paise=-100000, alert_level=80)
    desk.watch.put(condor(), realised, desk.now_s)
    desk.wait(0)
    assert desk.wait(2) == [("stop_loss_rupees", -600500)]
    assert desk.figures.pnl_paise == -600500


def test_a_dropped_position_is_gone():
    """Its ticks touch nobody, its instruments are not wanted, dropping it again is no error."""
    desk = Desk(condor())
    other = position(*long_call().legs, strategy_id=1)
    desk.watch.put(other, Memory(), desk.now_s)
    desk.watch.drop(desk.held.id)
    desk.watch.drop(desk.held.id)
    assert desk.quote(*AT_ENTRY) == []
    assert desk.watch.keys() == {other.legs[0].key}
    assert desk.wait(1) == []
    assert desk.wait(60) == [("unpriced", None)]
    desk.watch.drop(other.id)
    assert desk.watch.keys() == frozenset()
    assert desk.watch.next_due_s() is None


def test_a_position_put_later_knows_what_the_book_knows():
    """Another position's quotes are already there, believable or wide."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.watch.tick(quote(desk.held.legs[0].key, 5, 50), desk.now_s)
    twin = position(*desk.held.legs[1:3], strategy="Short Strangle", strategy_id=8)
    third = position(desk.held.legs[0], strategy="Long Put", strategy_id=9)
    fussy = '[strategy."Short Strangle"]\nmax_spread_pct = 0.01\nmin_spread_ticks = 0'
    for p in (twin, third):
        desk.watch.put(p, Memory(), desk.now_s)
    assert desk.watch.figures(twin.id, desk.now_s).pnl_paise == 0
    assert desk.watch.figures(third.id, desk.now_s).pnl_paise is None
    strict = Desk(condor(), fussy)
    strict.quote(*AT_ENTRY)
    strict.watch.put(twin, Memory(), strict.now_s)
    assert strict.watch.figures(twin.id, strict.now_s).pnl_paise is None
    assert strict.figures.pnl_paise == 0


def test_a_position_without_a_price_or_legs_is_refused_and_leaves_no_trace():
    """The error names the row; nothing is watched."""
    watch = Watchlist(CALENDAR, tables.rulebook())
    for broken in (position(leg(65, 25000, "CE", None)), position()):
        with pytest.raises(BadInput):
            watch.put(broken, Memory(), TEN)
    assert watch.keys() == frozenset()


def test_a_naked_strangle_keeps_its_other_rules():
    """The stop in per cent is refused with a sentence; twice the credit guards instead."""
    desk = Desk(strangle())
    assert [(note.rule, note.refused) for note in desk.notes] == [("stop_loss", True)]
    assert not desk.figures.unprotected
    desk.quote(45, 55)
    desk.quote(150, 160)
    assert desk.wait(2) == [("stop_credit_multiple", -1365000)]


def test_the_rulebook_is_asked_once_for_all_that_it_cannot_tell_apart(monkeypatch):
    """Twenty condors and a long call are two questions; with another rulebook they are asked anew."""
    asked, of = [], Rulebook.of

    def counted(book, position, shape):
        asked.append(position.strategy)
        return of(book, position, shape)

    monkeypatch.setattr(Rulebook, "of", counted)
    watch = Watchlist(tables.calendar(), tables.rulebook())
    held = [replace(condor(), strategy_id=number) for number in range(1, 21)] + [long_call()]
    for one in held:
        watch.put(one, Memory(), TEN)
    assert asked == ["Iron Condor", "Long Call"]
    watch.use(tables.rulebook("[default]\nstop_loss = -0.2\n"))
    for one in held:
        watch.put(one, Memory(), TEN)
    assert asked == ["Iron Condor", "Long Call"] * 2
    shipped = of(tables.rulebook(), held[0], payoff(held[0].legs))
    assert watch.guard(held[0].id).ruleset.rules["stop_loss"] != shipped.rules["stop_loss"]


def test_the_book_knows_a_contract_through_everything_that_can_come_of_it():
    """Everyday, crossed, without quotes, held by nobody any more and held again: its last sound price."""
    desk = Desk(condor())
    key, book = desk.held.legs[1].key, desk.watch.book
    desk.quote(*AT_ENTRY)
    assert book.arrived_s(key) == desk.now_s
    desk.wait(1)
    desk.watch.tick(Tick(key, 4500, bid_paise=4600, ask_paise=4400), desk.now_s)
    assert (book.fault(key), book.arrived_s(key), book.data_s) == ("crossed quote", TEN, TEN + 1)
    desk.wait(1)
    desk.watch.tick(traded(key, 45), desk.now_s)
    assert (book.fault(key), book.arrived_s(key)) == ("", TEN + 2)
    desk.watch.drop(desk.held.id)
    book.keep(set())
    desk.wait(1)
    desk.watch.tick(quote(key, 44.95, 45.05), desk.now_s)
    assert book.arrived_s(key) == TEN + 3
    desk.watch.put(desk.held, Memory(), desk.now_s)
    desk.wait(1)
    desk.quote(*AT_ENTRY)
    assert (book.arrived_s(key), desk.figures.pnl_paise) == (TEN + 4, 0)
