"""Token, address, rights and clocks: told when it begins, louder when it matters, and when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.status import status_pages
from engine.access import AccessWatch
from engine.effects import Alert, PlaceOrder, QueryAccount, RenewToken
from engine.io import tables
from engine.messages import (
    AccountState,
    Beat,
    BeatKind,
    BrokerReport,
    CommandOutcome,
    Refused,
    TokenRenewal,
    Verb,
)
from engine.model import Mode, Urgency
from engine.sessions import at
from engine.table import terminal_table
from tests.engine.makers import condor
from tests.support.rig import Rig

DAY = date(2026, 2, 3)  # a Tuesday, 09:15 to 15:30
SUNDAY = date(2026, 2, 8)
CALENDAR = tables.calendar()


def moment(clock, day=DAY):
    """That clock time."""
    return at(day, clock)


def good(clock="15:45", day=DAY, **more):
    """All is well, with a token until then."""
    return AccountState(
        at(day, clock), "SELF", 1, orders_allowed=True, data_plan=True, derivatives=True, skew_s=0.1, **more
    )


def told(effects):
    """(urgency, title) of the alerts."""
    return [(e.urgency, e.title) for e in effects if isinstance(e, Alert)]


def watch(state, clock, day=DAY, *, renews=False):
    """A watch that has taken this answer at that time, and what it told."""
    made = AccessWatch(CALENDAR, renews=renews)
    return made, made.take(state, at(day, clock))


def test_a_token_that_lasts_the_session_is_no_news():
    """Nothing is said of what is well."""
    made, effects = watch(good(), "08:45")
    assert effects == []
    assert made.look(moment("12:00"), exits=False) == []
    assert made.left_s(moment("15:00")) == 2_700


def test_the_end_of_the_token_is_told_an_hour_before_and_when_it_comes():
    """MEDIUM with an hour or more to go, HIGH once no order can leave; each once."""
    made, _ = watch(good("14:00"), "08:00")
    said = {
        clock: told(made.look(moment(clock), exits=False))
        for clock in ("08:44", "08:45", "09:00", "12:54", "12:55", "13:30", "14:00", "14:30")
    }
    assert {clock: alerts for clock, alerts in said.items() if alerts} == {
        "08:45": [(Urgency.MEDIUM, "The access token does not last the session")],
        "12:55": [(Urgency.MEDIUM, "The access token ends soon")],
        "14:00": [(Urgency.HIGH, "The access token has ended")],
    }


def test_a_new_token_is_told_too():
    """The owner hears that the trouble is over, and until when."""
    made, _ = watch(good("09:30"), "09:20")
    (alert,) = made.take(replace(good("09:30", date(2026, 2, 4)), number=2), moment("09:25"))
    assert (alert.urgency, alert.title, alert.text) == (
        Urgency.NORMAL, "The access token is good", "Token until 04 Feb 09:30",
    )  # fmt: skip


def test_nobody_is_woken_at_night_but_the_morning_tells():
    """A token that ends at three is told silently, and loudly at a quarter to nine."""
    made, _ = watch(good("03:00"), "00:30")
    assert told(made.look(moment("03:00"), exits=False)) == [(Urgency.NORMAL, "The access token has ended")]
    assert made.look(moment("08:44"), exits=False) == []
    assert told(made.look(moment("08:45"), exits=False)) == [(Urgency.HIGH, "The access token has ended")]


def test_a_sunday_is_silent():
    """Without a session nothing is loud."""
    _, effects = watch(replace(good(), refused="HTTP 401, DH-901: Invalid Token"), "10:00", SUNDAY)
    assert told(effects) == [(Urgency.NORMAL, "Dhan does not let us in")]


def test_a_broker_s_full_stop_is_not_doubled():
    """Dhan's own sentence ends with a point already."""
    _, effects = watch(replace(good(), refused="HTTP 401, DH-901: Token is invalid or expired."), "10:00")
    assert next(e.text for e in effects if isinstance(e, Alert)).startswith(
        "HTTP 401, DH-901: Token is invalid or expired. No order can be sent"
    )


