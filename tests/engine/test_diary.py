"""The diary: a sample a minute, marks of what was told and closed, one result a day, through restarts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from engine.diary import MARKS_KEPT, MarkKind
from engine.effects import Alert
from engine.messages import Beat, BeatKind, Ticks, Wish
from engine.model import Mode, Urgency
from engine.sessions import at
from tests.engine.makers import OPENED, condor, quote
from tests.support.rig import Rig, overnight

ENTRY, DOWN = (20, 45, 40, 18), (20, 75, 40, 18)
#: The condor with its short put ₹30 dearer, 65 units.
LOSS = -195_000


def test_a_minute_of_the_session_is_one_sample_whatever_the_pulse():
    """Five minutes of pulses are five samples, of the whole house and of the position alike."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(150, *ENTRY)
    rig.wait(150, *DOWN)
    diary = rig.monitor.diary
    assert [s.paise for s in diary.samples] == [0, 0, 0, LOSS, LOSS]
    assert {b.at_s - a.at_s for a, b in zip(diary.samples, diary.samples[1:], strict=False)} == {60.0}
    assert [s.paise for s in diary.course(condor().id)] == [0, 0, 0, LOSS, LOSS]


def test_a_thousand_positions_are_seen_in_turns_before_the_sample():
    """No pulse looks at more than a hundred; the sample is that of all of them together."""
    few = [replace(condor(), strategy_id=number) for number in range(1, 251)]
    rig = Rig(Mode.ALERT_ONLY, *few)
    rig.tell(Ticks([quote(leg.key, mid, mid) for leg, mid in zip(condor().legs, ENTRY, strict=True)]))
    rig.monitor.diary.samples.clear()
    rig.now_s += 60
    rig.tell(Ticks([quote(leg.key, mid, mid) for leg, mid in zip(condor().legs, DOWN, strict=True)]))
    counts = []
    for _ in range(3):
        rig.tell(Beat(BeatKind.PULSE))
        counts.append(len(rig.monitor.diary.samples))
    assert counts == [0, 0, 1]
    assert all(rig.monitor.diary.course(each.id)[-1].paise == LOSS for each in few)


def test_a_position_without_a_price_leaves_a_gap_and_no_result():
    """What is not known is no zero: the sample is None, and the day's result stays what it was."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(61, *DOWN)
    before = dict(rig.monitor.diary.results)
    rig.wait(120)  # the quotes grow old
    assert [s.paise for s in rig.monitor.diary.samples][-1] is None
    assert rig.monitor.diary.results == before
    assert rig.monitor.limits.live(rig.now_s).paise is None
    assert rig.monitor.limits.live(rig.now_s).blind == ("default/3359",)


def test_what_an_exit_made_stays_in_the_day_and_is_marked():
    """The exit's end is a mark with its P&L; the day goes on counting it as closed."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(61, *DOWN)
    rig.command(Wish.EXIT, 3359, confirmed=True)
    rig.wait(120, *DOWN)
    assert rig.flat
    [mark] = [m for m in rig.monitor.diary.marks if m.kind is MarkKind.EXIT]
    assert (mark.position, mark.text) == ("default/3359", "NIFTY Iron Condor")
    live = rig.monitor.limits.live(rig.now_s)
    assert live.paise == live.closed_paise == mark.paise
    assert rig.monitor.diary.samples[-1].paise == mark.paise


def test_alerts_are_marked_once_in_their_quarter_of_an_hour():
    """A repeated alert is no second mark, a quiet one none at all, and there is an end to them."""
    rig = Rig(Mode.ALERT_ONLY)
    diary = rig.monitor.diary
    loud = Alert(Urgency.HIGH, "x", "Stop near", "…", "default/3359")
    diary.hear([loud, Alert(Urgency.NORMAL, "y", "Quiet", "…")], rig.now_s)
    diary.hear([loud], rig.now_s + 60)
    assert [(m.kind, m.text) for m in diary.marks] == [(MarkKind.ALERT, "Stop near: …")]
    diary.hear([loud], rig.now_s + 1000)
    assert len(diary.marks) == 2
    diary.hear([replace(loud, topic=f"{n}", title=f"Alert {n}") for n in range(100)], rig.now_s + 1001)
    assert len(diary.marks) == MARKS_KEPT
    assert diary.marks[-1].text == "Alert 99: …"


def test_nothing_is_marked_or_sampled_outside_the_session():
    """An alert at night lies on no curve."""
    rig = Rig(Mode.ALERT_ONLY, now_s=at(date(2026, 2, 3), "18:00"))
    rig.monitor.diary.hear([Alert(Urgency.HIGH, "x", "Night", "…")], rig.now_s)
    rig.wait(90, *ENTRY)
    assert rig.monitor.diary.samples == []
    assert rig.monitor.diary.marks == []


