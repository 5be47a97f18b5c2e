"""One monitor in a process of its own, its settings in the environment: what its phone would show is printed.

``python -m tests.e2e.owner``: one line of JSON for each thing that is said.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from engine import ledger
from engine.effects import Alert, Card
from engine.io.app import Options, run_house
from engine.io.dhan.rest import DhanRest
from engine.io.stores.sqlite_lease import SqliteLease
from engine.model import Mode
from engine.settings import Settings
from tests.crash.child import wrap
from tests.support.ear import Ear

#: The loopback's position list has no lag, so that a fill need not be waited for as long as at Dhan.
SETTLE_S = 2.0
#: Set to True, this setting lets a process freeze by itself when its first order is about to be sent.
FREEZES = "OWNER_FREEZES"
FROZEN = "frozen"
#: Said when the account has been asked for at the place of the lease.
CLAIMED = "claimed"
_once = iter((1,))


def told(said: object) -> None:
    """Print a line for the parent."""
    if isinstance(said, Alert):
        line(said.title, said.text)
    elif isinstance(said, Card):
        line(said.title, " / ".join(said.lines), final=said.final)


def line(title: str, text: str, *, final: bool = False) -> None:
    """One line for the parent."""
    sys.stdout.write(json.dumps([title, text, final]) + "\n")
    sys.stdout.flush()


def freeze(_args: tuple[object, ...]) -> None:
    """Stop this process at its first order, until somebody lets it go on."""
    if next(_once, 0):
        line(FROZEN, "")
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    ledger.SETTLE_S = SETTLE_S
    if os.environ[FREEZES] == str(True):
        wrap(DhanRest, "place", before=freeze)
    wrap(SqliteLease, "acquire", after=lambda _args: line(CLAIMED, ""))
    settings = Settings.parse(os.environ)
    asyncio.run(
        run_house(
            settings, Options(Mode.EXECUTE), lambda _: Ear(told), lambda _view: None, lambda _secret: None
        )
    )
