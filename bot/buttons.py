"""What the buttons do: check where the press comes from, post it, and owe it a toast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.access import actor
from engine.effects import Answer
from engine.messages import Command, Tap, Wish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from telegram import CallbackQuery, Update

    from bot.store import ChatStore
    from bot.toasts import Toasts
    from engine.messages import Message

_PICK = re.compile(r"p:(all|[0-9]{1,18})")
_LOOK = re.compile(r"([rw]):([0-9]{1,18})")
_CHOICE = re.compile(r"d:(adopt|shrink|unwatch|resume):([0-9]{1,18})")
_PRESS = re.compile(r"c:([A-Za-z0-9_-]{1,48}):([yn])")

CLOSED = "This question is closed."
UNKNOWN_BUTTON = "This button is from another version. Nothing was done."


@dataclass(frozen=True, slots=True)
class Pick:
    """A position chosen from the picker; None = all of them."""

    strategy_id: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """A page to be shown: ``r`` = the rules of a position, ``w`` = why they did what they did."""

    page: str
    strategy_id: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be made of a difference between store and broker; it is asked about first."""

    wish: Wish
    strategy_id: int


@dataclass(frozen=True, slots=True)
class Press:
    """Yes or no to the question with this nonce."""

    nonce: str
    yes: bool


def parse(data: str | None) -> Pick | Look | Choice | Press | None:
    """Read a button's data (``p:3359``, ``p:all``, ``r:3359``, ``d:adopt:3359``, ``c:<nonce>:y``).

    None = not one of ours.
    """
    if pick := _PICK.fullmatch(data or ""):
        return Pick(None if pick[1] == "all" else int(pick[1]))
    if look := _LOOK.fullmatch(data or ""):
        return Look(look[1], int(look[2]))
    if choice := _CHOICE.fullmatch(data or ""):
        return Choice(Wish(choice[1]), int(choice[2]))
    if press := _PRESS.fullmatch(data or ""):
        return Press(press[1], press[2] == "y")
    return None


class Buttons:
    """The one handler of all presses."""

    def __init__(
        self,
        *,
        post: Callable[[Message], None],
        looks: Mapping[str, Callable[[int], Awaitable[None]]],
        store: ChatStore,
        toasts: Toasts,
    ) -> None:
        """``post`` reaches the core, ``looks`` show pages; the store knows where each question stands."""
        self._post = post
        self._looks = looks
        self._store = store
        self._toasts = toasts

    async def __call__(self, update: Update, _context: Any) -> None:
        """Take one press."""
        query = update.callback_query
        if query is None:
            return
        self._toasts.opened(query.id)
        match parse(query.data):
            case Pick(strategy_id):
                place = query.message.message_id if query.message is not None else 0
                self._post(Command(Wish.EXIT, actor(update), strategy_id, message_id=place))
                self._toasts.answer(Answer(query.id, ""))
            case Look(page, strategy_id):
                self._toasts.answer(Answer(query.id, ""))
                await self._looks[page](strategy_id)
            case Choice(wish, strategy_id):
                self._post(Command(wish, actor(update), strategy_id))
                self._toasts.answer(Answer(query.id, ""))
            case Press(nonce, yes):
                if self._lives_here(nonce, query):
                    self._store.answer_card(nonce)
                    self._post(Tap(nonce, yes, actor(update), query.id))
                else:
                    self._toasts.answer(Answer(query.id, CLOSED, alarm=True))
            case None:
                self._toasts.answer(Answer(query.id, UNKNOWN_BUTTON, alarm=True))

    def _lives_here(self, nonce: str, query: CallbackQuery) -> bool:
        """Check that the press comes from the very message that the question was sent as.

        A press may outrun the receipt of its question, or the receipt may be lost and the question be
        sent a second time: then the message pressed is the question's from now on. Nobody else knows
        the nonce, and the core counts the first press only.
        """
        place = self._store.card(nonce)
        if place is None or query.message is None:
            return False
        if place.message_id is None or place.doubtful:
            self._store.place_card(nonce, query.message.message_id)
            return True
        return place.message_id == query.message.message_id
