"""The log: one line per fact, in files and on the terminal, and no secret in any.

Secrets are taken out on the handlers, so that libraries' records, tracebacks and stacks pass through
the same sieve as ours. Two nets: the values we know, and what secrets look like.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import quote

from engine.io.log_files import IDS, files
from engine.io.printing import Printer, apart, put_away, written

_log = logging.getLogger(__name__)
#: So many lines are kept in memory.
TAIL_LINES = 500

#: Libraries that tell addresses, bodies or chatter below WARNING (httpx: the bot's token at INFO).
_TALKATIVE = ("httpx", "httpcore", "urllib3", "telegram", "apscheduler", "aiohttp", "asyncio", "hpack")
#: At DEBUG it cuts frames in the middle, where no pattern can find the half of a token any more.
_NEVER_DEBUG = ("websockets",)
#: Supabase's: it tells each failed attempt of an outage as an error; our watch over it tells the outage once.
_SILENT = ("realtime",)

#: A secret at least this long is also known by its pieces: others may have cut it.
_LONG, _PIECE = 32, 8

#: (what secrets look like, what is put there).
_PATTERNS = (
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1***@"),
    (re.compile(r"bot\d+(:|%3A)[\w-]+", re.IGNORECASE), "bot***"),
    (re.compile(r"\b\d{6,12}(:|%3A)[\w-]{30,}", re.IGNORECASE), "***"),
    (re.compile(r"\beyJ[\w-]{8,}(\.[\w-]*){0,2}"), "***"),
    (re.compile(r"\bsb_(secret|publishable)_[\w-]+"), "***"),
    (
        re.compile(
            r"""(?ix) \b((?:[\w-]*token|pin|totp|[\w-]*api-?key|password|[\w-]*secret|authorization)\b
            (?: \\?["']? \s* (?: [=:] | %3D ) | \\?["'] \s* , ) \s* b?\\?["']? (?:bearer\s+)? )
            [^\s"'&,;)}\]\\]+"""
        ),
        r"\1***",
    ),
)


class LogLine(NamedTuple):
    """One line: the host's epoch seconds, whose house it is of (empty = of none alone), and its text."""

    wall_s: float
    speaker: str
    text: str


