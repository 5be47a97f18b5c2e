"""What a terminal gets beyond plain text: colour, bars, a page that is drawn anew. Files get none of it.

NO_COLOR (no-color.org), set to anything, keeps colours away; TERM=dumb keeps bars away too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["Advance", "Bar", "bar", "console", "is_coloured", "is_terminal", "no_bar", "painted", "say"]

#: Tells a bar that so much more is done.
Advance = Callable[[float], None]
#: Makes a bar: what is being done, and how much of it there is.
Bar = Callable[[str, float], AbstractContextManager[Advance]]

#: How words look, by patterns in the order in which they are laid over each other.
_LOOKS = (
    (r"(?m)^\s*(green|ok)\b", "green"),
    (r"(?m)^\s*(amber|note)\b", "yellow"),
    (r"(?m)^\s*(red|RED)\b", "bold red"),
    (r"(−₹[\d,]*\d(?:\.\d+)?)", "red"),
    (r"(\+₹[\d,]*\d(?:\.\d+)?)", "green"),
    (r"(?m)^(! .*)$", "bold yellow"),
    (r"\b(UNPROTECTED|HALTED|DEGRADED|stuck)\b", "bold red"),
    (r"\b([Vv]erified flat)\b", "green"),
    (r"(?m)^(══ .*)$", "bold"),
)


def is_terminal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody looks on, at a screen that can be drawn over."""
    return stream.isatty() and environ.get("TERM", "") != "dumb"


def is_coloured(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether colours may be sent there."""
    return is_terminal(stream, environ) and not environ.get("NO_COLOR")


def console(stream: TextIO) -> Console:
    """A console of ours: no markup, no guesses at what numbers mean."""
    # imported by who needs it: it takes as long as half a tool
    from rich.console import Console  # noqa: PLC0415

    return Console(
        file=stream, highlight=False, markup=False, emoji=False, no_color=not is_coloured(stream),
        soft_wrap=True,
    )  # fmt: skip


def painted(text: str) -> Text:
    """The text with its lights and amounts in colour."""
    from rich.text import Text  # noqa: PLC0415 - see above

    made = Text(text)
    for pattern, look in _LOOKS:
        made.highlight_regex(pattern, look)
    return made


def say(text: str, *, plain: bool = False) -> None:
    """Print an answer, in colour where somebody looks; a reader that has seen enough (``… | head``) ends it.

    ``plain``: it is for machines.
    """
    try:
        if plain or not is_coloured(sys.stdout):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        else:
            console(sys.stdout).print(painted(text))
    except BrokenPipeError:
        # What is still in the buffer is written when the interpreter ends: let it go nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def no_bar(_what: str, _total: float) -> Iterator[Advance]:
    """Nobody looks on."""
    yield lambda _done: None


@contextmanager
def bar(what: str, total: float) -> Iterator[Advance]:
    """Show on stderr how far something long is, where somebody waits for it; it leaves nothing behind."""
    if not is_terminal(sys.stderr):
        with no_bar(what, total) as nothing:
            yield nothing
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=total or None)  # None: nobody knows how much
        yield lambda done: progress.advance(task, done)
