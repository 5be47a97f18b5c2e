"""What loosens takes two keys: a code that stands only on its card, typed by who asked, and a minute.

One such change is open at a time. Its code is drawn from the secret chance of this process, counts once,
dies after two minutes, and after three wrong ones. During the minute anybody who may say no can cancel,
and /stop does. Nothing of it survives a restart but the word that it is over.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.effects import Answer, Ask, Audit, Card, Record, Say
from engine.errors import BadInput
from engine.model import Urgency
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.effects import Effect
    from engine.messages import Actor, Command, Tap, Wish
    from engine.model import PositionId

__all__ = ["HOLD_S", "Change", "TwoKeys"]

#: How long the code may be typed.
CODE_S = 120.0
#: How long a change waits once it was.
HOLD_S = 60.0
#: So many wrong codes end it.
WRONG = 3

_KIND = "two_keys"


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants.

    Attributes:
        title: e.g. ``Raise the mode to execute``.
        lines: what would be otherwise.
        apply: does it, or raises `BadInput`; the card's last lines, and all other effects.
    """

    wish: Wish
    title: str
    lines: tuple[str, ...]
    apply: Callable[[float], tuple[tuple[str, ...], list[Effect]]]
    position: PositionId | None = None


@dataclass(slots=True)
class _Open:
    """A change under way: by whom, its code, wrong ones, until when, and whether the code was typed."""

    change: Change
    nonce: str
    by: Actor
    code: str
    until_s: float
    wrong: int = 0
    held: bool = False


class TwoKeys:
    """The one change that is open, if there is one.

    Args:
        seed: secret chance of this process, at least 16 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._count = 0
        self._open: _Open | None = None
        self._left: dict[str, str] = {}

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """What an earlier life has left open is over; the next look says so."""
        self._left = {nonce: row["title"] for nonce, row in rows.items() if row["open"]}

    @property
    def awaited(self) -> int | None:
        """The user whose code is waited for."""
        return self._open.by.user_id if self._open is not None and not self._open.held else None

    def words(self) -> str:
        """What is under way, as a sentence; empty = nothing."""
        now = self._open
        if now is None:
            return ""
        if not now.held:
            return f"Waiting for {now.by.name}'s code: {now.change.title.lower()}."
        return f"At {ist(now.until_s):%H:%M:%S}: {now.change.title.lower()}. /stop cancels."

    # ----------------------------------------------------------------------------------- asking

    def ask(self, change: Change, by: Actor, now_s: float) -> list[Effect]:
        """Show the code of a change; one that was open is over."""
        effects = self.cancel("Something else was asked for since.")
        self._count += 1
        nonce = self._draw(f"nonce:{self._count}:{now_s}").hexdigest()[:12]
        number = int(self._draw(f"code:{self._count}:{now_s}:{nonce}").hexdigest(), 16)
        self._open = _Open(change, nonce, by, f"{number % 10_000:04d}", now_s + CODE_S)
        record = Record(_KIND, nonce, {"title": change.title, "open": True})
        return [*effects, record, self._said("asked", self._open), self._card()]

    def code(self, command: Command, now_s: float) -> list[Effect]:
        """Somebody has typed a code."""
        now, by = self._open, command.by
        if now is None or now.held or now_s >= now.until_s:
            return [Say(by, "Nothing waits for a code.")]
        if by.user_id != now.by.user_id:
            return [self._said("foreign code", now, by), Say(by, f"The code is {now.by.name}'s to type.")]
        if not hmac.compare_digest(command.value.strip().encode(), now.code.encode()):
            now.wrong += 1
            if now.wrong >= WRONG:
                return [self._said("wrong code", now, by), *self.cancel("Three wrong codes.")]
            left = WRONG - now.wrong
            return [self._said("wrong code", now, by), Say(by, f"Wrong code; {left} more may be tried.")]
        now.held, now.until_s = True, now_s + HOLD_S
        return [self._said("held", now, by), self._card(again=True)]

    def tap(self, tap: Tap) -> list[Effect] | None:
        """A press on a change's card; None = it is none of ours. There is only a no on it."""
        now = self._open
        if now is None or tap.nonce != now.nonce:
            return None
        if tap.yes:
            return [Answer(tap.callback_id, "Type the code that stands there.", alarm=True)]
        return [Answer(tap.callback_id, "Cancelled."), *self.cancel(f"Cancelled by {tap.by.name}.")]

    # ------------------------------------------------------------------------------ what follows

    def look(self, now_s: float) -> list[Effect]:
        """Let time do its part: the code dies, or the change comes about."""
        effects: list[Effect] = []
        for nonce, title in self._left.items():
            effects += self._end(nonce, title, "The monitor was restarted meanwhile; nothing was changed.")
        self._left = {}
        now = self._open
        if now is None or now_s < now.until_s:
            return effects
        if not now.held:
            return effects + self.cancel("No code in time.")
        try:
            lines, done = now.change.apply(now_s)
        except BadInput as why:
            return effects + self.cancel(f"{why}.")
        self._open = None
        card = Card(now.nonce, f"Done: {now.change.title}", lines, final=True, done=True)
        closed = Record(_KIND, now.nonce, {"title": now.change.title, "open": False})
        return [*effects, closed, self._said("done", now), *done, card]

    def cancel(self, why: str) -> list[Effect]:
        """Whatever is open is over, and nothing is changed; nothing open is no error."""
        now, self._open = self._open, None
        if now is None:
            return []
        text = f"{why} Nothing was changed."
        return [self._said("cancelled", now), *self._end(now.nonce, now.change.title, text)]

    def _end(self, nonce: str, title: str, text: str) -> list[Effect]:
        record = Record(_KIND, nonce, {"title": title, "open": False})
        return [record, Card(nonce, f"Not done: {title}", (text,), final=True)]

    def _card(self, *, again: bool = False) -> Ask:
        now = self._open
        assert now is not None  # noqa: S101 - only called with a change at hand
        if now.held:
            how: tuple[str, ...] = ("The code was right. Cancel, or /stop, until then.",)
        else:
            how = ("To confirm, type", f"  /code {now.code}", f"It counts {HOLD_S:.0f} s after that.")
        return Ask(
            now.nonce, now.change.wish, f"{now.change.title}?", (*now.change.lines, *how), now.until_s,
            Urgency.NORMAL, "", "Cancel", now.change.position, again=again, anew=again,
            until="Takes effect" if now.held else "The code expires", edition=int(again),
        )  # fmt: skip

    def _said(self, what: str, now: _Open, by: Actor | None = None) -> Audit:
        """A line of the story; the code itself is nowhere but on the card."""
        who, title = by or now.by, now.change.title
        data = {"what": what, "change": title, "by": who.name, "user": who.user_id, "nonce": now.nonce}
        return Audit("two keys", data)

    def _draw(self, what: str) -> hashlib.blake2s:
        return hashlib.blake2s(what.encode(), key=self._seed)
