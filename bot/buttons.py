"""What is read from a button's data: ``p:3359``, ``r:HUF/3359``, ``c:HUF/<nonce>:y`` and the like. Pure.

The account stands before the number or the nonce; without one it is the account of the settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.messages import Wish
from engine.model import DEFAULT_ACCOUNT

_OF = r"(?:([A-Za-z0-9_-]{1,16})/)?"
_PICK = re.compile(rf"p:{_OF}(all|[0-9]{{1,18}})")
_HALF = re.compile(rf"h:{_OF}([0-9]{{1,18}})")
_LOOK = re.compile(rf"([rwitzgl]):{_OF}([0-9]{{1,18}})")
_CHOICE = re.compile(rf"d:(adopt|shrink|unwatch|resume):{_OF}([0-9]{{1,18}})")
_PRESS = re.compile(rf"c:{_OF}([A-Za-z0-9_-]{{1,44}}):([yn])([0-9]{{0,4}})")
_SEEN = re.compile(r"s:([a-z2-7]{5}|t[0-9]{1,15})")
_RUN = re.compile(r"x:/([a-z]{1,16}) ([^\x00-\x1f]{1,60})")


@dataclass(frozen=True, slots=True)
class Pick:
    """A position chosen, or half of it; None = all of them."""

    strategy_id: int | None
    account: str = DEFAULT_ACCOUNT
    half: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A page to be shown, by its letter.

    ``r`` = a position's rules, ``w`` = why they did that, ``i`` = the position, ``t`` = tighter stops,
    ``g`` = the picture of its payoff, ``l`` = that of its P&L today, ``z`` = its snoozes.
    """

    page: str
    strategy_id: int
    account: str = DEFAULT_ACCOUNT


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be made of a difference between store and broker; it is asked about first."""

    wish: Wish
    strategy_id: int
    account: str = DEFAULT_ACCOUNT


@dataclass(frozen=True, slots=True)
class Press:
    """Yes or no to the question with this nonce, as that edition of it was drawn."""

    nonce: str
    yes: bool
    account: str = DEFAULT_ACCOUNT
    edition: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """An alarm was seen: its name, or ``t`` and a moment for all that were raised until then."""

    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """A command as it would be written, the account chosen."""

    word: str
    words: tuple[str, ...]


Pressed = Pick | Look | Choice | Press | Seen | Run


def parse(data: str | None) -> Pressed | None:
    """Read a button's data; None = not one of ours."""
    data = data or ""
    if pick := _PICK.fullmatch(data):
        return Pick(None if pick[2] == "all" else int(pick[2]), pick[1] or DEFAULT_ACCOUNT)
    if part := _HALF.fullmatch(data):
        return Pick(int(part[2]), part[1] or DEFAULT_ACCOUNT, half=True)
    if look := _LOOK.fullmatch(data):
        return Look(look[1], int(look[3]), look[2] or DEFAULT_ACCOUNT)
    if choice := _CHOICE.fullmatch(data):
        return Choice(Wish(choice[1]), int(choice[3]), choice[2] or DEFAULT_ACCOUNT)
    if press := _PRESS.fullmatch(data):
        return Press(press[2], press[3] == "y", press[1] or DEFAULT_ACCOUNT, int(press[4] or 0))
    if seen := _SEEN.fullmatch(data):
        return Seen(seen[1])
    if run := _RUN.fullmatch(data):
        return Run(run[1], tuple(run[2].split()))
    return None
