"""The pages of the house's own insides, held against what a phone should show (`tests/bot/snapshots`).

After a wanted change: ``PRAHARI_SNAPSHOTS=write make test ARGS=tests/bot/test_gauges_pages.py``; then read
what has changed in the files.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit_view import audit_pages, log_pages
from bot.feed_view import Rate, feed_pages
from bot.health_view import chat_check, down_check, drill_page, health_pages
from bot.layout import COLUMNS, MESSAGE_LIMIT, plain, stacked
from bot.orders_view import orders_pages, trades_pages
from bot.rooms import ChatHealth
from bot.version_view import version_page
from engine.audit_page import AuditLine, AuditNow
from engine.drill import Drilled
from engine.feed_page import FeedNow, GroupNow
from engine.io.log import LogLine
from engine.io.wiring import Traffic, quiet_view
from engine.messages import FeedState
from engine.model import Mode, Side
from engine.orders_page import DeskNow, ExitNow, FillNow, OrderNow
from engine.preflight import Check, Light
from tests.bot.house import AT_S, VERSION

SNAPSHOTS = Path(__file__).parent / "snapshots"
CALL, PUT = "NIFTY 24 FEB 25300 CE", "MIDCPNIFTY 24 FEB 2026 1,34,500.00 PE <x> & y"


def order(state: str = "working", *, live: bool = True, **changes: object) -> OrderNow:
    fields: dict[str, object] = {
        "contract": CALL,
        "side": Side.BUY,
        "quantity": 130,
        "filled": 0,
        "price_paise": 2055,
        "state": state,
        "why": "",
        "live": live,
        "sent_s": AT_S - 5,
    }
    return OrderNow(**(fields | changes))


def running(*orders: OrderNow, **changes: object) -> ExitNow:
    fields: dict[str, object] = {
        "title": "3359 NIFTY Iron Condor",
        "state": "running",
        "by": "stop_loss",
        "live": True,
        "begun_s": AT_S - 63,
        "orders": orders,
    }
    return ExitNow(**(fields | changes))


REFUSED = order(
    "refused", live=False, contract=PUT, why="RMS: Margin Exceeds, Required <₹1,23,456> & Available ₹1,234"
)
EXITS = (
    running(order("part filled", filled=65), order("no answer yet"), REFUSED),
    running(
        *(order("filled", live=False, filled=130, sent_s=AT_S - n) for n in range(20)),
        title="HUF_OF_THE_FAMIL/123456789 MIDCPNIFTY Broken <Wing> Iron Condor & Friends",
        state="closed by somebody else",
        by="Asha Rao",
        live=False,
    ),
    running(state="being stopped"),
)
FILLS = (
    FillNow(AT_S, CALL, Side.BUY, 65, 2055),
    FillNow(AT_S - 1, PUT, Side.SELL, 1_23_456, 1_23_456_78_905, several=True),
    FillNow(AT_S - 2, CALL, Side.BUY, 65, None, several=True),
)
MANY_FILLS = tuple(FillNow(AT_S - n, CALL, Side.BUY, 65, 2055 + n) for n in range(300))

WELL = tuple(
    Check(name, Light.GREEN, text)
    for name, text in (
        ("rules", "act, mode execute"),
        ("feed", "live, last price 0.2 s ago"),
        ("order updates", "no trouble is known"),
        ("broker's books", "of 09:21:03"),
        ("token", "Token until Wed 4 Feb 09:00"),
        ("clock", "within 2 s of Dhan's"),
        ("lease", "ours, fence 7"),
        ("journal", "it can be written"),
        ("trade store", "rows of 09:21:15"),
        ("Telegram", "answers"),
        ("disk", "12.0 GB free of 40"),
    )
)
ILL = (
    Check(
        "feed",
        Light.AMBER,
        "rest, last price 1.2 s ago: the socket is down, quotes come by REST",
    ),
    *WELL,
    Check("journal", Light.RED, "the journal cannot be written (disk I/O error <at> /x & y)"),
    Check("Redis", Light.AMBER, "price mirror: it does not answer"),
    Check("Realtime", Light.GREEN, "live, last event 12 s ago"),
)

FEED = FeedNow(
    AT_S, FeedState.LIVE, "", "", True, 0.2,
    (
        GroupNow("NIFTY options", 24, 24, 0.2, 43.0), GroupNow("MIDCPNIFTY options", 8, 8, 0.4, 4.0),
        GroupNow("NIFTY index", 1, 1, 0.3, 0.3),
    ),
    (CALL, 43.0), (), 3, (),
)  # fmt: skip
BLIND = replace(
    FEED, state=FeedState.DOWN, detail="Dhan closed the socket (805) <too many> & more", surplus="120 more",
    data_age_s=None, oldest=None, lost_s=(AT_S - 60, AT_S - 30),
    missing=tuple(f"{PUT} {n}" for n in range(9)),
    groups=tuple(GroupNow(f"STOCK{n} options", 10, 0, None, None) for n in range(30)),
)  # fmt: skip
BEFORE, AFTER = Traffic(10_00_000, 0, 0), Traffic(10_00_850, 1_20_001, 17)

AUDITED = (
    AuditLine(9, AT_S, "command", {"wish": "exit", "strategy": 3359, "by": "Asha Rao", "user": 4242}),
    AuditLine(8, AT_S - 1, "turned away", {
        "by": "Mallory <b>", "user": 666, "chat": 666, "what": "/flatten", "why": "stranger", "more": 41,
    }),
    AuditLine(7, AT_S - 2, "tap", {"nonce": "n0nce", "yes": True, "by": "Asha Rao", "user": 4242}),
    AuditLine(6, AT_S - 3, "verdict", {
        "position": "default/3359", "rule": "stop_loss", "action": "CLOSE_IMMEDIATELY", "pnl": -4_98_000,
    }),
    AuditLine(5, AT_S - 90_000, "order", {
        "order": "P-default-260203001-1-1-1", "state": "refused", "filled": 0, "reason": "RMS & <margin>",
    }),
    AuditLine(4, AT_S - 90_001, "lease", {"fence": 7, "by": ""}),
)  # fmt: skip
LOGGED = (
    LogLine(AT_S - 3, "", "INFO told, HIGH: The price feed needs you"),
    LogLine(AT_S - 2, "HUF", "WARNING [HUF] " + "a long line of the log that goes on & on <and on> " * 12),
    LogLine(AT_S, "", "ERROR cut"),
)

DOWN = quiet_view(AT_S, Mode.EXECUTE, "Account HUF is down: the lock is held", sandbox=False)

PAGES = {
    "orders_0": orders_pages(DeskNow((), ()), AT_S),
    "orders_1": orders_pages(DeskNow((running(),), ()), AT_S),
    "orders_some": orders_pages(DeskNow(EXITS, ()), AT_S, "HUF · "),
    "orders_many": orders_pages(DeskNow(EXITS * 20, ()), AT_S),
    "trades_0": trades_pages(DeskNow((), ()), 10, AT_S),
    "trades_some": trades_pages(DeskNow((), FILLS), 10, AT_S, "HUF · "),
    "trades_many": trades_pages(DeskNow((), MANY_FILLS), 10, AT_S),
    "health_well": health_pages(WELL, AT_S),
    "health_ill": health_pages(ILL, AT_S, "HUF · "),
    "health_down": health_pages((down_check(DOWN),), AT_S),
    "drill_0": (drill_page(None, AT_S),),
    "drill_held": (drill_page(Drilled(AT_S - 7_200, ILL), AT_S, "HUF ", "HUF · "),),
    "feed_live": feed_pages(FEED, Rate(BEFORE, AFTER, 1.0)),
    "feed_blind": feed_pages(BLIND, Rate(AFTER, AFTER, 1.0), "HUF · "),
    "audit_0": audit_pages(AuditNow((), 0, 0, "")),
    "audit_some": audit_pages(AuditNow(AUDITED, 1_204, 1_204, "")),
    "audit_broken": audit_pages(AuditNow(AUDITED[:1], 9_000, 1_999, "altered at line 8,999 <x>"), "HUF · "),
    "audit_many": audit_pages(AuditNow(AUDITED * 10, 9_000, 2_000, "")),
    "log_0": log_pages((), False),
    "log_some": log_pages(LOGGED, True),
    "version": (version_page(VERSION, AT_S - 7_500, AT_S),),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_as_it_was(name: str):
    """What is shown is what the file says, message by message."""
    shown = "\n=====\n".join(
        "\n".join([page.html, *(f"[{b.text}] {b.data}" for row in page.keyboard for b in row)])
        for page in PAGES[name]
    )
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("PRAHARI_SNAPSHOTS") == "write":
        file.write_text(f"{shown}\n", encoding="utf-8")
    assert f"{shown}\n" == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_a_phone_and_a_message(name: str):
    """Columns are 32 wide, without ₹, emoji or tags in them; a message is within Telegram's limit."""
    for page in PAGES[name]:
        assert len(plain(page.html).encode("utf-16-le")) // 2 <= 4_096
        assert len(page.html) <= MESSAGE_LIMIT + 400
        for block in re.findall(r"<pre>(.*?)</pre>", page.html, re.DOTALL):
            assert "<" not in block
            for line in plain(block).split("\n"):
                assert len(line) <= COLUMNS, line
                assert not re.search("[\U0001f300-\U0001faff]", line)


