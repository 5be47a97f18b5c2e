"""A chat that nobody answers: what the monitor says is printed, for a run without Telegram.

Its questions are printed too. Nothing here presses their buttons: they end as unanswered ones do, and who
wants an exit asks for it by ``python -m engine exit``.
"""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable

from engine.effects import Alert, Answer, Ask, Card, Digest, Say
from engine.exit_page import told_lines
from engine.io.ports import Clock
from engine.measures import ChatMeasures
from engine.model import DEFAULT_ACCOUNT, Urgency
from engine.money import signed_rupees
from engine.sessions import ist
from engine.table import WIDTH

__all__ = ["Headless"]

#: The same topic is not told again for so long, unless it has become more urgent.
QUIET_S = {Urgency.HIGH: 60.0, Urgency.MEDIUM: 300.0, Urgency.NORMAL: 300.0}
INDENT = " " * 16


class Headless:
    """Every account's chat, as blocks of text.

    Args:
        tell: prints a block.
        clock: what the time of a block is taken from.
    """

    def __init__(self, tell: Callable[[str], None], clock: Clock) -> None:
        self._tell, self._clock = tell, clock

    def of(self, account: str) -> HeadlessPort:
        """The port of one account's house."""
        return HeadlessPort(self._tell, self._clock, account)

    async def run(self) -> None:
        """Live until cancelled, as every chat does."""
        await asyncio.Event().wait()

    @staticmethod
    def measures() -> ChatMeasures:
        """Nothing waits, because nothing is sent anywhere."""
        return ChatMeasures()


class HeadlessPort:
    """One account's mouth."""

    def __init__(self, tell: Callable[[str], None], clock: Clock, account: str) -> None:
        self._tell, self._clock = tell, clock
        self._of = "" if account == DEFAULT_ACCOUNT else f"{account}: "
        self._told: dict[str, tuple[float, Urgency]] = {}
        self._stories: dict[str, tuple[str, ...]] = {}

    def alert(self, alert: Alert) -> None:
        """Print it, each topic once in a while."""
        now_s = self._clock.now_s()
        at_s, urgency = self._told.get(alert.topic, (-1e9, alert.urgency))
        if now_s - at_s < QUIET_S[alert.urgency] and alert.urgency <= urgency:
            return
        self._told[alert.topic] = now_s, alert.urgency
        self._block(alert.urgency.name, alert.title, alert.text)

    def ask(self, ask: Ask) -> None:
        """Print a question once, and how to say yes; not each of its drawings as prices move."""
        if not ask.again or ask.anew:
            how = "Nobody can press a button here: python -m engine exit says yes to an exit."
            self._block(ask.urgency.name, ask.title, "\n".join([*ask.lines, how]))

    def answer(self, answer: Answer) -> None:
        """Nobody taps here."""

    def card(self, card: Card) -> None:
        """Print what is new of the story."""
        lines = told_lines(card.lines)
        before = self._stories.get(card.nonce, ())
        fresh = [line for line in lines if line not in before]
        if fresh or not before or card.final:
            self._block(card.urgency.name, card.title, "\n".join(fresh))
        self._stories[card.nonce] = (*before, *fresh)
        if card.final:
            self._stories.pop(card.nonce, None)

    def say(self, say: Say) -> None:
        """Print a reply."""
        self._block("", say.text, "")

    def digest(self, digest: Digest) -> None:
        """Say how the day has ended, without its picture."""
        now = digest.day.now_paise
        told = f"P&L {'unknown' if now is None else signed_rupees(now)}"
        self._block("", "The session is over", f"{told}\n{digest.books}")

    def _block(self, light: str, title: str, text: str) -> None:
        at = f"{ist(self._clock.now_s()):%H:%M:%S}"
        lines = textwrap.wrap(
            f"{at} {light:<6} {self._of}{title}", WIDTH, subsequent_indent=INDENT, break_long_words=False
        )
        for line in text.splitlines():
            lines += textwrap.wrap(line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
        self._tell("\n".join(lines))
