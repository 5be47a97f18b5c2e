"""Signs of life: to systemd while every house's exit loop goes round, to somebody outside while all is well.

Two questions, two answers. *Would a restart help?* A loop that stands still is restarted by systemd, because
it is told of life no more. *Must a person look?* A house that is down, only alerts in its session or hears no
price is told in the chat; an outside watch that waits for our ping rings also when chat and host are gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import requests

from engine.health import Health
from engine.io.ports import Clock
from engine.words import Secret

__all__ = ["DeadMan", "Life", "notifier", "watchdog_s"]

_log = logging.getLogger(__name__)

#: How often it is looked whether every loop goes round, where systemd asks for no other pace.
LOOK_S = 10.0
#: How often until systemd is told that the start is over; after so many looks those that live are enough.
READY_LOOK_S, READY_LOOKS = 0.5, 60
#: How often the outside is told that all is well, and how long its answer is waited for.
PING_S, PING_TIMEOUT_S = 60.0, 10.0


class Watched(Protocol):
    """The line to one account's house."""

    account: str

    @property
    def rounds(self) -> int | None:
        """How often its loop has gone round in this life; None = it is down, and that has been told."""

    def health(self) -> Health | None:
        """It at this moment; None = it is down."""


def notifier(environ: Mapping[str, str] = os.environ) -> Callable[[str], None]:
    """Tells systemd; without a NOTIFY_SOCKET nobody (sd_notify(3): datagrams such as ``WATCHDOG=1``)."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return lambda _news: None
    address = address.replace("@", "\0", 1)  # an abstract socket

    def tell(news: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)  # a full socket must not hold the loop that it is about
            try:
                out.sendto(news.encode(), address)
            except OSError as error:
                _log.warning("systemd cannot be told %s: %s", news.split("=", maxsplit=1)[0], error)

    return tell


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """After how long a silence systemd restarts this process; None = never (sd_watchdog_enabled(3))."""
    word, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not word.isdecimal() or not int(word) or process not in {"", str(os.getpid())}:
        return None
    return int(word) / 1e6


class Life:
    """Tells systemd that the start is over and that every house's loop goes round; one that stands ends that.

    Args:
        lines: the lines of all enabled accounts.
        tell: sends to systemd.
        watchdog_s: after how long a silence it restarts us; None = it does not watch.
        frozen: told of an account once, when its loop begins to stand.
    """

    def __init__(
        self,
        lines: Sequence[Watched],
        tell: Callable[[str], None],
        watchdog_s: float | None,
        clock: Clock,
        frozen: Callable[[str], None],
    ) -> None:
        self._lines, self._tell, self._clock, self._frozen = lines, tell, clock, frozen
        self.every_s = LOOK_S if watchdog_s is None else watchdog_s / 3
        self._seen: dict[str, int] = {}
        self._standing: set[str] = set()

    @property
    def well(self) -> bool:
        """No house's loop stood still at the last look."""
        return not self._standing

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            await self._ready()
            while True:
                await self._clock.sleep(self.every_s)
                if self.look():
                    self._tell("WATCHDOG=1")
        except asyncio.CancelledError:  # of all tasks the first to be stopped: the house is being closed
            self._tell("STOPPING=1")
            raise

    async def _ready(self) -> None:
        """Be up when each loop goes round, after a while also without those that are down and told.

        One that is there and does not go round is waited for: to start everything anew may mend that.
        """
        for look in range(10**9):
            rounds = [line.rounds for line in self._lines]
            gone = list(map(bool, rounds))
            settled = any(gone) or all(each is None for each in rounds)
            if all(gone) or (settled and look >= READY_LOOKS):
                break
            await self._clock.sleep(READY_LOOK_S)
        self._tell(f"READY=1\nSTATUS={sum(gone)} of {len(gone)} accounts watched")

    def look(self) -> bool:
        """Whether every loop has gone round since the last look.

        A house that is down is not counted: it has been told, and a restart of all would mend nothing.
        """
        standing = set()
        for line in self._lines:
            rounds = line.rounds
            if rounds is None:
                self._seen.pop(line.account, None)
                continue
            if self._seen.get(line.account) == rounds:
                standing.add(line.account)
            self._seen[line.account] = rounds
        for account in sorted(standing - self._standing):
            _log.critical("the exit loop of account %s has stood still for %g s", account, self.every_s)
            self._frozen(account)
        for account in sorted(self._standing - standing):
            _log.warning("the exit loop of account %s goes round again", account)
        self._standing = standing
        return not standing


class DeadMan:
    """Pings an address outside for as long as all is well; who waits there rings when it stops.

    Args:
        url: whom; whoever knows it can pretend that we live, so that it is a secret.
        lines: the lines of all enabled accounts.
        turning: whether every loop goes round.
        get: asks for the address, on a thread; raises requests.RequestException.
    """

    def __init__(
        self,
        url: Secret,
        lines: Sequence[Watched],
        turning: Callable[[], bool],
        clock: Clock,
        get: Callable[[str], None] | None = None,
    ) -> None:
        self._url, self._lines, self._turning, self._clock = url, lines, turning, clock
        self._get = get or _get
        self._failing = False

    async def run(self) -> None:
        """Ping until cancelled; what fails is only logged."""
        while True:
            await self._clock.sleep(PING_S)
            if why := self.unwell():
                _log.info("the outside watch is not told that all is well: %s", why)
                continue
            try:
                await asyncio.to_thread(self._get, self._url.reveal())
            except requests.RequestException as error:
                if not self._failing:  # its text may hold the address
                    _log.warning("the outside watch cannot be told: %s", type(error).__name__)
                self._failing = True
            else:
                if self._failing:
                    _log.warning("the outside watch is told again")
                self._failing = False

    def unwell(self) -> str:
        """Why a person should look; empty = all is well."""
        if not self._turning():
            return "an exit loop stands still"
        for line in self._lines:
            health = line.health()
            if health is None:
                return f"account {line.account} is down"
            if health.silent:
                return f"account {line.account} hears no prices"
            if health.in_session and health.degraded:
                return f"account {line.account} only alerts"
        return ""


def _get(url: str) -> None:
    requests.get(url, timeout=PING_TIMEOUT_S).raise_for_status()
