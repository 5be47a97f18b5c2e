"""What a person has written after a command, read: ids, values, or why it cannot be meant. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bot.layout import cut
from engine.charts import Scope, Wanted
from engine.errors import BadInput
from engine.exit_wishes import HALF

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A strategy id of the trades table has at most so many digits (a 64-bit integer).
_ID_DIGITS = 18
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9&-]{1,19}")
#: Longer values no rule has.
VALUE_COLUMNS = 200


class ExitWish(NamedTuple):
    """What is to be closed: a position or half of it, those of a symbol, or everything (both empty)."""

    strategy_id: int | None = None
    value: str = ""


def exit_wish(words: Sequence[str]) -> ExitWish:
    """Read what follows /exit: a strategy id, ``half`` and one, a symbol, or ``all``.

    Raises:
        BadInput: none of these.
    """
    text = " ".join(words)
    if text.lower() == "all":
        return ExitWish()
    halves = [word for word in words if word.lower() == HALF]
    if halves:
        rest = [word for word in words if word.lower() != HALF]
        return ExitWish(read_id(" ".join(rest), "exit half"), HALF)
    if _SYMBOL.fullmatch(text):
        return ExitWish(value=text.upper())
    return ExitWish(read_id(text, "exit", ", a symbol, or all"))


def set_wish(words: Sequence[str]) -> tuple[int, str, str] | None:
    """Read what follows /set: strategy id, rule and value; None = it is not all there.

    Raises:
        BadInput: the first word is no strategy id, or the value is endless.
    """
    if not words:
        return None
    strategy_id, value = read_id(words[0], "set"), " ".join(words[2:])
    if len(value) > VALUE_COLUMNS:
        raise BadInput(f"The value is longer than {VALUE_COLUMNS} characters. Nothing was done.")
    return (strategy_id, words[1], value) if value else None


def pnl_wish(words: Sequence[str]) -> Wanted:
    """Read what follows /pnl: a span of time, the day when there is none, or a strategy id.

    Raises:
        BadInput: neither.
    """
    text = " ".join(words).lower()
    if text in {"", Scope.DAY, Scope.WEEK, Scope.MONTH}:
        return Wanted(Scope(text or Scope.DAY))
    return Wanted(Scope.POSITION, read_id(text, "pnl", ", or day, week, month"))


def report_wish(words: Sequence[str]) -> Wanted:
    """Read what follows /report: week or month, the week when there is nothing.

    Raises:
        BadInput: neither.
    """
    text = " ".join(words).lower()
    if text in {"", Scope.WEEK, Scope.MONTH}:
        return Wanted(Scope(text or Scope.WEEK))
    raise BadInput(
        f"Read “{cut(text, 40)}” after /report; expected week or month. /report alone is of the week."
    )


def read_count(text: str, command: str, usual: int, most: int) -> int:
    """How many lines are wanted, from one up to ``most``; ``usual`` when nothing is said.

    Raises:
        BadInput: it is no such number.
    """
    if not text:
        return usual
    if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS and 1 <= int(text) <= most:
        return int(text)
    raise BadInput(
        f"Read “{cut(text, 40)}” after /{command}; expected how many lines, from 1 to {most}. "
        f"/{command} alone shows {usual}."
    )


def read_id(text: str, command: str, or_else: str = "") -> int:
    """A strategy id.

    Raises:
        BadInput: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS:
        return int(text)
    word = command.split(maxsplit=1)[0]
    alone = {
        "set": "to see how it is written",
        "resume": "to resume everything",
        "pnl": "for the day",
    }.get(word, "to pick from a list")
    raise BadInput(
        f"Read “{cut(text, 40)}” after /{command}; expected a strategy id like 3359{or_else}."
        f" Nothing was done. Write /{word} alone {alone}."
    )
