"""What the chat says: alerts, questions, cards and replies on their way into the outbox.

One `Voice` for the chat, one `AccountPort` for each account: it puts the account's name on what is said
and on the threads of its questions, so that two accounts never share one.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.accounts import mark
from bot.alerts import AlertGate
from bot.bubbles import reply_page
from bot.captions import digest_page
from bot.kept import alert_to_body, alerts_kept, keyboard_to_text
from bot.letters import (
    alert_letter,
    card_letters,
    digest_letter,
    question_letter,
    reply_letter,
    seen_letter,
    storm_letter,
)
from bot.storms import Said
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.alarms import Alarms
    from bot.layout import Page
    from bot.queue import Outgoing
    from bot.store import ChatStore
    from bot.toasts import Toasts
    from engine.effects import Alert, Answer, Ask, Card, Digest, Say
    from engine.io.ports import Clock

log = logging.getLogger(__name__)

#: What the chat's store keeps of alerts that are not told yet: those of a storm, and ends on trial.
HELD = "held"
END = "end"


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
        alarms: Alarms,
        unreached: Callable[[], bool],
        room: Callable[[], float],
    ) -> None:
        """Speak through an outbox.

        Args:
            store: what is not told yet is kept there.
            add: puts a letter into the outbox; ``room`` tells how many HIGH ones would leave at once.
            clock: the monitor's; ``wall_s`` is the host's.
            wall_s: epoch seconds.
            hushed: it is a quiet hour.
            alarms: what waits to be seen.
            unreached: nothing arrives at Telegram.
            room: see ``add``.
        """
        self._alarms = alarms
        self._unreached, self._free = unreached, room
        self._store = store
        self._add = add
        self._clock = clock
        self._wall_s = wall_s
        self._hushed = hushed
        self._gate = AlertGate()
        held = [alert for alert, _ in alerts_kept(store.notes(HELD))]
        self._gate.take_up(held, alerts_kept(store.notes(END)), clock.now_s())
        self._kept_ends = set(self._gate.waiting)

    def alert(self, alert: Alert, of: str = "") -> None:
        """Tell people: HIGH aloud, MEDIUM too but for quiet hours, NORMAL silently; each topic once a while.

        ``of``: the account's mark for the alert's buttons.
        """
        self._become(alert, of, self._gate.admit(alert, self._clock.now_s(), of, self._room()))
        self._keep_ends()

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
        keyboard = keyboard_to_text(letter.page.keyboard)
        self._store.expect_card(ask.nonce, keyboard, ask.wish, ask.position or "")
        if not taken:
            self._store.place_card(ask.nonce, ask.message_id)
        self._add(letter)

    def _ask_again(self, ask: Ask, letter: Outgoing) -> None:
        place = self._store.card(ask.nonce)
        if place is None or (place.answered and not ask.anew):
            return
        self._store.dress_card(ask.nonce, keyboard_to_text(letter.page.keyboard))
        self._add(letter)

    def card(self, card: Card, of: str = "") -> None:
        """Edit the message of this nonce, or send one; its buttons go when it is answered or final.

        ``of``: the account's mark.
        """
        if card.closed is not None:
            self._alarms.settled(of, card.closed)
        for letter in card_letters(card, self._store.card(card.nonce), self._wall_s()):
            self._add(letter)

    def reply(self, text: str) -> None:
        """Reply in plain words."""
        self.show(reply_page(text))

    def show(self, page: Page) -> None:
        """Reply with a page."""
        self._add(reply_letter(page, self._wall_s()))

    def tell(self, page: Page) -> None:
        """Tell what a day came to."""
        self._add(digest_letter(page, self._wall_s()))

    def look(self) -> None:
        """Say what is due: what a storm has held back, what is over for good, what nobody has seen."""
        now_s = self._clock.now_s()
        for alert, of in self._gate.proven(now_s):
            self._become(alert, of, self._gate.say(alert, now_s))
        self._keep_ends()
        summary = self._gate.storms.summary(now_s)
        if summary is not None:
            self._add(self._hush(alert_letter(summary, now_s, self._wall_s()), summary))
            self._store.unnote_all(HELD)
        self._alarms.look(unreached=self._unreached(), ending=self._gate.ending)

    def seen(self, message_id: int, page: Page) -> None:
        """The message of an alarm says from now on who has seen it."""
        thread = f"seen/{message_id}"
        self._store.place_card(thread, message_id)
        self._add(seen_letter(page, thread, self._wall_s()))

    def _room(self) -> float:
        """What waits for a Telegram that is away is told in full when it is back."""
        return math.inf if self._unreached() else self._free()

    def _become(self, alert: Alert, of: str, said: Said) -> None:
        """Tell it, count it, or keep it for the summary."""
        if said is not Said.LATER:
            self._alarms.over(alert.topic, of)
        if said is Said.NOW:
            self._tell(alert, of)
        elif said is Said.HELD and alert.urgency is Urgency.HIGH:
            self._alarms.sound(alert, of, self._clock.now_s())
            self._add(storm_letter(self._gate.storms.count(), self._alarms.open, self._wall_s()))
        elif said is Said.HELD:
            self._store.note(HELD, alert.topic, alert_to_body(alert))

    def _keep_ends(self) -> None:
        """Keep in the store which ends wait to prove themselves."""
        waiting = self._gate.waiting
        if waiting.keys() == self._kept_ends:
            return
        for topic in self._kept_ends - waiting.keys():
            self._store.unnote(END, topic)
        for topic in waiting.keys() - self._kept_ends:
            alert, of = waiting[topic]
            self._store.note(END, topic, alert_to_body(alert, of))
        self._kept_ends = set(waiting)

    def _tell(self, alert: Alert, of: str) -> None:
        log.info("told, %s: %s", alert.urgency.name, alert.title)
        now_s = self._clock.now_s()
        name = self._alarms.sound(alert, of, now_s) if alert.urgency is Urgency.HIGH else ""
        self._add(self._hush(alert_letter(alert, now_s, self._wall_s(), of, name), alert))

    def _hush(self, letter: Outgoing, alert: Alert) -> Outgoing:
        quiet = alert.urgency is not Urgency.HIGH and self._hushed()
        return replace(letter, silent=True) if quiet else letter


class AccountPort:
    """`engine.io.ports.Chat` for the house of one account; its methods only queue and return."""

    def __init__(
        self,
        account: str,
        title: str,
        voice: Voice,
        toasts: Toasts,
        chat_id: int,
        over: Callable[[Digest], None],
    ) -> None:
        """Speak for an account.

        Args:
            account: its name.
            title: stands before everything that is said, e.g. ``HUF · ``; empty with one account.
            voice: speaks.
            toasts: answer presses.
            chat_id: of this chat.
            over: hears that a session is over.
        """
        self._mark = mark(account)
        self._title = title
        self._voice = voice
        self._toasts = toasts
        self._chat_id = chat_id
        self._over = over

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
        own = replace(card, nonce=f"{self._mark}{card.nonce}", title=f"{self._title}{card.title}")
        self._voice.card(own, self._mark)

    def say(self, say: Say) -> None:
        """Reply in plain words; words for somebody outside this chat (the host's own) are not ours."""
        if say.to.chat_id == self._chat_id:
            self._voice.reply(f"{self._title}{say.text}")

    def digest(self, digest: Digest) -> None:
        """Tell what a session of this account came to."""
        self._voice.tell(digest_page(digest, self._title, self._mark))
        self._over(digest)