class Redactor(logging.Filter):
    """Takes secrets out of records; a filter of every handler."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Know these values from the start."""
        super().__init__()
        self._words: set[str] = set()
        self._known: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Know one more value, e.g. a renewed token."""
        if len(secret) < 4:  # replacing every "a" would hide the log and not the secret
            return
        self._words |= {secret, quote(secret, safe="")}
        if len(secret) >= _LONG:
            self._words |= {secret[at : at + _PIECE] for at in range(0, len(secret) - _PIECE + 1, _PIECE)}
        longest_first = sorted(self._words, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub("***", text)
        for pattern, put in _PATTERNS:
            text = pattern.sub(put, text)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Make the record's message final, on one line, and its traceback text; both clean."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError, IndexError) as error:
            # logging would print the arguments to the terminal, past every filter
            message = f"{record.msg} (its arguments do not fit: {type(error).__name__})"
        record.msg = self.clean(message).replace("\r", "\\r").replace("\n", "\\n")
        record.args = ()
        for name in IDS:
            if isinstance(value := getattr(record, name, None), str):
                setattr(record, name, self.clean(value))
        if record.exc_info:
            record.exc_text = (
                record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip()
            )
            last = traceback.format_exception_only(record.exc_info[1])[-1]
            record.cause = self.clean(last.strip()).replace("\n", "\\n")
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self.clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self.clean(record.stack_info)
        return True


#: Whose house speaks, where there are several; set by the task that a house lives in, for all of its own.
SPEAKER: ContextVar[str] = ContextVar("speaker", default="")


class _Speaker(logging.Filter):
    """Says of each record of a house whose it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Once for each record, whichever handler is first."""
        if (name := SPEAKER.get()) and not hasattr(record, "speaker"):
            record.speaker = name
            record.account = getattr(record, "account", "") or name
        return True


class _Short(logging.Formatter):
    """For the terminal: one line, an exception by its name and text; the file has the rest."""

    def format(self, record: logging.LogRecord) -> str:
        cause, house = getattr(record, "cause", ""), SPEAKER.get()
        text = f"[{house}] {record.getMessage()}" if house else record.getMessage()
        return f"{record.levelname} {text}" + (f" ({cause})" if cause else "")


class _Terminal(logging.Handler):
    """Warnings and worse on stderr, by a thread: a terminal that stands still must not hold up who logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(_Short())
        self._given = sys.stderr
        # a page that is drawn over takes over sys.stderr: its lines belong above the page
        taken_over = sys.stderr is not sys.__stderr__
        self._own = self._given if taken_over else apart(self._given)
        self._printer = Printer(written(self._own), written(self._own), quiet=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Have a line printed; it comes clean, by the filters before."""
        self._printer.tell(f"{self.format(record)}\n")

    def close(self) -> None:
        """Print what waits, for as long as a terminal may take."""
        if self._printer.close():
            put_away(self._own, self._given)
        super().close()


class Tail(logging.Handler):
    """The last lines of the log in memory, for whoever may read them from afar; as short as the terminal's.

    Args:
        redactor: cleans a line once more when it is read: a secret may have become known since.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(logging.INFO)
        self._redactor = redactor
        self._lines: deque[LogLine] = deque(maxlen=TAIL_LINES)
        self.setFormatter(_Short())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; it comes clean, by the filters before."""
        self._lines.append(LogLine(record.created, getattr(record, "speaker", ""), self.format(record)))

    def last(self, number: int, speakers: Collection[str] | None = None) -> list[LogLine]:
        """The last lines, the oldest first; of these accounts' houses alone, None = of everybody."""
        lines = [line for line in self._lines if speakers is None or line.speaker in speakers]
        return [line._replace(text=self._redactor.clean(line.text)) for line in lines[-number:]]


class Log(NamedTuple):
    """The log of this process, as far as others have a hand in it."""

    redactor: Redactor
    tail: Tail


@contextmanager
def log_to(directory: Path, *, level: str = "INFO", secrets: Iterable[str] = ()) -> Iterator[Log]:
    """Log to the files of ``directory/logs`` (`engine.io.log_files`), to stderr and to memory.

    The terminal gets warnings and worse, in plain words; the files everything from ``level`` on. Uncaught
    exceptions and warnings go the same way. Everything is put back at the end.

    Yields:
        The log, whose redactor is to be told of secrets that come later.
    """
    redactor = Redactor(secrets)
    to_terminal = _Terminal()
    log = Log(redactor, Tail(redactor))
    handlers = (*files(directory), to_terminal, log.tail)
    root = logging.getLogger()
    with _levels(level), _hooks():
        for handler in handlers:
            handler.addFilter(_Speaker())
            handler.addFilter(redactor)
            root.addHandler(handler)
        try:
            yield log
        finally:
            for handler in handlers:
                root.removeHandler(handler)
                handler.close()


@contextmanager
def _levels(level: str) -> Iterator[None]:
    """The root at ``level``; talkative libraries quieter, unless everything is asked for."""
    libraries = logging.WARNING if level != "DEBUG" else logging.DEBUG
    wanted = {"": logging.getLevelName(level)}
    wanted |= dict.fromkeys(_TALKATIVE, libraries)
    wanted |= dict.fromkeys(_NEVER_DEBUG, max(libraries, logging.INFO))
    wanted |= dict.fromkeys(_SILENT, logging.CRITICAL)
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, number in wanted.items():
        logging.getLogger(name).setLevel(number)
    try:
        yield
    finally:
        for name, number in before.items():
            logging.getLogger(name).setLevel(number)


@contextmanager
def _hooks() -> Iterator[None]:
    """Uncaught exceptions and Python's warnings into the log: their own way is past the filters."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        _log.critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    before = sys.excepthook, threading.excepthook, logging.raiseExceptions
    sys.excepthook, threading.excepthook = uncaught, uncaught_in_thread
    logging.raiseExceptions = False  # a broken terminal would get the record, arguments and all
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook, logging.raiseExceptions = before


_process = ExitStack()


def configure_logging(directory: Path, level: str, secrets: Iterable[str]) -> Log:
    """`log_to` for the rest of the process's life; a second call replaces the first."""
    _process.close()
    return _process.enter_context(log_to(directory, level=level, secrets=secrets))
