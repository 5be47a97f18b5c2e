"""Day limits, end to end: every position of the account goes, once a day, by mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Alert, Ask
from engine.gathering import GATHERED_AT_ONCE
from engine.intents import IntentState
from engine.io import tables
from engine.messages import Beat, BeatKind, OrderUpdate, RulesChanged, Ticks, Wish
from engine.model import Action, Mode, Side, Urgency
from engine.pricing import Style
from engine.steps import ladder_of
from engine.view import PositionState
from engine.watch import Memory
from engine.why import Sighting
from tests.engine.makers import condor, leg, position, quote
from tests.support.rig import Rig, rows_of

RULES = '[default]\nstop_loss = "off"\nprofit_target = "off"\n[account.default]\nday_loss_rupees = 6000\n'
CONDOR = replace(condor(), strategy_id=1)
LONG = position(leg(130, 25000, "CE", 100), strategy="Long Call", strategy_id=2)
#: Mids of both positions' legs, rupees: at entry, and ₹3,250 down in each.
ENTRY, DOWN = (20, 45, 40, 18, 100), (20, 95, 40, 18, 75)


@pytest.fixture(autouse=True, params=[GATHERED_AT_ONCE, 1], ids=["at once", "one after the other"])
def _gathered(request, monkeypatch):
    """However many positions are looked at in one piece, the limits do the same."""
    for module in ("limits", "gathering"):
        monkeypatch.setattr(f"engine.{module}.GATHERED_AT_ONCE", request.param)


def losing(mode=Mode.EXECUTE, rules=RULES, **more):
    """A rig whose two positions together have just lost more than the day allows, for long enough."""
    rig = Rig(mode, LONG, CONDOR, rules=rules, **more)
    rig.positions = (CONDOR, LONG)  # quoted in this order
    rig.wait(1, *ENTRY)
    rig.wait(3, *DOWN)
    return rig


def test_a_day_that_loses_too_much_ends_every_position_of_the_account():
    """One alert, one exit each, shorts before every long of either position, both verified flat."""
    rig = losing()
    rig.wait(60, *DOWN)
    assert rig.flat
    assert {p.state for p in rig.view.positions} == {PositionState.FLAT}
    alerts = [a for a in rig.of(Alert) if a.title == "Day limit of account default"]
    assert [a.urgency for a in alerts] == [Urgency.HIGH]
    assert "−₹6,500.00, is at or below the limit −₹6,000.00" in alerts[0].text
    assert alerts[0].text.endswith("Being closed: 1 NIFTY Iron Condor, 2 NIFTY Long Call.")
    assert not [a for a in rig.of(Alert) if "exit is running" in a.text]
    sides = [order.side for order in rig.placed]
    assert sides == [Side.BUY] * 2 + [Side.SELL] * 3
    assert all(i.style is Style.URGENT for i in rig.monitor.desk.intents.values())
    assert {i.verdict.rule for i in rig.monitor.desk.intents.values()} == {"day_loss_rupees"}


def test_a_day_that_recovers_in_time_ends_nothing():
    """A second and a half below the limit is not long enough."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(1.5, *DOWN)
    rig.wait(20, 20, 95, 40, 18, 80)
    assert not rig.placed


