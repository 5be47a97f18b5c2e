"""Alerts, questions, cards and replies, exactly as they are sent."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.bubbles import alert_page, card_page, event_id, question_page, reply_page
from bot.layout import Button, plain
from engine.effects import Alert, Ask, Card
from engine.messages import Wish
from engine.model import PositionId, Urgency
from tests.bot.house import AT_S


def ask(wish: Wish = Wish.EXIT, urgency: Urgency = Urgency.MEDIUM) -> Ask:
    """A question as the core asks it."""
    lines = ("P&L ₹1,540.00 reached the target.", "NIFTY 24 NOV 25300 CE", "  BUY 130 at about 20.55")
    return Ask("abc123", wish, "Profit target: exit NIFTY?", lines, AT_S + 60, urgency, "Exit now", "Not now")


def test_a_high_alert():
    """A red mark, what, why, which position, and an id to know a duplicate by."""
    alert = Alert(Urgency.HIGH, "stop", "NIFTY <Iron>", "Loss of ₹5,100 & more.", PositionId("default/3359"))
    assert alert_page(alert, AT_S).html == (
        f"🔴 <b>NIFTY &lt;Iron&gt;</b>\nLoss of ₹5,100 &amp; more.\n<i>3359 · id {event_id('stop', AT_S)}</i>"
    )


def test_the_calm_alerts():
    """MEDIUM is orange, NORMAL has no mark; another account is named."""
    medium = Alert(Urgency.MEDIUM, "t", "Title", "Text", PositionId("wife/7"))
    assert alert_page(medium, AT_S).html.startswith("🟠 <b>Title</b>\nText\n<i>wife/7 · id ")
    assert alert_page(Alert(Urgency.NORMAL, "t", "Title", "Text"), AT_S).html.startswith("<b>Title</b>")


def test_an_event_has_one_id_of_its_own():
    """The same event has the same five letters, another moment or topic others."""
    assert event_id("stop", AT_S) == event_id("stop", AT_S)
    assert len({event_id("stop", AT_S), event_id("stop", AT_S + 0.5), event_id("target", AT_S)}) == 3
    assert len(event_id("stop", AT_S)) == 5


def test_a_question():
    """Why, what would be traded, until when by the phone's own countdown, and a red yes."""
    page = question_page(ask(), 1_800_000_060.4, 59.6)
    assert page.html == (
        "🟠 <b>Profit target: exit NIFTY?</b>\n"
        "P&amp;L ₹1,540.00 reached the target.\n"
        "<pre>NIFTY 24 NOV 25300 CE\n  BUY 130 at about 20.55</pre>\n"
        'Expires <tg-time unix="1800000060" format="r">in 60 s</tg-time>. One answer counts.'
    )
    assert page.keyboard == ((Button("Exit now", "c:abc123:y", "danger"), Button("Not now", "c:abc123:n")),)


def test_the_way_back_to_normal_is_green():
    """Ending a halt is not a destructive yes."""
    page = question_page(ask(Wish.RESUME, Urgency.NORMAL), AT_S, 60)
    assert page.keyboard[0][0].style == "success"
    assert page.html.startswith("<b>Profit")


def test_a_button_is_within_telegrams_64_bytes():
    """The longest nonce that the buttons read still fits."""
    assert len(f"c:{'n' * 48}:y".encode()) <= 64


def test_cards():
    """Under way an hourglass, a tick when it is done, nothing when left alone, red at a bad end."""

    def html(*, final: bool, urgency: Urgency = Urgency.NORMAL, done: bool = False) -> str:
        return card_page(Card("n", "Exiting: NIFTY", ("leg", "  BUY 0/130"), final, urgency, done)).html

    assert html(final=False) == "⏳ <b>Exiting: NIFTY</b>\n<pre>leg\n  BUY 0/130</pre>"
    assert html(final=True, done=True).startswith("✅ <b>Exiting")
    assert html(final=True).startswith("<b>Exiting")
    assert html(final=True, urgency=Urgency.HIGH).startswith("🔴 <b>Exiting")


def test_a_question_about_very_many_legs_still_arrives():
    """What does not fit into one message is counted, not sent in vain."""
    lines = tuple(f"leg {number} <&>\n" * 4 for number in range(200))
    for page in (
        question_page(replace(ask(), lines=lines), AT_S, 60),
        card_page(Card("n", "Exiting", lines, final=False)),
    ):
        assert len(plain(page.html).encode("utf-16-le")) // 2 < 4096
        assert re.search(r"… and \d+ more lines", page.html)


def test_an_endless_text_is_cut_below_telegrams_limit():
    """A broker's error page in an alert must not make the alert undeliverable."""
    assert len(alert_page(Alert(Urgency.HIGH, "t", "Title", "x" * 9000), AT_S).html) < 4096
    assert len(reply_page("x" * 9000).html) < 4096


def test_a_tightening_is_blue_and_red_when_it_sends_orders_at_once():
    """The colour of yes warns before the words are read."""
    [[yes, _]] = question_page(ask(Wish.SET), AT_S, 60.0).keyboard
    [[red, _]] = question_page(replace(ask(Wish.SET), drastic=True), AT_S, 60.0).keyboard
    assert (yes.style, red.style) == ("primary", "danger")
