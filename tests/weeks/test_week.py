"""Diwali's week of 2026: sessions, a Sunday evening, a holiday, two deaths, and the reports at its end.

The product's parts run on virtual time beside the sandbox's exchange; every figure of the reports is reckoned
here once more, to the paisa, from what the exchange has traded and what the market showed.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.layout import plain
from bot.report_view import report_page
from engine.__main__ import main
from engine.charts import Scope
from engine.exit_sums import of_days, sums_of
from engine.io import tables
from engine.io.books import read_books
from engine.io.executions import ExecutionsFile, executions_file, read_lines, verify_lines
from engine.io.journal import journal_name
from engine.io.locks import HostLock
from engine.messages import BeatKind, Command, Wish
from engine.model import Mode
from engine.money import signed_rupees
from engine.preflight import Light
from engine.sessions import at, ist, ist_date
from engine.settings import Settings
from tests.support.rig import OWNER
from tests.support.sea.bay import Bay, Weeks
from tests.support.sea.market import CONDOR, LOT

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import Position

#: Some seconds of work, on a machine that has nothing else to do.
pytestmark = pytest.mark.timeout(300)
THURSDAY, FRIDAY, SUNDAY, MONDAY, WEDNESDAY, LAST = (date(2026, 11, n) for n in (5, 6, 8, 9, 11, 12))
SESSIONS = (THURSDAY, FRIDAY, SUNDAY, MONDAY, WEDNESDAY, LAST)
#: The exchange's circular has come: the owner has laid the hours of Muhurat over the shipped table.
OWN_DAYS = "[[special]]\ndate = 2026-11-08\nopen = 18:00:00\nclose = 19:00:00\n"
RULES = '[default]\nexpiry_exit_at = "15:00"\n'
#: Which condor ends by what; none shares an expiry with another.
TARGET, STOP, BY_HAND, EXPIRY, TIME, STAYS = range(1, 7)
EXPIRIES = {
    TARGET: date(2026, 12, 8), STOP: date(2026, 11, 23), BY_HAND: date(2026, 12, 1),
    EXPIRY: MONDAY, TIME: date(2026, 11, 17), STAYS: date(2026, 12, 15),
}  # fmt: skip
#: Rupees of each leg: when its exit is decided, and at that day's close.
EXITS = {
    TARGET: ((8.0, 18.0, 20.0, 9.0), (4.0, 10.0, 30.0, 14.0)),
    STOP: ((6.0, 10.0, 190.0, 60.0), (5.0, 8.0, 230.0, 75.0)),
    BY_HAND: ((18.0, 40.0, 36.0, 17.0), (19.0, 42.0, 37.0, 17.0)),
    EXPIRY: ((10.0, 30.0, 30.0, 10.0), (8.0, 25.0, 35.0, 12.0)),
    TIME: ((15.0, 40.0, 38.0, 15.0), (14.0, 38.0, 38.0, 15.0)),
}
RULE_OF = {
    TARGET: "profit_target", STOP: "stop_loss", BY_HAND: "forced", EXPIRY: "expiry_exit",
    TIME: "time_exit_dte",
}  # fmt: skip
DAY_OF = {TARGET: THURSDAY, STOP: FRIDAY, BY_HAND: SUNDAY, EXPIRY: MONDAY, TIME: WEDNESDAY}
#: What the rules of a condor of one lot wait for: half its credit of ₹3,055, half its risk of ₹9,945.
LEVELS = {TARGET: 152_750, STOP: -497_250}


@dataclass
class Told:
    """The week as it went.

    Attributes:
        closes: what all positions had come to at each session's close (paise, gross), by the market's mids.
    """

    house: Weeks
    home: Path
    positions: dict[int, Position]
    closes: dict[date, int]


def story(home: Path) -> Told:
    """Let the week pass."""
    (home / "days.toml").write_text(OWN_DAYS)
    settings = Settings.parse({"DATA_DIR": str(home), "SESSIONS_FILE": str(home / "days.toml")})
    calendar = tables.calendar(settings.sessions_file)
    bay = Bay(sorted(EXPIRIES.values()), at(THURSDAY, "08:00"), calendar)
    books = ExecutionsFile(executions_file(home, Mode.EXECUTE))
    house = Weeks(
        bay, RULES, calendar=calendar, settings=settings, journal=home / journal_name(Mode.EXECUTE),
        books=books.append,
    )  # fmt: skip
    told = Told(house, home, {}, {})

    def enter(*numbers: int) -> None:
        for number in numbers:
            told.positions[number] = house.enter(number, EXPIRIES[number])

    def leave(number: int, clock: str) -> None:
        """Its price moves just before that moment; an hour later the market has moved on."""
        day = DAY_OF[number]
        house.until(at(day, clock) - 10)
        house.price(told.positions[number], EXITS[number][0])
        if number is BY_HAND:
            house.run(5)
            house.say(Command(Wish.EXIT, OWNER, BY_HAND, confirmed=True))
        house.run(90)
        house.price(told.positions[number], EXITS[number][1])

    def close(day: date) -> None:
        house.until(calendar.session(day).close_s)
        told.closes[day] = come_to(told)

    house.until(at(THURSDAY, "09:20"))
    enter(TARGET, STOP, TIME)
    leave(TARGET, "11:00")
    close(THURSDAY)
    house.until(at(FRIDAY, "10:58"))
    house.pages.crash = "after"  # SIGKILL in the middle of the exit: decided, and nothing of it sent
    leave(STOP, "11:00")
    house.until(at(FRIDAY, "14:00"))
    enter(EXPIRY)
    close(FRIDAY)
    house.until(at(FRIDAY, "23:00"))
    house.dies()  # and once more overnight
    house.until(at(SUNDAY, "18:05"))
    enter(BY_HAND)
    leave(BY_HAND, "18:20")
    close(SUNDAY)
    house.until(at(MONDAY, "10:00"))
    enter(STAYS)
    leave(EXPIRY, "15:00")
    close(MONDAY)
    leave(TIME, "15:00")
    close(WEDNESDAY)
    house.until(at(LAST, "12:00"))
    house.price(told.positions[STAYS], (21.0, 44.0, 39.0, 18.0))
    close(LAST)
    house.until(at(LAST, "20:00"))
    return told


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """It passes once; a monitor that runs holds the directory's lock."""
    home = tmp_path_factory.mktemp("week")
    with HostLock(home):
        return story(home)