def test_what_was_closed_today_goes_on_counting():
    """A first position is closed at a loss by hand; the second needs to lose only the rest."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(1, 20, 110, 40, 18, 100)
    rig.command(Wish.EXIT, 1, confirmed=True)
    rig.wait(60, 20, 110, 40, 18, 100)
    fills = sum(-f.side.sign * f.quantity * f.price_paise for f in rig.exchange.fills())
    assert rig.view.accounts[0].day_paise == fills + 305_500
    rig.wait(5, 20, 45, 40, 18, 85)
    assert [i.verdict.rule for i in rig.monitor.desk.intents.values()] == ["forced", "day_loss_rupees"]


def test_semi_auto_asks_once_for_all_and_one_tap_ends_all():
    """One question that names both; a yes makes two exits."""
    rig = losing(Mode.SEMI_AUTO)
    rig.wait(10, *DOWN)
    [ask] = rig.of(Ask)
    assert ask.title == "Day loss rupees: exit 2 positions?"
    rig.tap(ask.nonce)
    rig.wait(60, *DOWN)
    assert rig.flat
    assert len(rig.of(Ask)) == 1


def test_a_declined_day_limit_is_not_asked_about_again_that_day():
    """The owner has decided, for the day; a restart does not forget it."""
    rig = losing(Mode.SEMI_AUTO)
    rig.tap(rig.of(Ask)[0].nonce, yes=False)
    rig.wait(10, *DOWN)
    rig.start()
    rig.wait(400, *DOWN)
    assert len(rig.of(Ask)) == 1


def test_a_day_loss_that_nobody_answers_is_asked_about_again():
    """Silence is no answer, whether the process lived through it or not."""
    rig = losing(Mode.SEMI_AUTO)
    rig.start()
    rig.wait(70, *DOWN)
    assert len(rig.of(Ask)) == 2
    assert "A stop waits for your answer" in {a.title for a in rig.of(Alert)}


def test_alert_only_tells_once_a_day_and_sends_nothing():
    """Also across a restart."""
    rig = losing(Mode.ALERT_ONLY)
    rig.wait(20, *DOWN)
    rig.start()
    rig.wait(20, *DOWN)
    told = [a for a in rig.of(Alert) if a.title == "Day limit of account default"]
    assert [a.text.endswith("Alert-only: nothing was sent.") for a in told] == [True]
    assert not rig.placed


def test_a_limit_reached_while_halted_speaks_again_on_resume():
    """/stop holds it back, and says so; /resume lets it act."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.command(Wish.STOP)
    rig.wait(10, *DOWN)
    assert not rig.placed
    assert "Automation is halted" in rig.of(Alert)[-1].text
    rig.command(Wish.RESUME, confirmed=True)
    rig.wait(60, *DOWN)
    assert rig.flat


def test_after_it_has_spoken_new_positions_are_told_of_and_stay():
    """A position that is entered later that day is not closed by the limit, also after a restart."""
    rig = losing()
    rig.wait(60, *DOWN)
    late = replace(LONG, strategy_id=9)
    rig.positions = (*rig.positions, late)
    rig.rows += rows_of(late, 90)
    rig.tell(Beat(BeatKind.SYNC))
    for _ in range(2):
        rig.wait(5, *DOWN, 20)
        rig.start()
    told = [a for a in rig.of(Alert) if a.title == "A new position after the day limit"]
    assert [a.position for a in told] == [late.id]
    assert rig.view.positions[0].state is PositionState.WATCHING
    assert len(rig.placed) == 5


def test_a_restart_in_the_middle_of_it_ends_everything_once():
    """Killed after the orders left: the exits go on, the limit does not fire anew."""
    rig = losing()
    rig.start()
    rig.wait(60, *DOWN)
    assert rig.flat
    assert len(rig.placed) == 5
    assert len(rig.journal["intent"]) == 2


def test_no_long_goes_while_another_position_is_short_but_not_for_ever():
    """Nobody sells the condor's shorts: the other position's long waits for thirty seconds, then goes."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(2, *DOWN)
    long = LONG.legs[0].key
    keys = [leg.key for leg in CONDOR.legs]

    def empty(seconds):
        """Only the long call can be traded: no order for the condor's contracts finds a match."""
        for _ in range(seconds * 2):
            rig.now_s += 0.5
            for key, mid in zip([*keys, long], DOWN, strict=True):
                tick = quote(key, mid - 0.05, mid + 0.05)
                if key == long:
                    for row in rig.exchange.quote(tick):
                        rig.tell(OrderUpdate(row))
                rig.tell(Ticks([tick]))
            rig.tell(Beat(BeatKind.PULSE))

    empty(28)
    assert long not in {order.key for order in rig.placed}
    empty(10)
    assert rig.net[long] == 0


def test_the_exits_of_a_days_profit_go_past_the_cap_as_those_of_its_loss_do():
    """Every day limit ends the day, whatever it costs within the exchange's band."""
    rig = losing()
    for intent in rig.monitor.desk.intents.values():
        leg = intent.legs[0]
        leg.mid_paise, leg.uncapped = 1_000, True
        loss = ladder_of(intent, leg)
        intent.verdict = replace(intent.verdict, rule="day_profit_rupees", action=Action.CLOSE_POSITION)
        assert ladder_of(intent, leg) == loss
        intent.verdict = replace(intent.verdict, rule="profit_target")
        assert ladder_of(intent, leg) != loss