@pytest.mark.parametrize(
    ("state", "urgency", "begins", "ends"),
    [
        ({"refused": "DH-906: Invalid Token"}, Urgency.HIGH, "Dhan does not let us in",
         "The access token is good"),
        ({"orders_allowed": False}, Urgency.HIGH, "Dhan takes no orders from this address",
         "Dhan takes orders from here"),
        ({"data_plan": False}, Urgency.HIGH, "Prices are not subscribed to", "Prices are subscribed to"),
        ({"derivatives": False}, Urgency.HIGH, "Derivatives are not active", "Derivatives are active again"),
        ({"note": "x"}, Urgency.MEDIUM, "The token's file cannot be used", "The token's file can be used"),
        ({"skew_s": -2.1}, Urgency.MEDIUM, "The clocks disagree", "The clocks agree again"),
        ({"skew_s": 30.1}, Urgency.HIGH, "The clocks disagree", "The clocks agree again"),
    ],
)  # fmt: skip
def test_each_trouble_is_told_once_when_it_begins_and_once_when_it_is_over(state, urgency, begins, ends):
    """Not at every answer in between."""
    made, effects = watch(replace(good(), **state), "10:00")
    assert told(effects) == [(urgency, begins)]
    assert made.troubles(moment("10:00"))[0].startswith(begins)
    assert made.take(replace(good(), **state), moment("10:05")) == []
    assert told(made.take(good(), moment("10:10"))) == [(Urgency.NORMAL, ends)]
    assert made.troubles(moment("10:10")) == ()


def test_what_is_not_known_is_no_trouble():
    """No answer from the broker, no claim in the token: nothing is invented."""
    made, effects = watch(AccountState(failed="no route"), "10:00")
    assert effects == []
    assert (made.left_s(moment("10:00")), made.clock_doubt) == (None, "")


def test_a_small_skew_is_no_doubt_and_a_large_one_is():
    """Up to half a minute rules of the clock go on."""
    assert watch(replace(good(), skew_s=30.0), "10:00")[0].clock_doubt == ""
    doubt = watch(replace(good(), skew_s=-31.0), "10:00")[0].clock_doubt
    assert doubt == "the clock of this machine is 31 s behind Dhan's"


# ------------------------------------------------------------------------------------- renewal


@pytest.mark.parametrize(
    ("state", "clock", "exits", "renewed"),
    [
        (good("12:00"), "07:59", False, False),
        (good("12:00"), "08:00", False, True),
        (good("15:45"), "08:30", False, False),
        (good("12:00"), "09:15", False, False),  # in session only near the end
        (good("12:00"), "10:55", False, True),
        (good("12:00"), "10:55", True, False),  # not amid an exit ...
        (good("12:00"), "11:50", True, True),  # ... but before it is too late
        (good("12:00"), "12:00", False, False),  # only a living token can be renewed
        (good("03:00"), "02:00", False, True),
        (replace(good("12:00"), kind="APP"), "10:55", False, False),
        (replace(good("12:00"), kind=""), "10:55", False, False),
        (replace(good("12:00"), refused="no"), "10:55", False, False),
    ],
)
def test_when_a_token_is_renewed(state, clock, exits, renewed):
    """Before the session when it would not last it, else in its last hour, whatever the hour."""
    made, _ = watch(state, "00:10", renews=True)
    assert (RenewToken() in made.look(moment(clock), exits=exits)) is renewed


def test_a_renewal_that_failed_is_told_and_tried_again_after_a_while():
    """Five minutes between two tries; the state is asked for at once, as the old token may be dead."""
    made, _ = watch(good("12:00"), "10:55", renews=True)
    assert RenewToken() in made.look(moment("10:55"), exits=False)
    effects = made.renewal(TokenRenewal("DH-905: no"), moment("10:55"))
    assert told(effects) == [(Urgency.HIGH, "The token could not be renewed")]
    assert effects[-1] == QueryAccount()
    assert RenewToken() not in made.look(moment("10:59"), exits=False)
    assert RenewToken() in made.look(moment("11:00"), exits=False)


# ------------------------------------------------------------------------------- in the machine


@pytest.mark.parametrize("mode", list(Mode))
def test_modes_that_change_nothing_renew_nothing(mode):
    """A renewal ends the old token, which others may use."""
    rig = Rig(mode, now_s=moment("10:55"))
    rig.tell(good("12:00"))
    effects = rig.monitor.handle(Beat(BeatKind.HEALTH), rig.now_s)
    assert (RenewToken() in effects) is (mode in {Mode.SEMI_AUTO, Mode.EXECUTE})