# ------------------------------------------------------------------------------ reckoned by ourselves


def gross(told: Told, number: int) -> int | None:
    """What a condor has realised by the exchange's trades; None while it is open."""
    legs = {leg.key: leg for leg in told.positions[number].legs}
    trades = [trade for _, trade in told.house.traded if trade.key in legs]
    if sum(trade.quantity for trade in trades) < LOT * len(CONDOR):
        return None
    received = -sum(trade.side.sign * trade.quantity * trade.price_paise for trade in trades)
    return received - sum(sign * LOT * price * 100 for *_, price, sign in CONDOR)


def come_to(told: Told) -> int:
    """All condors together: realised, else by the mids of this moment."""
    total = 0
    for number, position in told.positions.items():
        made = gross(told, number)
        if made is None:
            now = [told.house.shore.mids[leg.key] for leg in position.legs]
            made = sum(
                sign * LOT * round(100 * (mid - price))
                for mid, (*_, price, sign) in zip(now, CONDOR, strict=True)
            )
        total += made
    return total


def charged(told: Told, number: int) -> int:
    """Brokerage, taxes and fees of the orders of an exit, by the published rates."""
    text = files("engine.data").joinpath("charges.toml").read_text()
    rates = tomllib.loads(text, parse_float=Decimal)["charges"][-1]
    keys = {leg.key for leg in told.positions[number].legs}
    orders: dict[str, tuple[int, int]] = {}
    for order, trade in told.house.traded:
        if trade.key in keys:
            before = orders.get(order.order_id, (0, 0))[1]
            orders[order.order_id] = trade.side.sign, before + trade.quantity * trade.price_paise
    total = 0
    for sign, turnover in orders.values():
        rupees = Decimal(turnover) / 100
        fees = Decimal(rates["brokerage_rupees"]) + rupees * (
            Decimal(rates["exchange_pct"]["NSE_FNO"]) / 100 + Decimal(rates["sebi_rupees_per_crore"]) / 10**7
        )
        duty = rupees * Decimal(rates["stt_sell_pct"] if sign < 0 else rates["stamp_buy_pct"]) / 100
        whole = fees * (1 + Decimal(rates["gst_pct"]) / 100) + duty.quantize(Decimal(1), ROUND_HALF_UP)
        total += int((whole * 100).quantize(Decimal(1), ROUND_HALF_UP))
    return total


