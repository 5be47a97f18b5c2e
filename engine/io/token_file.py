"""The access token: from the settings at first, and from the file ``token`` in the data directory.

A file that is written anew is taken over without a restart. What is taken over is known to the log's
sieve before anybody can use it. A renewed token is kept in the same file, or a restart would begin with
a dead one.
"""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from engine.io.ports import Clock
from engine.wire.token import TokenClaims, parse_token

__all__ = ["LOOK_S", "MINT_EVERY_S", "TokenFile"]

#: How often the file is looked at while nobody asks for the token.
LOOK_S = 2.0
#: Dhan makes a client one token in two minutes.
MINT_EVERY_S = 120.0
_LONGEST = 8_192


class TokenFile:
    """Hands out the newest token; may be asked on any thread.

    At the start the one of the settings and the one of the file that ends later counts (the file's,
    when they do not say); from then on each new content of the file.

    Attributes:
        number: counts the tokens of this process, from 1.
        note: what is wrong with the file; empty = nothing.
    """

    def __init__(
        self, directory: Path, first: str, learn: Callable[[str], None], path: Path | None = None
    ) -> None:
        """Read the file, if there is one.

        Args:
            directory: the data directory; it is there.
            first: the settings' token.
            learn: told of each new token before it is used.
            path: the file; None = ``token`` in the directory.
        """
        self._path = path or directory / "token"
        self._minted = directory / "token-minted"
        self._learn = learn
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self._stamp: tuple[int, ...] = ()
        self._token = first
        self.number = 1
        self.note = ""
        found = self._news()
        if found and _ends_s(found) >= _ends_s(first):
            learn(found)
            self._token = found

    def reveal(self) -> str:
        """The token to use now; a file that has changed is read anew."""
        with self._lock:
            self._take(self._news())
            return self._token

    @property
    def claims(self) -> TokenClaims:
        """What the token says of itself."""
        return parse_token(self.reveal())

    def put(self, token: str) -> None:
        """Use this one from now on, and keep it for the next start.

        Raises:
            OSError: it is in use, but could not be kept.
        """
        with self._keeping:
            with self._lock:
                self._take(token)
            written = self._path.with_suffix(".new")
            _write(written, token + "\n")  # outside the lock: orders ask for the token in the loop
            written.replace(self._path)
            with self._lock:
                self._news()

    def may_mint(self, now_s: float) -> bool:
        """Whether a token may be made now; if so it counts as made, also after a restart.

        A moment that cannot be kept is none: asking too often may cost the account its access.
        """
        try:
            last_s = float(self._minted.read_text(encoding="ascii"))
        except (OSError, ValueError):
            last_s = -MINT_EVERY_S
        if abs(now_s - last_s) < MINT_EVERY_S:
            return False
        try:
            _write(self._minted, f"{now_s:.3f}\n")
        except OSError:
            return False
        return True

    async def watch(self, changed: Callable[[], None], clock: Clock) -> None:
        """Call back whenever there is another token, or another fault of the file. Runs until cancelled."""
        seen = None
        while True:
            await asyncio.to_thread(self.reveal)
            now = self.number, self.note
            if now != seen:
                seen = now
                changed()
            await clock.sleep(LOOK_S)

    def _take(self, token: str) -> None:
        if token and token != self._token:
            self._learn(token)
            self._token = token
            self.number += 1

    def _news(self) -> str:
        """The file's token if the file has changed and can be used; else nothing."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._stamp, self.note = (), ""
            return ""
        except OSError as error:
            self.note = f"{self._path}: cannot be read ({error.strerror})"
            return ""
        stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        if stamp == self._stamp:
            return ""
        self._stamp = stamp
        token, self.note = self._read(stat.S_IMODE(found.st_mode))
        return token

    def _read(self, mode: int) -> tuple[str, str]:
        """(token, fault); the content is never quoted."""
        if mode & 0o077:
            return "", f"{self._path}: others on this host may read it (mode {mode:03o}); run: chmod 600 it"
        try:
            with self._path.open(encoding="ascii") as file:
                words = file.read(_LONGEST).split()
        except OSError as error:
            return "", f"{self._path}: cannot be read ({error.strerror})"
        except UnicodeDecodeError:
            words = []
        if len(words) != 1:
            return "", f"{self._path}: expected one word, the access token, and nothing else"
        return words[0], ""


def _ends_s(token: str) -> float:
    """When it ends by its own words; one that is silent is taken for the newest."""
    return parse_token(token).expires_s or float("inf")


def _write(path: Path, text: str) -> None:
    """A file for its owner's eyes, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
