"""Who may run here: one monitor per data directory, and per account one that sends orders."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from engine.errors import JournalError

__all__ = ["HostLock", "account_lock", "on_this_host"]

#: Where the lock of an account is, whoever starts the monitor and with whatever environment: the first
#: that there is. Nothing sweeps the first one; it is empty after a boot, as it should be.
_SHARED = (Path("/run/lock"), Path("/tmp"))  # noqa: S108 - a fixed name is the point; no link is followed


def on_this_host(api_url: str) -> bool:
    """True for a broker that is a sandbox or a server of one's own: its accounts are nobody else's."""
    return urlsplit(api_url).hostname in {"127.0.0.1", "localhost", "::1"}


def account_lock(client_id: str, api_url: str) -> HostLock:
    """The lock of one account at one broker, the same for every data directory of this host."""
    where = next((place for place in _SHARED if os.access(place, os.W_OK)), _SHARED[-1])
    broker = hashlib.blake2s(api_url.rstrip("/").encode(), digest_size=4).hexdigest()
    return HostLock(
        where, f"prahari-{client_id}-{broker}.lock", "or run this one with --simulate or --alert-only"
    )


class HostLock:
    """One monitor per data directory on this host: a file lock that dies with its process.

    Args:
        directory: where the file is.
        name: the file's.
        instead: what else can be done than to stop who holds it.
    """

    def __init__(
        self, directory: Path, name: str = "lock", instead: str = "or give this one a DATA_DIR of its own"
    ) -> None:
        """Name the lock; nothing is held yet."""
        self.path = directory / name
        self._instead = instead
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            JournalError: another process holds it (names its pid), or the file cannot be made.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be made ({error.strerror}); check who owns that directory and that file"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise JournalError(
                f"{self.path}: held by another monitor (process {holder}); stop it first, {self._instead}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        """Let go; the file stays, so that two newcomers cannot lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