def test_the_machine_asks_on_its_beat_and_after_a_refusal_that_a_token_could_mend():
    """After refusals not more than every five seconds; the beat, which a new token sends, always."""
    rig = Rig(Mode.EXECUTE)

    def asks(message):
        return QueryAccount() in rig.monitor.handle(message, rig.now_s)

    refused = CommandOutcome(Verb.PLACE, "P-x", Refused("DH-906", "Invalid Token"))
    assert asks(Beat(BeatKind.ACCOUNT))
    assert not asks(refused)
    assert asks(Beat(BeatKind.ACCOUNT))
    rig.now_s += 5
    assert asks(refused)
    rig.now_s += 5
    assert not asks(CommandOutcome(Verb.PLACE, "P-x", Refused("DH-906", "Margin exceeds")))
    assert asks(BrokerReport(1, rig.now_s, failed="Dhan answered HTTP 401"))


def test_rules_of_the_clock_only_tell_while_the_clock_is_in_doubt():
    """At 29 s apart the day's end is acted on; at 31 s it is told, and acted on once the clocks agree."""
    for skew_s, placed in ((29.0, True), (31.0, False)):
        rig = Rig(Mode.EXECUTE, condor(), rules='[default]\nexit_at = "10:00"\n')
        rig.tell(replace(good(), skew_s=skew_s))
        rig.now_s = moment("10:00")
        rig.wait(3, 20, 45, 40, 18)
        assert bool(rig.placed) is placed
        told_why = [a for a in rig.of(Alert) if "clock of this machine is 31 s ahead of Dhan's" in a.text]
        assert bool([a for a in told_why if "Nothing was sent" in a.text]) is not placed
    rig.tell(good())
    rig.wait(3, 20, 45, 40, 18)
    assert rig.placed


def test_a_stop_acts_whatever_the_clock_says():
    """Only rules of the clock need one."""
    rig = Rig(Mode.EXECUTE, condor(), rules="[default]\nstop_loss_rupees = 1000\n")
    rig.tell(replace(good(), skew_s=300.0))
    rig.wait(3, 20, 65, 40, 18)
    assert rig.placed


def test_the_health_line_knows_how_long_the_token_lives():
    """It goes to the audit each minute."""
    rig = Rig(Mode.EXECUTE, now_s=moment("10:00"))
    rig.tell(good("12:00"))
    audit = rig.monitor.handle(Beat(BeatKind.HEALTH), rig.now_s)[0]
    assert audit.data["token_left_s"] == 7_200


def test_the_picture_says_until_when_the_token_lives_and_what_is_wrong():
    """So do the terminal's table and /status."""
    rig = Rig(Mode.EXECUTE, now_s=moment("10:00"))
    assert (rig.view.access, rig.view.troubles) == ("", ())
    rig.tell(replace(good("12:00"), skew_s=5.0))
    assert rig.view.access == "Token until 12:00"
    (session, clock) = rig.view.troubles
    assert session.startswith("The access token does not last the session. Token until 12:00.")
    for text in (terminal_table(rig.view), status_pages(rig.view)[0].html):
        assert "Token until 12:00" in text
        assert clock.split(".")[0] in text


class Barred(Rig):
    """A rig whose broker refuses the token while it is ``barred``."""

    barred = False

    def ask_the_world(self, effect):
        if self.barred and isinstance(effect, PlaceOrder):
            no = Refused("DH-906", "Invalid Token")
            return [CommandOutcome(Verb.PLACE, effect.order.correlation_id, no)]
        return super().ask_the_world(effect)


def test_an_exit_that_waits_for_a_token_goes_on_at_once_when_one_is_taken():
    """Not after its pause, which has grown to a minute by then."""
    rig = Barred(Mode.EXECUTE, condor(), rules="[default]\nstop_loss_rupees = 1000\n")
    rig.barred = True
    rig.tell(replace(good(), refused="DH-906: Invalid Token"))
    rig.wait(80, 20, 65, 40, 18)  # refused after 0, 5, 15, 35 and 75 s
    rig.barred = False
    rig.wait(5, 20, 65, 40, 18)
    assert not rig.placed
    rig.tell(AccountState(number=2, failed="no route"))
    rig.wait(1, 20, 65, 40, 18)
    assert not rig.placed
    rig.tell(replace(good(), refused="DH-906: Invalid Token"))
    rig.tell(replace(good(), number=2))
    rig.wait(1, 20, 65, 40, 18)
    assert rig.placed
