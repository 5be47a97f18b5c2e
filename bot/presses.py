"""What a press does: whose account it is, may this person, is it the very message; then post it.

A toast is owed to every press.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.access import actor
from bot.accounts import mark
from bot.buttons import Choice, Look, Pick, Press, Run, parse
from bot.roles import NEEDS, Role, answer_needs
from engine.effects import Answer
from engine.exit_wishes import HALF
from engine.messages import Command, Tap, Wish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from telegram import CallbackQuery, Update

    from bot.accounts import Accounts
    from bot.buttons import Pressed
    from bot.roles import Roles
    from bot.store import ChatStore
    from bot.switchboard import Switchboard
    from bot.toasts import Toasts
    from engine.io.app import Wiring
    from engine.messages import Actor

CLOSED = "This question is closed."
UNKNOWN_BUTTON = "This button is from another version. Nothing was done."


class Presses:
    """The one handler of all presses."""

    def __init__(
        self,
        accounts: Accounts,
        roles: Roles,
        switchboard: Switchboard,
        *,
        looks: Mapping[str, Callable[[Wiring, int], Awaitable[None]]],
        store: ChatStore,
        toasts: Toasts,
    ) -> None:
        """``looks`` show pages; the store knows where each question stands."""
        self._accounts = accounts
        self._roles = roles
        self._switchboard = switchboard
        self._looks = looks
        self._store = store
        self._toasts = toasts

    async def __call__(self, update: Update, _context: Any) -> None:
        """Take one press."""
        query = update.callback_query
        if query is None:
            return
        self._toasts.opened(query.id)
        pressed, who = parse(query.data), actor(update)
        if isinstance(pressed, Run):
            await self._run(pressed, who, query)
            return
        one = self._accounts.find(pressed.account) if pressed is not None else None
        if pressed is None or one is None:
            self._toasts.answer(Answer(query.id, UNKNOWN_BUTTON, alarm=True))
        elif not self._roles.may(one.people, who, needed := self._needs(pressed)):
            why = self._switchboard.refused(f"the button {query.data}", needed, who, one)
            self._toasts.answer(Answer(query.id, why, alarm=True))
        else:
            await self._press(pressed, one, who, query)

    async def _run(self, pressed: Run, who: Actor, query: CallbackQuery) -> None:
        known = self._switchboard.knows(pressed.word)
        said = "" if known else UNKNOWN_BUTTON
        self._toasts.answer(Answer(query.id, said, alarm=not known))
        if known:
            await self._switchboard.run(pressed.word, pressed.words, who)

    def _needs(self, pressed: Pressed) -> Role:
        match pressed:
            case Pick():
                return NEEDS[Wish.EXIT]
            case Choice(wish):
                return NEEDS[wish]
            case Press(nonce, yes, account):
                place = self._store.card(mark(account) + nonce)
                if place is not None:  # else it is closed, for whoever presses
                    return answer_needs(place.wish, yes=yes)
        return Role.VIEWER

    async def _press(self, pressed: Pressed, one: Wiring, who: Actor, query: CallbackQuery) -> None:
        match pressed:
            case Pick(strategy_id, _, half):
                place = query.message.message_id if query.message is not None else 0
                value = HALF if half else ""
                one.post(Command(Wish.EXIT, who, strategy_id, message_id=place, value=value))
                self._toasts.answer(Answer(query.id, ""))
            case Look(page, strategy_id):
                self._toasts.answer(Answer(query.id, ""))
                await self._looks[page](one, strategy_id)
            case Choice(wish, strategy_id):
                one.post(Command(wish, who, strategy_id))
                self._toasts.answer(Answer(query.id, ""))
            case Press(nonce, yes, _, edition):
                thread = mark(one.account) + nonce
                if self._lives_here(thread, query):
                    self._store.answer_card(thread)
                    one.post(Tap(nonce, yes, who, query.id, edition))
                else:
                    self._toasts.answer(Answer(query.id, CLOSED, alarm=True))

    def _lives_here(self, thread: str, query: CallbackQuery) -> bool:
        """Check that the press comes from the very message that the question was sent as.

        A press may outrun the receipt of its question, or the receipt may be lost and the question be
        sent a second time: then the message pressed is the question's from now on. Nobody else knows
        the nonce, and the core counts the first press only.
        """
        place = self._store.card(thread)
        if place is None or query.message is None:
            return False
        if place.message_id is None or place.doubtful:
            self._store.place_card(thread, query.message.message_id)
            return True
        return place.message_id == query.message.message_id
