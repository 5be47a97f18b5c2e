"""Our own long poll for updates.

The library's Updater ends for good at one 401 or 404 (a block page of the network is enough), says
nothing about a connection that has gone dark, and spins when it is started again. This one outlives
all of that, says what is wrong once and when it is over, and remembers each update durably before it
is acted upon, so that an update which Telegram delivers again is not run again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telegram import Update
from telegram.error import RetryAfter
from telegram.request import HTTPXRequest

from bot.faults import WIRE_FAULTS, FaultBook, kind_of
from bot.sender import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram.ext import ExtBot

    from bot.store import ChatStore
    from engine.io.ports import Clock

log = logging.getLogger(__name__)

#: Edits are left out on purpose: changing an old "/exit 1" must not exit anything.
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")


@dataclass(frozen=True, slots=True)
class PollPace:
    """How patient the poll is.

    Attributes:
        hold_s: how long Telegram may hold a poll open while nothing happens; whole seconds on the wire.
        grace_s: how much later than that the answer may come before the connection counts as dark.
        first_rest_s: the rest after a first failure; it doubles with each further one.
        longest_rest_s: the most it rests, so that a command is heard soon after an outage.
    """

    hold_s: int = 25
    grace_s: float = 5.0
    first_rest_s: float = 0.5
    longest_rest_s: float = 4.0


class Poller:
    """Asks for updates until cancelled and hands each new one on."""

    def __init__(
        self,
        bot: ExtBot[None],
        *,
        store: ChatStore,
        faults: FaultBook,
        clock: Clock,
        pace: PollPace,
        hand_on: Callable[[Update], Awaitable[None]],
    ) -> None:
        """Poll as this bot; ``hand_on`` gets each update once, in order."""
        self._bot = bot
        self._store = store
        self._faults = faults
        self._clock = clock
        self._pace = pace
        self._hand_on = hand_on
        self._failures = 0
        # Starts without an offset: Telegram then gives all it has, and what was run is known by the
        # store. A stored offset could hide updates, because Telegram may start its numbers anew.
        self._offset: int | None = None
        self.last_success_s: float | None = None

    async def run(self) -> None:
        """Poll for ever; network trouble is told, never raised."""
        while True:
            try:
                updates = await self._poll()
            except WIRE_FAULTS as error:
                await self._failed(error)
                continue
            self._succeeded()
            for update in updates:
                self._offset = update.update_id + 1
                if self._store.first_sight(identity(update)):
                    await self._hand_on(update)
                else:
                    log.info("chat: update %d was delivered again and is not run again", update.update_id)

    async def _poll(self) -> tuple[Update, ...]:
        return await self._bot.get_updates(
            offset=self._offset,
            timeout=self._pace.hold_s,
            allowed_updates=ALLOWED_UPDATES,
            read_timeout=self._pace.grace_s,
        )

    async def _failed(self, error: Exception) -> None:
        self._faults.seen(kind_of(error), self._clock.now_s())
        rest_s = min(self._pace.first_rest_s * 2**self._failures, self._pace.longest_rest_s)
        if isinstance(error, RetryAfter):
            rest_s = max(rest_s, retry_after_s(error))
        self._failures = min(self._failures + 1, 10)
        await self._clock.sleep(rest_s)

    def _succeeded(self) -> None:
        self._failures = 0
        self.last_success_s = self._clock.now_s()
        self._faults.gone(self.last_success_s)


def identity(update: Update) -> str:
    """Name an update so that only the same one has the name again.

    The number alone is not enough: Telegram may start its numbers anew after a quiet week, and the
    sandbox does so in each life.
    """
    message = update.effective_message
    query = update.callback_query
    sent_s = int(message.date.timestamp()) if message is not None else 0
    return f"{update.update_id}/{sent_s}/{query.id if query is not None else ''}"


class UpdatesRequest(HTTPXRequest):
    """The poll's own connection, which leaves out what nobody can read.

    Without this one unreadable update would come first in every answer, and no command after it would
    ever be heard. It is replaced by an empty update of the same number, so that it gets confirmed.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse an answer and blank the updates in it that the library cannot read."""
        answer = HTTPXRequest.parse_json_payload(payload)
        result = answer.get("result")
        if isinstance(result, list):
            answer["result"] = [_readable(raw) for raw in result]
        return answer


def _readable(raw: Any) -> Any:
    try:
        Update.de_json(raw, None)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.error("chat: an update cannot be read and is left out: %s", type(error).__name__)
        return {"update_id": raw["update_id"]}
    return raw
