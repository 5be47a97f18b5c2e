"""/report: a week or a month in figures below its picture, held against what a phone should show.

After a wanted change: ``PRAHARI_SNAPSHOTS=write make test ARGS=tests/bot/test_report.py``; then read what
has changed in the files.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.layout import CAPTION_LIMIT, COLUMNS, Page, plain
from bot.report_view import report_page
from engine.accounts import People
from engine.charts import BarsChart, Scope, Wanted
from engine.effects import Digest
from engine.errors import BadInput
from engine.exit_sums import ExitLine, of_days, sums_of
from tests.bot.house import OWNER, Core, QuickClock, house, make_chat, message_with, running, telegram
from tests.support.charted import day, month, week
from tests.support.exit_lines import line

SNAPSHOTS = Path(__file__).parent / "snapshots"
DRAWN = {Wanted(Scope.WEEK): (week(),), Wanted(Scope.MONTH): (month(),)}
STRANGLE = "BANKNIFTY Short Strangle"


def ended(date: int, after_paise: int | None, **more: object) -> ExitLine:
    return line(f"x{date}{more}", f"2026-02-{date:02}T10:00:00+05:30", after_paise, **more)


LEFT: tuple[ExitLine, ...] = (
    ended(1, 99_999_00),  # of the week before
    ended(2, 1_540_50),
    ended(3, -4_321_00, rule="stop_loss", title=STRANGLE),
    ended(4, 12_543_00, title=STRANGLE, slippage_rupees=-3.05),
    ended(5, None, rule="expiry", title="FINNIFTY <b>", slippage_rupees=None, state="closed outside"),
    ended(5, -840_00, rule="manual", title="SENSEX Call"),
    ended(6, 10_00, rule="trailing_stop", title="MIDCPNIFTY Put"),
    ended(12, -2_00),
)
ILL = BadInput("journal.sqlite3: cannot be read (locked)")


def page_of(chart: BarsChart, lines: tuple[ExitLine, ...], title: str = "") -> Page:
    return report_page(chart, sums_of(of_days(lines, *chart.dates)), title)


PAGES = {
    "report_week": page_of(week(), LEFT),
    "report_month": page_of(month(), LEFT, "HUF · "),
    "report_none": page_of(replace(week(), bars=tuple(replace(b, paise=None) for b in week().bars)), ()),
    "report_unread": report_page(week(), str(ILL)),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_what_its_snapshot_says(name: str):
    """Word for word, the buttons below."""
    page = PAGES[name]
    rows = [" ".join(f"[{button.text}]" for button in row) for row in page.keyboard]
    shown, file = "\n".join([page.html, *rows, ""]), SNAPSHOTS / f"{name}.txt"
    if os.environ.get("PRAHARI_SNAPSHOTS") == "write":
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


_AMOUNTS = st.none() | st.integers(-(10**12), 10**12)
_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@given(st.lists(st.tuples(st.integers(2, 8), _AMOUNTS, _NAMES, _NAMES), max_size=12))
def test_every_report_fits_below_its_picture(exits: list[tuple[int, int | None, str, str]]):
    """Columns are 32 wide, and Telegram takes 1,024 characters."""
    lines = tuple(
        line(f"x{n}", f"2026-02-{date:02}T10:00:00+05:30", paise, title=title, rule=rule)
        for n, (date, paise, title, rule) in enumerate(exits)
    )
    page = page_of(replace(week(), bars=(*week().bars[:4], week().bars[0])), lines, "HUF_OF_THE_FAMIL · ")
    [block] = re.findall(r"<pre>(.*)</pre>", page.html, re.DOTALL)
    assert max(len(row) for row in plain(block).split("\n")) <= COLUMNS
    assert len(plain(page.html).encode("utf-16-le")) // 2 <= CAPTION_LIMIT
    assert all(len(button.data.encode()) <= 64 for row in page.keyboard for button in row)


async def test_the_week_comes_first_and_leads_to_the_month(tmp_path: Path):
    """One silent photo with the figures below; a button asks for the other, and the core is not asked."""
    clock, core = QuickClock(), Core(pictures=DRAWN, left=LEFT)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/report")
        bubble = await message_with(server, "Report of this week")
        assert (bubble.body.kind, bubble.silent, bubble.buttons) == (
            "photo", True, ["Report, month", "P&L, week"]
        )  # fmt: skip
        assert bubble.text == plain(PAGES["report_week"].html)
        server.phone.tap(bubble.id, "Report, month")
        assert "8 exits" in (await message_with(server, "Report of this month")).text
        server.phone.tap(bubble.id, "P&L, week")
        await message_with(server, "Sum of 4 sessions")
        server.phone.send("/report year")
        await message_with(server, "Read “year” after /report; expected week or month.")
        assert core.posted == []


async def test_several_accounts_and_a_journal_that_cannot_be_read(tmp_path: Path):
    """Each has its own report and name; the days are shown where the exits cannot be."""
    clock, owner = QuickClock(), People(owners=frozenset({OWNER}))
    cores = [
        Core(account="own", people=owner, pictures=DRAWN, left=ILL),
        Core(account="HUF", people=owner, pictures=DRAWN, left=LEFT),
    ]
    async with telegram(clock) as server, running(make_chat(server, cores, clock, tmp_path)):
        server.phone.send("/report week")
        ill = await message_with(server, "own\nReport of this week")
        assert "Exits unknown" in ill.text
        assert "The journal cannot be read now: journal.sqlite3: cannot be read (locked)" in ill.text
        one = await message_with(server, "HUF\nReport of this week")
        server.phone.tap(one.id, "Report, month")
        await message_with(server, "HUF\nReport of this month")
        assert not any("own\nReport of this month" in each.text for each in server.sent())


async def test_a_house_that_is_down_says_so(tmp_path: Path):
    """Nobody claims that nothing was made."""
    clock = QuickClock()
    core = Core(picture=house(down=True, degraded="Account default is down: its journal is locked"))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/report")
        await message_with(server, "is down: its journal is locked")


async def test_a_week_that_is_over_is_told_once_beside_the_digest_of_its_last_day(tmp_path: Path):
    """Silently; a month that goes on is not, nor is a week after an earlier day."""
    clock, core = QuickClock(), Core(pictures=DRAWN, left=LEFT)
    over = replace(week(), bars=week().bars[:4])
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(Digest(day(), (week(), month())))
        core.give(Digest(day(), (over, month())))
        report = await message_with(server, "Report of this week")
        assert (report.body.kind, report.silent) == ("photo", True)
        assert "6 exits" in report.text
        assert "so far" not in report.text
        await server.wait_for(
            lambda s: sum("The session is over" in each.text for each in s.sent()) == 2 or None
        )
        assert sum("Report of" in each.text for each in server.sent()) == 1
