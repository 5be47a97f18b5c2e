"""When to come back after a socket of Dhan's was cut, and when not to. No sockets, no clock.

Dhan cuts for many reasons and rarely says which. Coming back too fast is answered with HTTP 429 for
the whole account, for minutes; coming back again and again after "too many connections" only throws
out other programs of the owner's. So the pause depends on the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: A connection that lived shorter than this without data was not cut, it was turned away.
SOON_S = 5.0
#: After so long with data an old failure no longer counts.
SETTLED_S = 60.0

_FIRST_S = 1.0
_LOST_LONGEST_S = 15.0
_BUSY_FIRST_S = 60.0
_BUSY_LONGEST_S = 300.0
_CROWDED_S = 300.0


class Why(StrEnum):
    """Why a connection ended, as far as one can tell."""

    LOST = "lost"
    STALE = "no data"
    TURNED_AWAY = "turned away"
    TOKEN = "token expired"  # noqa: S105 - a reason, not a secret
    BUSY = "too many attempts"
    CROWDED = "too many connections"
    REFUSED = "refused"


_LONGEST_S = {Why.TURNED_AWAY: 60.0, Why.TOKEN: 60.0}
#: The how-manieth failure of a kind in a row a person hears of. Being turned away five times is no
#: accident: most likely the token is dead, and Dhan does not say so.
_ALARM_AT = {Why.TURNED_AWAY: 5, Why.TOKEN: 1, Why.BUSY: 2}


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of a connection; ``detail`` is a phrase for people, without addresses or tokens."""

    why: Why
    detail: str


@dataclass(frozen=True, slots=True)
class Pause:
    """How long to stay away.

    Attributes:
        seconds: None = until the access token is another one: trying again as we are is useless.
        alarm: True when a person has to do something.
        until_renewed: another access token ends the pause early.
    """

    seconds: float | None
    alarm: bool
    until_renewed: bool = True


#: Reason codes of a disconnect packet: 807 wants a new token; 805 goes to the oldest of six sockets; with
#: these others nothing will change by itself. Codes in none (800 and strangers) are a lost connection.
_EXPIRED, _TOO_MANY = 807, 805
_HOPELESS = frozenset({804, 806, 808, 809, 810, 814})


def cut_by_code(code: int, text: str) -> Cut:
    """Sort a disconnect packet's reason."""
    detail = f"Dhan closed the feed: {text} ({code})"
    if code == _EXPIRED:
        return Cut(Why.TOKEN, detail)
    if code == _TOO_MANY:
        return Cut(Why.CROWDED, detail)
    return Cut(Why.REFUSED if code in _HOPELESS else Why.LOST, detail)


def cut_by_status(status: int) -> Cut:
    """Sort a handshake that was answered with this HTTP status."""
    detail = f"Dhan answered the connection with HTTP {status}"
    if status == 429:
        return Cut(Why.BUSY, detail)
    return Cut(Why.REFUSED if 400 <= status < 500 else Why.LOST, detail)


class Backoff:
    """Remembers how often a connection failed in which way, and says how long to stay away."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        """``jitter`` gives numbers from 0 up to 1, so that many programs do not come back as one."""
        self._jitter = jitter
        self._failures: Counter[Why] = Counter()

    def after(self, cut: Cut) -> Pause:
        """Count this cut and say what to do."""
        times = self._failures[cut.why]
        self._failures[cut.why] += 1
        if cut.why is Why.REFUSED or (cut.why is Why.CROWDED and times):
            return Pause(None, alarm=True)
        if cut.why is Why.CROWDED:  # one more may have been there for a moment only, as `check feed` is
            return Pause(_CROWDED_S * (1.0 + 0.2 * self._jitter()), alarm=True, until_renewed=False)
        if cut.why is Why.BUSY:
            grown_s = _BUSY_FIRST_S * 2.0 ** min(times, 4) * (1.0 + 0.2 * self._jitter())
            alarm = times + 1 == _ALARM_AT[cut.why]
            return Pause(min(grown_s, _BUSY_LONGEST_S), alarm, until_renewed=False)
        longest_s = _LONGEST_S.get(cut.why, _LOST_LONGEST_S)
        grown_s = _FIRST_S * 2.0 ** min(times, 10) * (1.0 + self._jitter())
        return Pause(min(grown_s, longest_s), alarm=times + 1 == _ALARM_AT.get(cut.why))

    def renewed(self) -> None:
        """There is another access token: forget what the old one may have caused."""
        for why in (Why.TURNED_AWAY, Why.TOKEN):
            self._failures.pop(why, None)

    def settled(self) -> None:
        """The connection has proved itself: forget its failures."""
        self._failures.clear()
