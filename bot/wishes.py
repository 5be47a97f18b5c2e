"""What a person has written after a command, read: ids, values, or why it cannot be meant. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import cut
from engine.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A strategy id of the trades table has at most so many digits (a 64-bit integer).
_ID_DIGITS = 18
#: Longer values no rule has.
VALUE_COLUMNS = 200


def exit_wish(words: Sequence[str]) -> int | None:
    """Read what follows /exit: a strategy id, or None for every position.

    Raises:
        BadInput: neither an id nor ``all``.
    """
    text = " ".join(words)
    if text.lower() == "all":
        return None
    return read_id(text, "exit", ", or all")


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
    alone = {"set": "to see how it is written", "resume": "to resume everything"}.get(
        command, "to pick from a list"
    )
    raise BadInput(
        f"Read “{cut(text, 40)}” after /{command}; expected a strategy id like 3359{or_else}."
        f" Nothing was done. Write /{command} alone {alone}."
    )