def worse_than(told: Told, number: int, mids) -> int:
    """How much worse its trades were than these mids (rupees)."""
    at_mid = dict(zip([leg.key for leg in told.positions[number].legs], mids, strict=True))
    return sum(
        trade.side.sign * trade.quantity * (trade.price_paise - round(100 * at_mid[trade.key]))
        for _, trade in told.house.traded
        if trade.key in at_mid
    )


def by_day(told: Told) -> dict[date, int]:
    """What each session has added."""
    sums = list(told.closes.values())
    return {day: now - before for day, now, before in zip(told.closes, sums, [0, *sums], strict=False)}


# --------------------------------------------------------------------------------------- the week


def test_each_exit_came_by_its_rule_on_its_day_and_once(week):
    """Target, stop, a person, expiry and time; what was to stay is held; nothing else was ever sent."""
    kept = week.house.pages.kept["intent"].values()
    found = [(int(each["position"].split("/")[1]), each["verdict"]["rule"], each["state"]) for each in kept]
    assert sorted(found) == [(number, rule, "flat") for number, rule in RULE_OF.items()]
    for each in kept:
        assert ist_date(each["created_s"]) == DAY_OF[int(each["position"].split("/")[1])]
    week.house.judge.end()
    held = week.house.shore.account.net()
    assert held == {leg.key: leg.quantity for leg in week.positions[STAYS].legs}


def test_two_deaths_were_survived(week):
    """One between decision and order, one at night; the exit of the first went on in the second life."""
    assert week.house.births == 3
    [order] = {order.ticket.correlation_id for order, trade in week.house.traded if ist(trade.at_s).day == 6
               and order.ticket.key == week.positions[STOP].legs[1].key}  # fmt: skip
    assert order in week.house.pages.kept["order"]


def test_the_service_woke_for_each_session_and_for_no_other_day(week):
    """Master, drill, opening, close: by the calendar, on Sunday evening too, never on the holiday."""
    hours = dict.fromkeys(SESSIONS, ("09:15", "15:40")) | {SUNDAY: ("18:00", "19:00")}
    wanted = []
    for day, (opens, closes) in hours.items():
        wanted += [
            (BeatKind.MASTER, at(day, opens) - 900), (BeatKind.DRILL, at(day, opens) - 300),
            (BeatKind.SESSION_OPEN, at(day, opens)), (BeatKind.SESSION_CLOSE, at(day, closes)),
        ]  # fmt: skip
    assert week.house.beats == wanted


def test_maintenance_was_done_each_day_and_never_in_a_session(week):
    """At 18:30, on Sunday a quarter of an hour after the market; every backup is whole."""
    first, *done = [ist(moment) for moment, _ in week.house.kept]
    assert f"{first:%d %H}" == "05 08"  # there was no backup yet: made up for before the market
    assert [moment.date() for moment in done] == [date(2026, 11, day) for day in range(5, 13)]
    late = {moment.date(): f"{moment:%H:%M}" for moment in done if f"{moment:%H:%M}" >= "18:36"}
    assert late == {SUNDAY: "19:15"}
    for _, checks in week.house.kept:
        told = {check.name: (check.light, check.text) for check in checks}
        assert told["backup"][0] is told["old backups"][0] is Light.GREEN, told
        assert "is whole" in told["backup"][1]


def test_the_books_and_the_audit_are_whole(week):
    """The file of executions has a line for each exit, as the journal has it; the audit is in one piece."""
    lines = read_lines(executions_file(week.home, Mode.EXECUTE))
    kept = [value["line"] for value in week.house.pages.kept["book"].values()]
    assert verify_lines(lines, kept).faults == ()
    assert len(lines) == len(RULE_OF)
    assert week.house.pages.verify_audit() > 0


