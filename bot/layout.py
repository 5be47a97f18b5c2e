"""What a message is made of: HTML, buttons, and columns that fit a phone."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from engine.money import rupees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A bubble on a small phone shows some 38 monospaced columns; 32 leaves room for larger fonts.
COLUMNS = 32
#: Telegram's limit of one message is 4,096 UTF-16 units after the tags are taken out; markup is allowed for.
MESSAGE_LIMIT = 3_600
#: The same of what stands below a picture: 1,024.
CAPTION_LIMIT = 1_000
#: So much of an alert is left when nothing longer is taken.
BRIEF_LIMIT = 300

_TAG = re.compile(r"<[^>]+>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Button:
    """One inline button; ``data`` is at most 64 bytes, ``style`` danger, success, primary or empty."""

    text: str
    data: str
    style: str = ""


Keyboard = tuple[tuple[Button, ...], ...]
Draw = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """One message: Telegram HTML and the rows of buttons under it.

    Attributes:
        panel: rows of words that stay as buttons below the person's keyboard from this message on.
        draw: makes the PNG above the text, on another thread when it is sent; the text must fit below a
            picture then. None = there is none.
    """

    html: str
    keyboard: Keyboard = ()
    panel: tuple[tuple[str, ...], ...] = ()
    draw: Draw | None = None


def escape(text: str) -> str:
    """Make any text safe inside HTML, invisible and direction-changing characters removed."""
    return html.escape(_CONTROL.sub("", text), quote=False)


def plain(markup: str) -> str:
    """Take the tags out again: what is sent when Telegram cannot read the HTML."""
    return html.unescape(_TAG.sub("", markup))


def cut(text: str, width: int) -> str:
    """Shorten to ``width`` columns, an ellipsis showing that something is missing."""
    if len(text) <= width:
        return text
    return text[: width - 1].rstrip() + "…" if width > 0 else ""


def brief(markup: str) -> str:
    """Title and first words of a message, without tags or buttons: when Telegram takes nothing else."""
    return escape(cut(plain(markup), BRIEF_LIMIT))


def pair(left: str, right: str, width: int = COLUMNS) -> str:
    """Put two texts at the two edges of a line; the left one gives way."""
    right = cut(right, width)
    left = cut(left, max(width - len(right) - 1, 0))
    return left + right.rjust(width - len(left))


def both(left: str, right: str, width: int = COLUMNS) -> list[str]:
    """Put two texts at the two edges of a line, or of two: neither may be cut."""
    if len(left) + len(right) < width:
        return [pair(left, right, width)]
    return [*folded(left), pair("", right, width)]


def folded(text: str, first: str = "", lines: int = 3) -> list[str]:
    """Wrap a sentence to the columns, at most so many lines, each after an indent like ``first``."""
    indent = " " * len(first)
    folds = wrap(text, COLUMNS, initial_indent=first, subsequent_indent=indent)
    if len(folds) > lines:
        folds = [*folds[: lines - 1], cut(folds[lines - 1] + "…", COLUMNS)]
    return folds


def table(lines: list[str]) -> str:
    """Set lines in a monospaced block."""
    return f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""


def story(lines: Sequence[str]) -> str:
    """Set the core's lines: a list (a name, then indented lines under it) in columns, the rest as text.

    Only lists gain from columns; a sentence in them would break at 32.
    """
    parts: list[str] = []
    block: list[str] = []
    for number, line in enumerate(lines):
        heads_a_list = number + 1 < len(lines) and lines[number + 1].startswith(" ")
        if line.startswith(" ") or heads_a_list:
            indent = " " * (len(line) - len(line.lstrip()))
            block += wrap(line.strip(), COLUMNS, initial_indent=indent, subsequent_indent=indent + "  ")
            continue
        parts += [table(block), escape(line)]
        block = []
    return "\n".join(part for part in [*parts, table(block)] if part)


def stacked(
    head: str,
    blocks: Sequence[Sequence[str]],
    left_out: str,
    *,
    foot: str = "",
    most: int = 2,
    apart: bool = False,
    more: int = 0,
) -> tuple[Page, ...]:
    """Put blocks of columns under a head, over at most so many messages; each block stays whole.

    ``left_out`` says what it is of which there is more: ``… and 12 more exits``. ``foot`` is HTML below all.
    ``apart``: with an empty line between two blocks. ``more``: so many are left out before.
    """
    chunks: list[list[str]] = [[]]
    room, shown = MESSAGE_LIMIT - len(head) - len(foot), 0
    for block in blocks:
        cost = len(escape("\n".join(block))) + 2
        if chunks[-1] and cost > room:
            if len(chunks) == most:
                break
            chunks.append([])
            room = MESSAGE_LIMIT - len(foot)
        chunks[-1] += ["", *block] if chunks[-1] and apart else block
        room -= cost
        shown += 1
    texts = [table(chunk) for chunk in chunks]
    texts[0] = f"{head}\n{texts[0]}".rstrip()
    if rest := more + len(blocks) - shown:
        texts[-1] += f"\n… and {rest} more {escape(left_out)}"
    if foot:
        texts[-1] += f"\n{foot}"
    return tuple(Page(text) for text in texts)


def packed(parts: Iterable[str]) -> list[str]:
    """Paragraphs put into as few messages as hold them."""
    texts: list[str] = []
    for part in parts:
        if texts and len(texts[-1]) + len(part) + 2 <= MESSAGE_LIMIT:
            texts[-1] += f"\n\n{part}"
        else:
            texts.append(part)
    return texts


def count(number: int) -> str:
    """A number grouped as amounts are: 12,34,567."""
    return rupees(number * 100).removeprefix("₹").partition(".")[0]


def span(seconds: float) -> str:
    """Say a duration in the largest unit that says enough: 43 s, 4 min, 2 h, 3 days."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} days"