def test_a_restart_goes_on_with_the_curve_its_marks_and_the_results():
    """What the journal has of the day is all there again, and no day is begun anew."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(61, *DOWN)
    rig.monitor.diary.hear([Alert(Urgency.HIGH, "x", "Stop near", "…")], rig.now_s)
    rig.wait(60, *DOWN)
    known = rig.monitor.diary
    rig.start()
    again = rig.monitor.diary
    assert (again.date, again.samples, again.marks) == (known.date, known.samples, known.marks)
    assert again.results == known.results
    rig.wait(61, *DOWN)
    assert again.samples[: len(known.samples)] == known.samples
    assert again.samples[-1].paise == LOSS


def test_the_close_takes_the_last_sample_and_the_next_day_begins_its_own():
    """The result of a day is that of its close; the morning begins an empty curve and counts from there."""
    rig = Rig(Mode.ALERT_ONLY, now_s=at(date(2026, 2, 3), "15:25"))
    rig.wait(61, *ENTRY)
    rig.now_s = at(date(2026, 2, 3), "15:29:58")
    rig.quotes(*DOWN)
    rig.now_s = at(date(2026, 2, 3), "15:30")
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    assert rig.monitor.diary.samples[-1].at_s == rig.now_s
    overnight(rig)
    rig.now_s = at(date(2026, 2, 4), "09:20")
    rig.wait(2, *DOWN)
    diary = rig.monitor.diary
    assert diary.date == "2026-02-04"
    assert [s.paise for s in diary.samples] == [0]
    assert sorted(diary.results) == ["2026-02-03", "2026-02-04"]


def test_an_account_with_a_limit_has_one_day_not_two():
    """The day of the diary is that of the limit: the same figure on the curve and beside the limit."""
    rig = Rig(Mode.ALERT_ONLY, rules="[account.default]\nday_loss_rupees = 60000\n", now_s=OPENED)
    rig.wait(61, *DOWN)
    rig.wait(61, 20, 80, 40, 18)
    assert rig.view.accounts[0].day_paise == rig.monitor.limits.live(rig.now_s).paise
    assert rig.monitor.diary.samples[-1].paise == rig.view.accounts[0].day_paise


def test_a_position_that_comes_later_has_no_past():
    """What was not seen of it is unknown, and its entries are of the same moments as all others'."""
    late = replace(condor(), strategy_id=7)
    rig = Rig(Mode.ALERT_ONLY, condor(), late)
    rows, rig.rows = rig.rows, [row for row in rig.rows if row.strategy_id != 7]
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(121, *ENTRY, *ENTRY)
    rig.rows = rows
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(120, *ENTRY, *ENTRY)
    course, other = rig.monitor.diary.course(late.id), rig.monitor.diary.course(condor().id)
    assert [s.at_s for s in course] == [s.at_s for s in other]
    assert course[0].paise is None
    assert course[-1].paise == other[-1].paise == 0


def test_a_sample_leaves_the_look_of_a_limit_alone():
    """Who has a limit is looked at on each pulse, all at one moment; what a sample goes by may be older."""
    rig = Rig(Mode.ALERT_ONLY, rules="[account.default]\nday_loss_rupees = 60000\n")
    rig.wait(2, *ENTRY)
    before = rig.monitor.watch.standing(condor().id, rig.now_s)
    rig.wait(61, *DOWN)
    rig.monitor.limits.follow([before], rig.now_s)
    assert rig.view.accounts[0].day_paise == LOSS
    assert rig.monitor.limits.kept("2026-02-03").paise == LOSS


def test_a_round_that_the_close_has_cut_is_none_of_the_next_morning():
    """The first sums of a day are of all positions, and so is what they carry over the night."""
    many = [replace(condor(), strategy_id=number) for number in range(1, 251)]
    rig = Rig(Mode.ALERT_ONLY, *many)
    quoted(rig, ENTRY)
    for _ in range(4):
        rig.tell(Beat(BeatKind.PULSE))
    close_s = rig.monitor.helm.calendar.window(rig.now_s).close_s
    rig.now_s = close_s - 1.5
    quoted(rig, ENTRY)
    rig.tell(Beat(BeatKind.PULSE))  # a round of three beats begins
    rig.now_s = close_s + 0.01
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    rig.tell(Beat(BeatKind.PULSE))
    rig.now_s = rig.monitor.helm.calendar.window(close_s + 3_600).open_s
    rig.tell(Beat(BeatKind.SESSION_OPEN))
    for _ in range(80):
        rig.now_s += 1
        quoted(rig, DOWN)
        rig.tell(Beat(BeatKind.PULSE))
    assert rig.monitor.limits.live(rig.now_s).paise == len(many) * LOSS


def quoted(rig, mids):
    """All contracts of the condors at these mids."""
    rig.tell(Ticks([quote(leg.key, mid, mid) for leg, mid in zip(condor().legs, mids, strict=True)]))
