"""What the commands do: read the words, post a message or show a page, and be done.

Nothing here waits: the core answers by effects, which come back through the outbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.access import actor
from bot.layout import Page, cut
from bot.status import status_pages
from bot.views import help_page, picker_page, start_page
from engine.errors import BadInput
from engine.messages import Command, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Update

    from engine.messages import Message
    from engine.view import MonitorView

#: A strategy id of the trades table has at most so many digits (a 64-bit integer).
_ID_DIGITS = 18


def exit_wish(words: list[str]) -> int | None:
    """Read what follows /exit: a strategy id, or None for every position.

    Raises:
        BadInput: neither an id nor ``all``.
    """
    text = " ".join(words)
    if text.lower() == "all":
        return None
    if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS:
        return int(text)
    raise BadInput(
        f"Read “{cut(text, 40)}” after /exit; expected a strategy id like 3359, or all. Nothing was done."
        " Write /exit alone to pick from a list."
    )


class Commands:
    """One method per command, in the library's shape of a handler."""

    def __init__(
        self,
        *,
        post: Callable[[Message], None],
        view: Callable[[], MonitorView],
        show: Callable[[Page], None],
        say: Callable[[str], None],
    ) -> None:
        """``post`` reaches the core, ``view`` shows it, ``show`` and ``say`` reach the phone."""
        self._post = post
        self._view = view
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

    async def stop(self, update: Update, _context: Any) -> None:
        """Halt, without a question: the safe direction is instant."""
        self._post(Command(Wish.STOP, actor(update)))

    async def resume(self, update: Update, _context: Any) -> None:
        """Ask for the halt to end; the core has it confirmed."""
        self._post(Command(Wish.RESUME, actor(update)))

    async def other(self, update: Update, _context: Any) -> None:
        """Anything else that is written."""
        text = update.message.text if update.message is not None else None
        self._say(f"I do not know “{cut(text or 'that', 40)}”. Nothing was done. /help lists the commands.")
