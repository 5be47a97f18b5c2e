"""What the chat says: alerts, questions, cards and replies on their way into the outbox.

One `Voice` for the chat, one `AccountPort` for each account: it puts the account's name on what is said
and on the threads of its questions, so that two accounts never share one.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.accounts import mark
from bot.alerts import AlertGate
from bot.bubbles import reply_page
from bot.kept import keyboard_to_text
from bot.letters import alert_letter, card_letters, question_letter, reply_letter
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.layout import Page
    from bot.queue import Outgoing
    from bot.store import ChatStore
    from bot.toasts import Toasts
    from engine.effects import Alert, Answer, Ask, Card, Say
    from engine.io.ports import Clock

log = logging.getLogger(__name__)


class Voice:
    """Turns what is said into letters. Nothing here waits."""

    def __init__(
        self,
        *,
        store: ChatStore,
        add: Callable[[Outgoing], None],
        clock: Clock,
        wall_s: Callable[[], float],
        hushed: Callable[[], bool],
    ) -> None:
        """``add`` puts a letter into the outbox; ``hushed`` tells whether it is a quiet hour."""
        self._store = store
        self._add = add
        self._clock = clock
        self._wall_s = wall_s
        self._hushed = hushed
        self._alerts = AlertGate()

    def alert(self, alert: Alert, of: str = "") -> None:
        """Tell people: HIGH aloud, MEDIUM too but for quiet hours, NORMAL silently; each topic once a while.

        ``of``: the account's mark for the alert's buttons.
        """
        if self._alerts.admit(alert, self._clock.now_s(), of):
            self._tell(alert, of)

    def ask(self, ask: Ask) -> None:
        """Show a question with its two buttons; the picker it was chosen on becomes the question.

        Only once: a second choice on the same picker is a message of its own. What was asked already
        changes its message; one that was answered meanwhile stays as it is, unless that did not count.
        """
        letter = question_letter(ask, self._clock.now_s(), self._wall_s())
        if ask.again:
            self._ask_again(ask, letter)
            return
        taken = not ask.message_id or self._store.carries(ask.message_id)
        self._store.expect_card(ask.nonce, keyboard_to_text(letter.page.keyboard), ask.wish)
        if not taken:
            self._store.place_card(ask.nonce, ask.message_id)
        self._add(letter)

    def _ask_again(self, ask: Ask, letter: Outgoing) -> None:
        place = self._store.card(ask.nonce)
        if place is None or (place.answered and not ask.anew):
            return
        self._store.dress_card(ask.nonce, keyboard_to_text(letter.page.keyboard))
        self._add(letter)

    def card(self, card: Card) -> None:
        """Edit the message of this nonce, or send one; its buttons go when it is answered or final."""
        for letter in card_letters(card, self._store.card(card.nonce), self._wall_s()):
            self._add(letter)

    def reply(self, text: str) -> None:
        """Reply in plain words."""
        self.show(reply_page(text))

    def show(self, page: Page) -> None:
        """Reply with a page."""
        self._add(reply_letter(page, self._wall_s()))

    def look(self) -> None:
        """Say what a storm has held back, and which troubles are over for good, when that is due."""
        for alert, of in self._alerts.proven(self._clock.now_s()):
            self._tell(alert, of)
        summary = self._alerts.summary(self._clock.now_s())
        if summary is not None:
            self._tell(summary)

    def _tell(self, alert: Alert, of: str = "") -> None:
        log.info("told, %s: %s", alert.urgency.name, alert.title)
        letter = alert_letter(alert, self._clock.now_s(), self._wall_s(), of)
        if alert.urgency is not Urgency.HIGH and self._hushed():
            letter = replace(letter, silent=True)
        self._add(letter)


class AccountPort:
    """`engine.io.ports.Chat` for the house of one account; its methods only queue and return."""

    def __init__(self, account: str, title: str, voice: Voice, toasts: Toasts, chat_id: int) -> None:
        """``title`` stands before everything that is said, e.g. ``HUF · ``; empty with one account."""
        self._mark = mark(account)
        self._title = title
        self._voice = voice
        self._toasts = toasts
        self._chat_id = chat_id

    def alert(self, alert: Alert) -> None:
        """Tell people; cool-downs are the account's own."""
        own = replace(alert, topic=f"{self._mark}{alert.topic}", title=f"{self._title}{alert.title}")
        self._voice.alert(own, self._mark)

    def ask(self, ask: Ask) -> None:
        """Ask; the question's nonce is the account's own."""
        self._voice.ask(replace(ask, nonce=f"{self._mark}{ask.nonce}", title=f"{self._title}{ask.title}"))

    def answer(self, answer: Answer) -> None:
        """Answer a press."""
        self._toasts.answer(answer)

    def card(self, card: Card) -> None:
        """Show how far a question or an exit of this account is."""
        self._voice.card(replace(card, nonce=f"{self._mark}{card.nonce}", title=f"{self._title}{card.title}"))

    def say(self, say: Say) -> None:
        """Reply in plain words; words for somebody outside this chat (the host's own) are not ours."""
        if say.to.chat_id == self._chat_id:
            self._voice.reply(f"{self._title}{say.text}")