# ------------------------------------------------------------------------------------- the reports


def test_each_session_had_its_digest_with_its_result(week):
    """One a session, also on Sunday; none on the days between."""
    digests = {digest.day.day: digest.day.now_paise for digest in week.house.ears.digests}
    assert len(week.house.ears.digests) == len(SESSIONS)
    assert digests == by_day(week)


def test_the_week_s_report_has_its_days_and_its_exits(week):
    """Of the first week, told with Sunday's digest: three sessions, three exits."""
    [chart] = [
        span
        for digest in week.house.ears.digests
        for span in digest.spans
        if digest.day.day == SUNDAY and span.scope is Scope.WEEK
    ]
    days = by_day(week)
    first = {bar.day: bar.paise for bar in chart.bars if bar.paise is not None}
    assert chart.over
    assert first == {day: days[day] for day in (THURSDAY, FRIDAY, SUNDAY)}
    lines = read_books(week.home / journal_name(Mode.EXECUTE), chart.dates[0])
    text = plain(report_page(chart, sums_of(of_days(lines, *chart.dates))).html)
    numbers = (TARGET, STOP, BY_HAND)
    made = [(gross(week, number) or 0) - charged(week, number) for number in numbers]
    assert signed_rupees(sum(first.values())) in text
    assert signed_rupees(sum(made)) in text
    assert "3 exits" in text


def test_the_month_s_report_is_right_to_the_paisa(week, monkeypatch, capsys):
    """Sums, by rule and symbol, against the levels and against holding on; in all three files."""
    monkeypatch.chdir(week.home)
    monkeypatch.setenv("DATA_DIR", str(week.home))
    out = week.home / "reports"
    assert main(["report", "monthly", "--month", "2026-11", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    made = {number: gross(week, number) for number in RULE_OF}
    after = {number: made[number] - charged(week, number) for number in RULE_OF}
    results = list(after.values())
    won, lost = [p for p in results if p > 0], [p for p in results if p < 0]
    running = [0, *accumulate(results)]
    assert told["exits"] == told["days"] == len(RULE_OF)
    assert (told["won"], told["lost"], told["unknown"]) == (len(won), len(lost), 0)
    assert told["win_rate"] == len(won) / len(results)
    assert told["realised_before_charges_paise"] == sum(made.values())
    assert told["charges_paise"] == sum(charged(week, number) for number in RULE_OF)
    assert told["realised_after_charges_paise"] == sum(results)
    assert told["expectancy_paise"] == round(sum(results) / len(results))
    assert told["profit_factor"] == pytest.approx(sum(won) / -sum(lost))
    assert told["largest_drawdown_paise"] == max(max(running[: n + 1]) - now for n, now in enumerate(running))
    assert told["slippage_paise"] == sum(worse_than(week, number, EXITS[number][0]) for number in RULE_OF)
    assert told["symbols"]["NIFTY"]["realised_after_charges_paise"] == sum(results)
    rules = {rule: each["realised_after_charges_paise"] for rule, each in told["rules"].items()}
    assert rules == {RULE_OF[number]: after[number] for number in RULE_OF}
    beyond = [made[number] - level for number, level in LEVELS.items()]
    assert told["against_level"] == counted(beyond, len(RULE_OF) - len(LEVELS))
    saved = [-worse_than(week, number, mids) for number, (_, mids) in EXITS.items()]
    assert told["saved"] == counted(saved, 0)
    assert 0 < told["median_seconds_to_flat"] < 90
    text = (out / "exits-2026-11.md").read_text()
    assert f"| realised after charges | {signed_rupees(sum(results))} |" in text
    assert len((out / "exits-2026-11.csv").read_text().splitlines()) == 1 + len(RULE_OF)
    with Image.open(out / "exits-2026-11.png") as picture:
        assert picture.size == (1080, 1350)


def counted(differences, unknown):
    """A tally as JSON has it."""
    better, worse = [p for p in differences if p > 0], [p for p in differences if p < 0]
    return {
        "better": len(better), "better_paise": sum(better), "worse": len(worse), "worse_paise": sum(worse),
        "together_paise": sum(differences), "unknown": unknown,
    }  # fmt: skip
