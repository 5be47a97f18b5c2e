"""Channels beside Telegram, by the library `apprise`: ntfy, mail and many more, a thread for each.

The library blocks, and its log quotes addresses: it runs beside the loop, and says nothing there itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apprise import Apprise

__all__ = ["OtherChannels"]

#: So long one channel may take; its thread is left to end by itself after that.
LIMIT_S = 15.0


class OtherChannels:
    """Tells people by every address at once; one that hangs holds up neither the loop nor the others."""

    def __init__(self, addresses: Sequence[str], limit_s: float = LIMIT_S) -> None:
        """``addresses`` are secrets: no word that leaves here holds one."""
        total = len(addresses)
        self._channels = [
            _Channel(address, f"{address.partition('://')[0].lower()} ({number} of {total})", limit_s)
            for number, address in enumerate(addresses, 1)
        ]

    async def send(self, title: str, text: str) -> str:
        """Tell; the answer says which channels did not take it, empty = all of them did."""
        return _told(await asyncio.gather(*(channel.send(title, text) for channel in self._channels)))

    async def load(self) -> str:
        """Load the library before it is needed; the answer says which addresses it does not understand."""
        return _told(await asyncio.gather(*(channel.load() for channel in self._channels)))


def _told(said: Sequence[str]) -> str:
    return "; ".join(why for why in said if why)


class _Channel:
    """One address."""

    def __init__(self, address: str, name: str, limit_s: float) -> None:
        self._address, self._name, self._limit_s = address, name, limit_s
        self._busy = False
        self._library: Apprise | None = None

    async def send(self, title: str, text: str) -> str:
        return await self._aside(lambda: self._notify(title, text))

    async def load(self) -> str:
        return await self._aside(self._load)

    async def _aside(self, work: Callable[[], str]) -> str:
        """Do it on a thread; the answer is what went wrong, with the channel's name."""
        if self._busy:
            return f"{self._name} still hangs"
        self._busy, loop = True, asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def run() -> None:
            why = "failed"  # apprise answers for its plugins; a mistake of its own goes to the log, redacted
            try:
                why = work()
            finally:
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(self._done, answer, why)

        # a daemon, so that one that hangs does not hold up the end of the process
        threading.Thread(target=run, name=f"alert {self._name}", daemon=True).start()
        try:
            why = await asyncio.wait_for(answer, self._limit_s)
        except TimeoutError:
            why = f"did not answer in {self._limit_s:.0f} s"
        return f"{self._name} {why}" if why else ""

    def _done(self, answer: asyncio.Future[str], why: str) -> None:
        self._busy = False
        if not answer.done():  # else it was given up
            answer.set_result(why)

    def _load(self) -> str:
        if self._library is None:
            from apprise import Apprise  # noqa: PLC0415 - one second and 45 MB, and few have such a channel

            logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
            library = Apprise()
            if not library.add(self._address):
                return "is an address that apprise does not understand"
            self._library = library
        return ""

    def _notify(self, title: str, text: str) -> str:
        if why := self._load():
            return why
        assert self._library is not None  # noqa: S101 - it is loaded
        taken = self._library.notify(title=title, body=text, notify_type="failure")
        return "" if taken else "refused it or could not be reached"
