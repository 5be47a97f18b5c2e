"""What each thing said becomes on its way to the phone: rank, loudness, life, thread. Pure.

Moments named ``wall_s`` are the host's clock, which is what survives a restart and what the phone shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.bubbles import alert_page, card_page, question_page
from bot.layout import Page
from bot.queue import Outgoing, Rank
from engine.model import Urgency

if TYPE_CHECKING:
    from bot.store import CardPlace
    from engine.effects import Alert, Ask, Card

_RANK = {Urgency.HIGH: Rank.HIGH, Urgency.MEDIUM: Rank.MEDIUM, Urgency.NORMAL: Rank.NORMAL}
_EDIT_RANK = {True: Rank.MEDIUM, False: Rank.EDIT}
#: An alert older than this says how late it is.
LATE_AFTER_S = 120.0
#: How long each kind is worth delivering.
NEWS_LIFE_S = 24 * 3600.0
PROGRESS_LIFE_S = 600.0
REPLY_LIFE_S = 600.0


def alert_letter(alert: Alert, now_s: float, wall_s: float, of: str = "") -> Outgoing:
    """An alert: silent when NORMAL, kept until delivered, and honest about being late.

    ``of``: the account's mark for its buttons.
    """
    return Outgoing(
        rank=_RANK[alert.urgency],
        page=alert_page(alert, now_s, of),
        created_s=wall_s,
        until_s=wall_s + NEWS_LIFE_S,
        silent=alert.urgency is Urgency.NORMAL,
        delayed_after_s=LATE_AFTER_S,
        durable=True,
    )


def question_letter(ask: Ask, now_s: float, wall_s: float) -> Outgoing:
    """A question: kept until delivered, worth nothing once it has expired.

    A rule's comes first and aloud. One that a person has just asked for is a reply like any other: it may
    not overtake the reply to what was asked before. One that is drawn again edits its message, in no hurry
    unless somebody's yes did not count; its buttons go if it was answered meanwhile.
    """
    left_s = ask.expires_s - now_s
    asked_for = ask.urgency is Urgency.NORMAL
    rank = Rank.REPLY if asked_for else Rank.QUESTION
    return Outgoing(
        rank=Rank.EDIT if ask.again and not ask.anew else rank,
        page=question_page(ask, wall_s + left_s, left_s),
        created_s=wall_s,
        until_s=wall_s + left_s,
        silent=asked_for,
        thread=ask.nonce,
        keeps_buttons=ask.again,
        durable=True,
    )


def card_letters(card: Card, place: CardPlace | None, wall_s: float) -> tuple[Outgoing, ...]:
    """A card: an edit of its message where there is one.

    The bad end of a story is a loud message of its own as well, because an edit makes no sound. Once a
    person has answered, the card hurries, but leaves room for the reply to what they send next; a card that
    changes by itself does not hurry.
    """
    page = card_page(card)
    quiet = card.urgency is Urgency.NORMAL
    if not card.final:
        rank = _RANK[card.urgency] if place is None else _EDIT_RANK[place.answered]
        until_s = wall_s + PROGRESS_LIFE_S
        return (Outgoing(rank, page, wall_s, until_s, thread=card.nonce, keeps_buttons=True, silent=quiet),)
    until_s = wall_s + NEWS_LIFE_S
    rank = Rank.REPLY if place is not None and place.answered else Rank.MEDIUM
    if card.urgency is not Urgency.HIGH:
        return (Outgoing(rank, page, wall_s, until_s, thread=card.nonce, silent=quiet, durable=True),)
    return (
        Outgoing(Rank.HIGH, page, wall_s, until_s, delayed_after_s=LATE_AFTER_S, durable=True),
        Outgoing(rank, page, wall_s, until_s, thread=card.nonce, edit_only=True, durable=True),
    )


def reply_letter(page: Page, wall_s: float) -> Outgoing:
    """The answer to a command: silent, because the person who asked is looking."""
    return Outgoing(Rank.REPLY, page, wall_s, wall_s + REPLY_LIFE_S, silent=True)
