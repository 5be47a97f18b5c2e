"""The story of a position's rules, sentence for sentence."""

from __future__ import annotations

from dataclasses import replace

from engine.model import Mode
from engine.why import LegSeen, RuleSeen, Said, Sighting
from engine.why_story import story, why_not
from tests.engine.makers import OPENED
from tests.support.rig import Rig

AT = OPENED + 5 * 3600 + 50 * 60 + 4  # 15:10:04
LEG = LegSeen("NIFTY 25300 CE", -65, 7695, 7705, 7700, 0.2, "")


def stop(state, pnl, confirms_s=None):
    """The stop of the worked example, at this P&L in paise."""
    return RuleSeen(
        "stop_loss", state, "50 % of the maximum loss ₹9,945.00", pnl, pnl, -497250, None, confirms_s
    )


def seen(at_s, rule, *said, legs=(LEG,), **more):
    """A look with one rule."""
    return Sighting(at_s, rule.pnl_paise, rule.pnl_paise, rule.last_paise, legs, (rule,), said=said, **more)


def test_a_stop_that_recovers_reads_as_a_trader_tells_it():
    """Met with what it waits for, then recovered, with the moment of each."""
    looks = [seen(AT, stop("met", -498000, AT + 2)), seen(AT + 1, stop("quiet", -495000))]
    met, recovered = story(looks)
    assert met.removeprefix("Tue 03 Feb ") == (
        "15:10:04 stop_loss met at −₹4,980.00 (threshold −₹4,972.50), waiting 2 s for confirmation"
    )
    assert recovered == "15:10:05 stop_loss recovered to −₹4,950.00"


def test_a_verdict_is_told_with_what_the_gate_made_of_it():
    """The reason, the others that fired, and the end of it in one line."""
    said = Said(
        "stop_loss", "CLOSE_IMMEDIATELY", "P&L −₹5,005.00 is at or below the stop", ("x",), "exit started"
    )
    [line] = story([seen(AT, stop("fired", -500500), said, silent="forced")])
    assert line == (
        "Tue 03 Feb 15:10:04 stop_loss (and x) CLOSE_IMMEDIATELY: P&L −₹5,005.00 is at or below the stop"
        " → exit started; rules from forced on are silent"
    )


def test_a_long_wait_near_a_threshold_is_one_line():
    """Of a run of looks in which nothing changed the newest is told."""
    looks = [seen(AT + n, stop("quiet", -410000 - n * 100)) for n in range(5)]
    assert story(looks) == ["15:10:08 P&L −₹4,104.00: 83% of the way to stop_loss −₹4,972.50"]


def test_a_guard_that_holds_is_told_once_with_the_book_it_saw():
    """The leg, why it has no mark, its bid and ask."""
    wide = replace(
        LEG, bid_paise=5500, ask_paise=0, mark_paise=None, doubt="wider than the spread guard allows"
    )
    looks = [
        seen(AT, stop("quiet", -410000)),
        *[seen(AT + n, stop("quiet", -410000), legs=(wide,)) for n in (1, 2)],
    ]
    assert story(looks)[1] == (
        "15:10:05 NIFTY 25300 CE: wider than the spread guard allows (55.00/none, 0 s old)"
    )


def trail(state, pnl, floor=0):
    """A trail under a peak of ₹1,950.00."""
    return RuleSeen(
        "trailing_stop", state, "30 % below the peak +₹1,950.00", pnl, pnl, 136500,
        peak_paise=195000, floor_paise=floor,
    )  # fmt: skip


def test_a_trail_is_told_by_what_is_left_between_peak_and_level():
    """Above its level it is never beyond; the share is of the way down."""
    assert story([seen(AT, trail("quiet", 156000))]) == [
        "Tue 03 Feb 15:10:04 P&L +₹1,560.00: 67% of the way from the peak down to trailing_stop +₹1,365.00"
    ]
    assert story([seen(AT, trail("met", 130000)), seen(AT + 1, trail("met", 130000))])[-1] == (
        "15:10:05 P&L +₹1,300.00: beyond trailing_stop +₹1,365.00"
    )


