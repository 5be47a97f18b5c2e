"""What the commands do: read the words, post a message or show a page, and be done.

Nothing here waits: the core answers by effects, which come back through the outbox.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bot.access import actor
from bot.layout import Page, cut
from bot.rules_view import rules_pages, usage_page
from bot.status import status_pages
from bot.views import help_page, look_page, picker_page, start_page
from bot.why_view import why_page
from engine.errors import BadInput
from engine.messages import Command, Wish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Update

    from engine.io.whys import Found
    from engine.messages import Message
    from engine.picture import RulesNow
    from engine.view import MonitorView

#: A strategy id of the trades table has at most so many digits (a 64-bit integer).
_ID_DIGITS = 18
#: Longer values no rule has.
_VALUE_COLUMNS = 200


def exit_wish(words: list[str]) -> int | None:
    """Read what follows /exit: a strategy id, or None for every position.

    Raises:
        BadInput: neither an id nor ``all``.
    """
    text = " ".join(words)
    if text.lower() == "all":
        return None
    return _id(text, "exit", ", or all")


def set_wish(words: list[str]) -> tuple[int, str, str] | None:
    """Read what follows /set: strategy id, rule and value; None = it is not all there.

    Raises:
        BadInput: the first word is no strategy id, or the value is endless.
    """
    if not words:
        return None
    strategy_id, value = _id(words[0], "set"), " ".join(words[2:])
    if len(value) > _VALUE_COLUMNS:
        raise BadInput(f"The value is longer than {_VALUE_COLUMNS} characters. Nothing was done.")
    return (strategy_id, words[1], value) if value else None


def _id(text: str, command: str, or_else: str = "") -> int:
    """A strategy id.

    Raises:
        BadInput: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS:
        return int(text)
    alone = {"set": "to see how it is written", "resume": "to resume everything"}.get(
        command, "to pick from a list"
    )
    raise BadInput(
        f"Read “{cut(text, 40)}” after /{command}; expected a strategy id like 3359{or_else}."
        f" Nothing was done. Write /{command} alone {alone}."
    )


class Commands:
    """One method per command, in the library's shape of a handler."""

    def __init__(
        self,
        *,
        post: Callable[[Message], None],
        view: Callable[[], MonitorView],
        rules: Callable[[int], tuple[RulesNow, ...]],
        why: Callable[[int], Awaitable[tuple[Found, ...]]],
        show: Callable[[Page], None],
        say: Callable[[str], None],
    ) -> None:
        """``post`` reaches the core, ``show`` and ``say`` the phone; the others show how things stand."""
        self._post = post
        self._view = view
        self._rules = rules
        self._why = why
        self._show = show
        self._say = say

    async def start(self, update: Update, _context: Any) -> None:
        """Greet."""
        self._show(start_page(self._view(), actor(update)))

    async def help(self, _update: Update, _context: Any) -> None:
        """Explain."""
        self._show(help_page())

    async def status(self, _update: Update, _context: Any) -> None:
        """Show how everything stands."""
        for page in status_pages(self._view()):
            self._show(page)

    async def exit(self, update: Update, context: Any) -> None:
        """Open the picker, or ask the core for the question about an exit."""
        if not context.args:
            self._show(picker_page(self._view()))
            return
        try:
            strategy_id = exit_wish(context.args)
        except BadInput as error:
            self._say(str(error))
            return
        self._post(Command(Wish.EXIT, actor(update), strategy_id))

    async def rules(self, _update: Update, context: Any) -> None:
        """Show a position's rules, or the positions to choose from."""
        await self._look("rules", context.args, self.show_rules)

    async def why(self, _update: Update, context: Any) -> None:
        """Tell what a position's rules did, or show the positions to choose from."""
        await self._look("why", context.args, self.show_why)

    async def _look(self, command: str, words: list[str], show: Callable[[int], Awaitable[None]]) -> None:
        known = sorted({p.strategy_id for p in self._view().positions})
        if words or len(known) == 1:
            try:
                strategy_id = _id(" ".join(words), command) if words else known[0]
            except BadInput as error:
                self._say(str(error))
                return
            await show(strategy_id)
            return
        self._show(look_page(self._view(), command))

    async def show_rules(self, strategy_id: int) -> None:
        """Show the rules of one position, or of each account's that has this id."""
        found = self._rules(strategy_id)
        if not found:
            self._say(f"No open position {strategy_id}. /status lists what is watched.")
        for page in rules_pages(found, self._view().at_s):
            self._show(page)

    async def show_why(self, strategy_id: int) -> None:
        """Tell the story of one position, watched still or not; made aside, the loop goes on."""
        try:
            found = await self._why(strategy_id)
        except BadInput as error:
            self._say(f"The journal cannot be read now: {error}")
            return
        if not found:
            self._say(f"Nothing was seen of {strategy_id} yet. /status lists what is watched.")
        for each in found:
            self._show(await asyncio.to_thread(why_page, each, self._view()))

    async def set(self, update: Update, context: Any) -> None:
        """Ask the core for the question about a tighter rule; anything unclear shows how it is written."""
        try:
            wish = set_wish(context.args)
        except BadInput as error:
            self._say(str(error))
            return
        if wish is None:
            self._show(usage_page(int(context.args[0]) if context.args else None))
            return
        strategy_id, rule, value = wish
        self._post(Command(Wish.SET, actor(update), strategy_id, rule=rule, value=value))

    async def flatten(self, update: Update, context: Any) -> None:
        """Ask the core for the question about the whole account; without the word it says what that is."""
        self._post(Command(Wish.FLATTEN, actor(update), value=" ".join(context.args)[:_VALUE_COLUMNS]))

    async def stop(self, update: Update, _context: Any) -> None:
        """Halt, without a question: the safe direction is instant."""
        self._post(Command(Wish.STOP, actor(update)))

    async def resume(self, update: Update, context: Any) -> None:
        """Ask for the halt to end, or for one held position to go on; the core has it confirmed."""
        try:
            strategy_id = _id(" ".join(context.args), "resume") if context.args else None
        except BadInput as error:
            self._say(str(error))
            return
        self._post(Command(Wish.RESUME, actor(update), strategy_id))

    async def other(self, update: Update, _context: Any) -> None:
        """Anything else that is written."""
        text = update.message.text if update.message is not None else None
        self._say(f"I do not know “{cut(text or 'that', 40)}”. Nothing was done. /help lists the commands.")