def test_before_the_store_has_answered_nothing_is_judged():
    """A restart whose trade store is away: the day's last P&L is no reason to end anything."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(1.5, *DOWN)
    rig.wait(6, 20, 94, 40, 18, 79)
    rig.store_answers = False
    rig.start()
    rig.now_s += 86_400
    rig.wait(10)
    assert rig.journal["day"]["default"]["date"] == "2026-02-03"
    rig.store_answers = True
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(1, 20, 94, 40, 18, 79)
    assert rig.view.accounts[0].day_paise == 0


def test_a_stuck_exit_is_not_begun_anew():
    """A person has been told of it; the limit ends the others."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.command(Wish.EXIT, 2, confirmed=True)
    [stuck] = rig.monitor.desk.intents.values()
    stuck.state = IntentState.STUCK
    rig.wait(5, *DOWN)
    assert [i.position for i in rig.monitor.desk.intents.values()] == ["default/2", "default/1"]


def test_a_patient_exit_that_runs_is_hurried_by_it():
    """A target of one position was being taken at leisure when the day's limit was reached."""
    rules = RULES + '[strategy."Iron Condor"]\nprofit_target = 0.3\n'
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=rules)
    rig.wait(1, *ENTRY)
    rig.wait(1.5, 20, 30, 40, 18, 100)
    [intent] = rig.monitor.desk.intents.values()
    styles = [intent.style]
    for mid in (30, 45, 60):  # nothing that the patient exit bids for is on offer any more
        rig.wait(2, 20, mid + 85, 40, 18, mid)
    assert [*styles, intent.style] == [Style.PATIENT, Style.URGENT]
    assert intent.verdict.rule == "day_loss_rupees"


@pytest.mark.parametrize("rule", ["day_profit_rupees", "day_trailing"])
def test_a_days_profit_is_taken_urgently_and_not_in_alarm(rule):
    """Profit and trailing: MEDIUM, urgent ladder, everything flat."""
    limit = {
        "day_profit_rupees": "day_profit_rupees = 3000",
        "day_trailing": "day_trailing = {activate_rupees = 4000, give_back_rupees = 500}",
    }[rule]
    rules = f'[default]\nprofit_target = "off"\n[account.default]\n{limit}\n'
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=rules)
    rig.wait(1, *ENTRY)
    rig.wait(2, 20, 45, 40, 18, 132 if rule == "day_trailing" else 124)
    rig.wait(3, 20, 45, 40, 18, 124)
    assert {i.verdict.rule for i in rig.monitor.desk.intents.values()} == {rule}
    assert all(i.style is Style.URGENT for i in rig.monitor.desk.intents.values())
    rig.wait(60, 20, 45, 40, 18, 124)
    assert rig.flat
    assert [a.urgency for a in rig.of(Alert) if "Day limit" in a.title] == [Urgency.MEDIUM]


def test_a_mixture_of_prices_on_one_beat_is_no_highest_of_the_day():
    """One leg has ticked and another not yet: what that came to for half a second ends nothing."""
    limit = "day_trailing = {activate_rupees = 4000, give_back_rupees = 500}"
    rules = f'[default]\nprofit_target = "off"\n[account.default]\n{limit}\n'
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=rules)
    rig.wait(1, *ENTRY)
    rig.wait(0.5, 20, 45, 40, 18, 140)
    rig.wait(10, 20, 45, 40, 18, 131)
    rig.wait(10, 20, 45, 40, 18, 128)
    assert not rig.placed
    assert rig.view.accounts[0].trailing_paise == 31 * 13_000 - 50_000
    rig.wait(3, 20, 45, 40, 18, 126)
    assert {i.verdict.rule for i in rig.monitor.desk.intents.values()} == {"day_trailing"}


def test_a_day_that_cannot_be_priced_is_told_of_after_a_minute():
    """The long call is never quoted: which position, and what the day stands at without it."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    for _ in range(130):
        rig.now_s += 0.5
        rig.positions = (CONDOR,)
        rig.quotes(*ENTRY[:4])
        rig.tell(Beat(BeatKind.PULSE))
    [told] = [a for a in rig.of(Alert) if a.title == "A day limit cannot be judged"]
    assert told.urgency is Urgency.MEDIUM
    assert "Without a price: default/2" in told.text
    assert not rig.placed


def test_a_limit_that_comes_with_a_changed_file_counts_from_then_on():
    """No restart: the limit is new, the day's loss is not."""
    rig = losing(rules='[default]\nstop_loss = "off"\nprofit_target = "off"\n')
    assert not rig.placed
    rig.tell(RulesChanged(tables.rulebook(RULES), "rules.toml", "2"))
    rig.wait(60, *DOWN)
    assert rig.flat


