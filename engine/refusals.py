"""What the broker's reasons for a refusal mean for us, and what a leg does about one.

A leg that is refused asks for something else (another price, tick or slice), asks again a little
later, or waits for what only others can mend; nothing of that goes on without a bound. An unknown
reason stops the leg and tells a person.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.intents import Intent, LegPlan
    from engine.orders import Order

__all__ = ["Met", "Remedy", "let_in_again", "meet", "remedy"]

#: Passing troubles are waited out for so long: a minute's limit that another tool has used up ends by then.
PATIENCE_S = 180.0
#: A streak of refusals is over when for so long after its last pause nothing was refused.
CALM_S = 30.0
#: From when on a streak is worth a word.
TOLD_AFTER_S = 10.0
CHANGED_PAUSE_S = 1.0
LONGEST_WAIT_S = 8.0
FIRST_HOLD_S, LONGEST_HOLD_S = 5.0, 60.0
#: A change of a resting order may be refused because the order has just ended; then the books say so.
UNCLEAR_CHANGES = 3
#: Dhan's own count of the changes of one order.
MOST_CHANGES = 25
#: Ticks that exchanges use, paise.
TICKS_PAISE = (1, 5, 10, 50)
MAX_RETICKS = 2


class Remedy(StrEnum):
    """What to do about a refused order, or a refused change of one."""

    WAIT = "wait"
    HOLD = "hold"
    REPRICE = "reprice"
    RETICK = "retick"
    RESLICE = "reslice"
    REPLACE = "replace"
    STOP_LEG = "stop leg"


class _Row(NamedTuple):
    codes: frozenset[str]
    words: str
    what: Remedy
    advice: str = ""
    access: bool = False  # what only another token or address mends


#: The first row with this code, or with these words in the reason, wins.
_TABLE: tuple[_Row, ...] = (
    _Row(frozenset({"DH-904", "805", "HTTP-429"}), r"too many requests|rate limit", Remedy.WAIT),
    # the connection never came up, the lane was full, the journal failed: nothing left the house
    _Row(frozenset({"NOT-SENT", "journal"}), r"^not sent", Remedy.WAIT),
    # a change came too late: what became of the order, the books say
    _Row(frozenset(), r"order is (already|not open)|already (traded|executed|cancelled)", Remedy.WAIT),
    _Row(
        frozenset({"DH-901", "DH-911", "HTTP-401", "807", "808", "809", "810"}),
        r"invalid token|token[\w ]* (expired|invalid)|invalid ip|\bip\b[\w ]*(whitelist|registered|allowed)",
        Remedy.HOLD,
        "Dhan refuses our access token or address: give it a new one. The exit goes on when it is taken.",
        access=True,
    ),
    _Row(
        frozenset(),
        r"market (is |has )?closed|market is not open",
        Remedy.HOLD,
        "The broker says that the market is closed. The exit goes on when it is open.",
    ),
    _Row(
        frozenset(),
        r"kill ?switch",
        Remedy.HOLD,
        "Dhan's kill switch is on; only you can end that. The exit goes on when it is off.",
    ),
    _Row(frozenset(), r"modifications?\b.*\bexceed|exceed.*\bmodification", Remedy.REPLACE),
    _Row(frozenset(), r"freeze", Remedy.RESLICE),
    _Row(frozenset(), r"\btick\b", Remedy.RETICK),
    _Row(
        frozenset(),
        r"price protection|price band|price range|circuit|execution range",
        Remedy.REPRICE,
        "The exchange does not take this price now; limits stay inside of it.",
    ),
)
_UNKNOWN = _Row(frozenset(), "", Remedy.STOP_LEG)


class Met(NamedTuple):
    """What came of meeting a refusal.

    Attributes:
        blocked: why the leg cannot go on; empty = it can.
        told: what the owner should hear while it goes on; empty = nothing.
    """

    blocked: str = ""
    told: str = ""


def remedy(code: str, reason: str) -> Remedy:
    """Map a refusal to an action.

    Dhan's codes are coarse (DH-905 input, DH-906 order), so the words decide where the code does not;
    the limit-price protection of the exchange answers with "circuit limit" at times.
    """
    return _row(code, reason).what


def meet(leg: LegPlan, order: Order, filled: int, refusal: tuple[str, str], now_s: float) -> Met:
    """Change the leg so that it asks for something else or waits, or give it up.

    Args:
        leg: whose order, or change of an order, was refused.
        order: live when only a change of it was refused; it stays where it is then.
        filled: units of the leg that are traded by now; a fill begins a new streak.
        refusal: the broker's code and words.
        now_s: the moment.
    """
    row, words = _row(*refusal), refusal[1] or refusal[0] or "no reason given"
    _count(leg, filled, now_s)
    tried = _change(row.what, leg, order, refusal[1], now_s)
    said = f"{leg.name}: refused: {words.rstrip('. ')}. {row.advice}".rstrip()
    kept = order.state.live
    if not tried and not (kept and leg.refusals < UNCLEAR_CHANGES):
        return Met(blocked=said + (" Its order rests as it is." if kept else ""))
    lasts_s = now_s - leg.refused_since_s
    if row.what is not Remedy.HOLD and lasts_s >= PATIENCE_S and not kept:
        return Met(blocked=f"{said} It was refused for {lasts_s:.0f} s.")
    leg.wait_until_s, leg.shut_out = now_s + _pause_s(row.what, leg.refusals), row.access
    loud = row.what in (Remedy.HOLD, Remedy.REPRICE) or lasts_s >= TOLD_AFTER_S
    return Met(told=said if loud else "")


def let_in_again(intents: Iterable[Intent], now_s: float) -> None:
    """The broker takes our token again: what waited for that need not wait longer."""
    for intent in intents:
        for leg in intent.legs:
            if leg.shut_out:
                leg.wait_until_s, leg.shut_out = min(leg.wait_until_s, now_s), False


def _row(code: str, reason: str) -> _Row:
    words = reason.lower()
    found = (row for row in _TABLE if code in row.codes or re.search(row.words, words))
    return next(found, _UNKNOWN)


def _count(leg: LegPlan, filled: int, now_s: float) -> None:
    """One more in a row, or the first of a new row."""
    if not leg.refusals or filled != leg.refused_filled or now_s > leg.wait_until_s + CALM_S:
        leg.refusals, leg.refused_since_s, leg.refused_filled = 0, now_s, filled
    leg.refusals += 1


def _change(what: Remedy, leg: LegPlan, order: Order, words: str, now_s: float) -> bool:
    """Ask for something else from now on; False when there is nothing else to ask for."""
    match what:
        case Remedy.STOP_LEG:
            return False
        case Remedy.REPRICE:
            leg.refused_paise, leg.refused_price_s = order.request.limit_paise, now_s
        case Remedy.RETICK:
            return _retick(leg, words)
        case Remedy.RESLICE:
            return _reslice(leg, order)
        case Remedy.REPLACE:
            order.modifies = max(order.modifies, MOST_CHANGES)  # the next price is a new order's
        case Remedy.WAIT:
            order.modifies = max(order.modifies - 1, 0)  # it was not counted: nobody has looked at it
        case Remedy.HOLD:
            pass
    return True


def _retick(leg: LegPlan, words: str) -> bool:
    """Take the tick that the broker names, else the next coarser one; at most twice."""
    named = re.search(r"\btick\D{0,20}(\d*\.\d\d?)\b", words.lower())
    tick_paise = round(float(named[1]) * 100) if named else 0
    if tick_paise <= 0 or tick_paise == leg.tick_paise:
        tick_paise = next((tick for tick in TICKS_PAISE if tick > leg.tick_paise), 0)
    if not tick_paise or leg.reticks >= MAX_RETICKS:
        return False
    leg.tick_paise, leg.reticks = tick_paise, leg.reticks + 1
    return True


def _reslice(leg: LegPlan, order: Order) -> bool:
    """Halve the slice, in whole lots."""
    if order.request.quantity <= leg.lot:
        return False
    leg.slice_quantity = max(order.request.quantity // 2 // leg.lot, 1) * leg.lot
    return True


def _pause_s(what: Remedy, refusals: int) -> float:
    """How long to do nothing: a changed order may go soon, the same one later and later."""
    doubled = 2.0 ** min(refusals - 1, 10)
    if what is Remedy.HOLD:
        return min(FIRST_HOLD_S * doubled, LONGEST_HOLD_S)
    return min(doubled, LONGEST_WAIT_S) if what is Remedy.WAIT else CHANGED_PAUSE_S
