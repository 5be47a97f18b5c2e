"""How one cell of the ``trades`` table becomes a value: parsers that raise ValueError.

They say nothing of what they read: `engine.trades` knows the row and the column.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.model import DEFAULT_ACCOUNT, Segment, Side
from engine.money import from_rupees
from engine.sessions import IST

#: A leg that is held.
OPEN_STATUSES = frozenset({"TRADED", "OPEN", "COMPLETE", "PART_TRADED", "EXECUTED"})
#: A leg that is gone, or never came to be.
CLOSED_STATUSES = frozenset({"CLOSED", "CANCELLED", "REJECTED", "EXPIRED"})

_TYPES = {"CE": "CE", "CALL": "CE", "PE": "PE", "PUT": "PE", "FUT": "FUT"}
_SWITCH = {
    word: on
    for on, words in ((True, " true t yes 1 on"), (False, "false f no 0 off"))
    for word in words.split(" ")
}
#: Databases' and spreadsheets' words for nothing.
EMPTY = frozenset({"", "null", "none", "nan"})
STATUSES_TEXT = f"one of {', '.join(sorted(OPEN_STATUSES))} (held) or {', '.join(sorted(CLOSED_STATUSES))}"

#: A year outside is a slip of the pen, and the ends of the calendar have no neighbours to look at.
_OUR_TIMES = range(1990, 2100)

#: Digits with grouping commas the Indian or the western way; 57,00 is neither and stays refused.
_NUMBER = re.compile(r"([0-9]{1,9}|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})(\.[0-9]{1,12})?")


def name(word: str) -> str:
    """An underlying's symbol, in capitals."""
    if not re.fullmatch(r"[\w&.-]+( [\w&.-]+)*", word):
        raise ValueError
    return word.upper()


def account(word: str) -> str:
    """An account's name; it becomes part of ids, so it is kept plain."""
    if word and not re.fullmatch(r"[A-Za-z0-9_-]+", word):
        raise ValueError
    return word or DEFAULT_ACCOUNT


def signed(word: str, unit: str = "") -> Decimal:
    """A number with or without a sign, its unit (``%`` or ``₹``) left aside; another unit is a fault."""
    bare = word.removesuffix("%") if unit == "%" else word.removeprefix("₹") if unit else word
    bare = bare.strip()
    minus = bare.startswith(("-", "\N{MINUS SIGN}"))
    plain = bare[1:] if minus or bare.startswith("+") else bare
    if not _NUMBER.fullmatch(plain):
        raise ValueError
    value = Decimal(plain.replace(",", ""))
    return -value if minus else value


def switch(word: str) -> bool:
    """On or off, as databases and people write it; empty is on."""
    try:
        return _SWITCH[word.lower()]
    except KeyError:
        raise ValueError from None


def side(word: str) -> Side:
    """BUY or SELL in any case."""
    return Side(word.upper())


def contract_type(word: str) -> str:
    """CE, PE or FUT, also spelt CALL and PUT, in any case."""
    try:
        return _TYPES[word.upper()]
    except KeyError:
        raise ValueError from None


def segment(word: str) -> Segment | None:
    """An exchange segment by its wire word, or none."""
    return Segment(word.upper()) if word else None


def positive(word: str) -> int:
    """A whole number above 0; spreadsheets write it with ``.0``."""
    found = re.fullmatch(r"([0-9]{1,15})(\.0+)?", word)
    if not found or not int(found[1]):
        raise ValueError
    return int(found[1])


def security_id(word: str) -> int:
    """Dhan's id of a contract; empty, or 0, is 0: the contract is known by what it is."""
    return positive(word) if word.strip("0.") else 0


def strike_paise(word: str) -> int:
    """A strike in rupees, on whole paise."""
    return from_rupees(_amount(word))


def no_strike(word: str) -> None:
    """A future has none, or 0."""
    if word.strip("0."):
        raise ValueError


def price_paise(word: str, action: Side) -> int | None:
    """An entry price in rupees, or none.

    An average of several fills may be finer than a paisa: it is rounded against the owner.
    """
    if not word:
        return None
    against = ROUND_CEILING if action is Side.BUY else ROUND_FLOOR
    paise = from_rupees(_amount(word).quantize(Decimal("0.01"), rounding=against))
    if not paise:
        raise ValueError
    return paise


def margin_paise(word: str) -> int | None:
    """A margin in rupees, or none; finer than a paisa counts as less."""
    return from_rupees(_amount(word).quantize(Decimal("0.01"), rounding=ROUND_FLOOR)) if word else None


def status(word: str) -> str:
    """An order status this house understands, in capitals."""
    plain = word.upper().replace(" ", "_")
    if plain not in OPEN_STATUSES | CLOSED_STATUSES:
        raise ValueError
    return plain


def day(word: str) -> date:
    """A date, ISO or in the Indian order; some databases add a midnight to it."""
    return date.fromisoformat(re.sub(r"[T ]00:00(:00(\.0+)?)?$", "", _iso(word)))


def moment_s(word: str) -> float:
    """A moment of our times as epoch seconds; without an offset it is Indian time."""
    moment = datetime.fromisoformat(_iso(word))
    if moment.year not in _OUR_TIMES:
        raise ValueError
    return (moment if moment.tzinfo else moment.replace(tzinfo=IST)).timestamp()


def _amount(word: str) -> Decimal:
    """Rupees above 0."""
    plain = word.removeprefix("₹").strip()
    if not _NUMBER.fullmatch(plain) or not Decimal(plain.replace(",", "")):
        raise ValueError
    return Decimal(plain.replace(",", ""))


def _iso(word: str) -> str:
    """The Indian order of a date's parts turned into the ISO one; the rest is kept."""
    return re.sub(r"^(\d{2})[-/](\d{2})[-/](\d{4})", r"\3-\2-\1", word)
