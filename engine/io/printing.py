"""What is printed while the loop goes on: a reader that stands still or is gone holds up nobody.

A pipe that is full, a terminal after Ctrl-S, a disk without room: a write there waits or fails. It does so
on a thread of its own.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from threading import Condition, Thread
from typing import TextIO, TypeAlias

__all__ = ["Printer", "Write", "apart", "printing", "put_away", "written"]

_log = logging.getLogger(__name__)

#: Writes one text, on the printer's thread; it may wait, and raise OSError.
Write: TypeAlias = Callable[[str], None]
#: So many blocks wait for a reader that stands still; then the oldest go to the log.
MOST_BLOCKS = 1_000
#: So long the end waits for a reader.
CLOSE_S = 3.0


def apart(stream: TextIO) -> TextIO:
    """The same place by a stream of its own, where it is a file.

    The interpreter's end flushes sys.stdout: a thread that stands in a write there must not hold its lock.
    """
    try:
        number = os.dup(stream.fileno())
    except (UnsupportedOperation, AttributeError):  # in memory
        return stream
    return os.fdopen(number, "w", encoding=stream.encoding or "utf-8", errors="replace")


def written(stream: TextIO) -> Write:
    """Write text there, at once."""

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


class Printer:
    """Prints blocks in their order, and of tables the newest alone. What fails is in the log, and on stderr.

    Args:
        tell: writes a block.
        show: writes a table.
        quiet: what fails is told nowhere: for the log's own lines.
    """

    def __init__(self, tell: Write, show: Write, *, quiet: bool = False) -> None:
        """Wait for something to print."""
        self._tell, self._show, self._quiet = tell, show, quiet
        self._blocks: deque[str] = deque()
        self._table: str | None = None
        self._change = Condition()
        self._ends = self._blind = self._busy = False
        # a daemon: whoever ends must not wait for a reader that stands still
        self._thread = Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def tell(self, block: str) -> None:
        """Have a block printed; never waits, never raises. What cannot be printed goes to the log."""
        lost = None
        with self._change:
            self._blocks.append(block)
            if len(self._blocks) > MOST_BLOCKS:
                lost = self._blocks.popleft()
            self._change.notify_all()
        if lost is not None and not self._quiet:
            _log.info("not printed, the reader stands still: %s", lost)

    def show(self, table: str) -> None:
        """Have a table printed, unless a newer one comes before it can be; never waits, never raises."""
        with self._change:
            self._table = table
            self._change.notify_all()

    def flush(self, wait_s: float = CLOSE_S) -> bool:
        """Wait until nothing waits to be printed, for so long; whether that is so."""
        with self._change:
            return self._change.wait_for(
                lambda: not (self._busy or self._blocks) and self._table is None, wait_s
            )

    def close(self, wait_s: float | None = CLOSE_S) -> bool:
        """Print what waits, for so long (None = until it is done); whether everything was."""
        with self._change:
            self._ends = True
            self._change.notify_all()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._blocks or self._table is not None or self._ends)
                self._busy = bool(self._blocks) or self._table is not None
                block = self._blocks.popleft() if self._blocks else None
                table = None
                if block is None:
                    table, self._table = self._table, None
            if block is not None:
                self._print_block(block)
            elif table is not None:
                self._print_table(table)
            else:
                return
            with self._change:
                self._busy = False
                self._change.notify_all()

    def _print_block(self, block: str) -> None:
        try:
            self._tell(block)
        except (OSError, ValueError) as error:  # the reader is gone, the disk is full; the stream is closed
            if not self._quiet:
                _log.warning("not printed (%s): %s", error, block)

    def _print_table(self, table: str) -> None:
        try:
            self._show(table)
        except (OSError, ValueError) as error:
            if not self._blind:
                _log.warning("tables cannot be printed (%s)", error)
            self._blind = True
        else:
            self._blind = False


@contextmanager
def printing(
    tell_to: TextIO, show_to: TextIO, write: Callable[[TextIO], Write] = written, *, patient: bool = False
) -> Iterator[Printer]:
    """A printer of blocks and of tables to these; ``patient``: its end waits until everything is read."""
    told, shown = apart(tell_to), apart(show_to)
    printer = Printer(write(told), write(shown))
    try:
        yield printer
    finally:
        if printer.close(None if patient else CLOSE_S):  # else a write stands there
            for own, given in ((told, tell_to), (shown, show_to)):
                put_away(own, given)


def put_away(own: TextIO, given: TextIO) -> None:
    """Close what `apart` has opened; what could not be written is lost with it."""
    if own is not given:
        with suppress(OSError):
            own.close()