def test_each_verdict_says_which_share_of_its_position_it_closes():
    """Half of the condor was closed before: its verdict closes the other half, the call's all of it."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.journal["memory"] = {CONDOR.id: Memory(open_share=(1, 2)).to_json()}
    rig.start()
    rig.wait(1, *ENTRY)
    rig.wait(3, *DOWN)
    assert {i.position: i.verdict.fraction for i in rig.monitor.desk.intents.values()} == {
        CONDOR.id: 0.5,
        LONG.id: 1.0,
    }


def test_other_accounts_are_left_alone():
    """The limit of one account counts and ends only what it holds."""
    other = replace(LONG, account="family", strategy_id=7)
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, other, rules=RULES)
    rig.wait(1, *ENTRY, 100)
    rig.wait(5, 20, 95, 40, 18, 75, 75)
    assert {i.position for i in rig.monitor.desk.intents.values()} == {"default/1", "default/2"}
    assert [a.name for a in rig.view.accounts] == ["default"]


def test_the_why_log_tells_of_it_at_each_position():
    """The verdict and that an exit was started stand in both stories."""
    rig = losing()
    looks = [(each.position, Sighting.from_json(each.data)) for each in rig.seen]
    said = {(name, s.rule, s.gate) for name, seen in looks for s in seen.said if s.rule == "day_loss_rupees"}
    assert said == {(p.id, "day_loss_rupees", "exit started") for p in (CONDOR, LONG)}


def test_the_view_shows_the_day_beside_its_limit():
    """From the first look on, without anything being fired."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(1, 20, 65, 40, 18, 100)
    [account] = rig.view.accounts
    assert (account.name, account.day_paise, account.loss_paise, account.fired) == (
        "default",
        -130_000,
        600_000,
        "",
    )


def half_closed(rig, *mids):
    """Let the condor's shorts be bought back at these mids while nobody bids for its longs."""
    longs = {leg.key for leg in CONDOR.legs if leg.quantity > 0}
    for _ in range(20):
        rig.now_s += 0.5
        for held, mid in zip(CONDOR.legs, mids, strict=True):
            tick = quote(held.key, mid - 0.05, mid + 0.05)
            tick.bid_quantity = tick.ask_quantity = 10_000
            for row in rig.exchange.quote(tick) if held.key not in longs else ():
                rig.tell(OrderUpdate(row))
            rig.tell(Ticks([tick]))
        rig.tell(Beat(BeatKind.PULSE))


def test_what_an_exit_has_traded_counts_by_its_fills_and_not_by_what_it_is_quoted_at():
    """The shorts are bought back at 45 and 40, then fall to 5: nobody has made those seventy-five rupees."""
    rules = RULES.replace("day_loss_rupees = 6000", "day_profit_rupees = 2000\nday_loss_rupees = 6000")
    rig = Rig(Mode.EXECUTE, CONDOR, rules=rules)
    rig.wait(1, *ENTRY[:4])
    rig.command(strategy_id=1, confirmed=True)
    half_closed(rig, *ENTRY[:4])
    half_closed(rig, 3, 5, 5, 3)
    assert sum(order.side is Side.BUY for order in rig.placed) == 2
    assert not [a for a in rig.of(Alert) if a.title == "Day limit of account default"]
    (day,) = rig.view.accounts
    # each short was bought five paise above its mid; the longs have lost 17 and 15 rupees
    assert day.day_paise == 65 * (-2 * 5 - 1_700 - 1_500)


@pytest.mark.parametrize("ended", [True, False])
def test_what_a_position_was_seen_to_lose_counts_no_more_once_it_has_ended(ended):
    """It ends while the others are looked at, and its name is another's then, or its legs are others."""
    rig = Rig(Mode.EXECUTE, CONDOR, LONG, rules=RULES)
    rig.wait(1, *ENTRY)
    rig.wait(0.5, 20, 95, 40, 18, 100)
    limits, helm = rig.monitor.limits, rig.monitor.helm
    limits._gathering.begin([CONDOR.id])
    limits._gathering.go_on(helm.holdings.positions, rig.now_s)
    seen = dict(limits._gathering._found)
    first, *others = CONDOR.legs
    anew = replace(first, entry_price_paise=1_900)
    fresh = replace(CONDOR, legs=(anew, *others) if ended else (first,))
    if ended:
        limits.ended(CONDOR, -325_000)
    helm.holdings.lives.drop(CONDOR.id)
    helm.holdings.lives.put(fresh, rig.now_s)
    assert seen[CONDOR.id].guarded_paise == -325_000
    found = limits._gathering.take()
    assert (CONDOR.id in found) is not ended
    assert limits._standing(fresh, found.get(CONDOR.id), rig.now_s) != seen[CONDOR.id]