@given(
    st.lists(st.lists(st.text("abc <&₹", max_size=32), min_size=1, max_size=12), max_size=400),
    st.integers(1, 3),
)
def test_blocks_are_stacked_whole_and_what_is_left_out_is_counted(blocks: list[list[str]], most: int):
    """Never more messages than asked for, none longer than Telegram takes, and the numbers add up."""
    named = [[f"#{n}#", *block] for n, block in enumerate(blocks)]
    pages = stacked("head", named, "things", foot="foot", most=most)
    text = "\n".join(page.html for page in pages)
    shown = len(re.findall(r"#\d+#", text))
    rest = re.search(r"… and (\d+) more things", text)
    assert shown + (int(rest[1]) if rest else 0) == len(blocks)
    assert 1 <= len(pages) <= most
    assert all(len(page.html) <= MESSAGE_LIMIT + 200 for page in pages)
    assert text.endswith("foot")


@pytest.mark.parametrize(
    ("health", "light", "words"),
    [
        (ChatHealth(3.0, 0, 0, (), True), Light.GREEN, "answers"),
        (ChatHealth(3.0, 2, 1, (), True), Light.GREEN, "2 messages waiting"),
        (ChatHealth(3.0, 0, 0, ("poll: conflict",), True), Light.AMBER, "poll: conflict"),
        (ChatHealth(3.0, 0, 0, (), False), Light.AMBER, "the chat's memory cannot be written"),
        (ChatHealth(None, 0, 0, (), True), Light.AMBER, "last heard never"),
        (ChatHealth(95.0, 0, 0, (), True), Light.AMBER, "last heard 2 min ago"),
        (ChatHealth(3.0, 0, 0, (), True, 1), Light.AMBER, "1 alert waits to be seen"),
    ],
)
def test_the_chat_s_own_line(health: ChatHealth, light: Light, words: str):
    """The way to Telegram is part of the house's health."""
    assert chat_check(health) == Check("Telegram", light, words)