def test_a_trail_that_is_met_no_more_recovered_or_fell_to_where_it_is_silent():
    """Up is a recovery; down at the floor it may not speak, and that is no recovery."""
    met = seen(AT, trail("met", 130000))
    assert story([met, seen(AT + 1, trail("quiet", 140000))])[-1] == (
        "15:10:05 trailing_stop recovered to +₹1,400.00"
    )
    assert story([met, seen(AT + 1, trail("quiet", -1000))])[-1] == (
        "15:10:05 trailing_stop fell to −₹10.00, where it is silent"
    )


def test_how_far_a_trail_is_from_firing():
    """What is left of the cushion; at its peak no share; at its floor that it is silent, not how far."""
    told = [why_not(seen(AT, trail("quiet", pnl)), None)[-1] for pnl in (195000, 156000, -1000)]
    head = "  trailing_stop: +₹1,365.00 (30 % below the peak +₹1,950.00); "
    assert [line.removeprefix(head) for line in told] == [
        "₹585.00 away",
        "₹195.00 away, 67% of the way from the peak",
        "silent at a P&L of ₹0.00 or less",
    ]


def test_a_look_of_an_older_version_is_still_read():
    """It knew neither peak nor floor."""
    data = seen(AT, stop("quiet", -400000)).to_json()
    for row in data["rules"]:
        del row["peak_paise"], row["floor_paise"]
    assert Sighting.from_json(data) == seen(AT, stop("quiet", -400000))


def test_only_the_newest_lines_are_told_when_few_are_wanted():
    """--last 1 of two."""
    looks = [seen(AT, stop("met", -498000, AT + 2)), seen(AT + 1, stop("quiet", -495000))]
    assert story(looks, 1) == ["15:10:05 stop_loss recovered to −₹4,950.00"]


def test_why_not_names_the_distance_of_every_rule():
    """Amounts in rupees and per cent of the way, clocks in time, the others with why they do not guard."""
    rules = (
        stop("quiet", -400000),
        RuleSeen("profit_target", "quiet", "50 %", None, -400000, 152750),
        RuleSeen("expiry_exit", "quiet", "expiry day", None, None, None, AT + 3 * 86_400),
        RuleSeen("stop_credit_multiple", None, "no credit was received"),
    )
    look = Sighting(AT, None, -400000, -400000, (LEG,), rules)
    assert why_not(look, AT + 12) == [
        "As it stood at Tue 03 Feb 15:10:04 (12 s ago): P&L unknown",
        "  as stops count it: −₹4,000.00",
        "  stop_loss: −₹4,972.50 (50 % of the maximum loss ₹9,945.00); ₹972.50 away, 80% of the way",
        "  profit_target: +₹1,527.50 (50 %); not judged: no believable price",
        "  expiry_exit: due 06 Feb 15:10, in 3 days",
        "  stop_credit_multiple: does not guard it: no credit was received",
    ]


def test_the_monitor_gives_the_journal_the_story_with_the_gates_word():
    """A stop in alert-only mode, end to end: met, fired, and that nothing was sent and why."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(1, 20, 45, 40, 18)
    rig.wait(4, 20, 85, 77, 18)
    looks = [Sighting.from_json(each.data) for each in rig.seen if not each.passing]
    told = story(looks)
    assert any("stop_loss met at −₹5,005.00 (threshold −₹4,972.50), waiting 2 s" in line for line in told)
    assert any("→ told you. Alert-only: nothing was sent" in line for line in told)


def test_the_gates_word_is_that_of_the_exit_in_execute():
    """The same stop in execute: the exit has started, and what it silences."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, 20, 45, 40, 18)
    rig.wait(4, 20, 85, 77, 18)
    looks = [Sighting.from_json(each.data) for each in rig.seen if not each.passing]
    assert any("→ exit started" in line for line in story(looks))
