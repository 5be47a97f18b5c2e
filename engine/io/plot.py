"""What a house is built on: the choice of one account's settings, mode and source of prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.io.stores.own_rows import Roll
from engine.model import Mode
from engine.settings import Settings

__all__ = ["Plot"]


@dataclass(frozen=True, slots=True)
class Plot:
    """What a house is built on; each of its lives anew.

    Attributes:
        settings: of this account (`Settings.of_account`).
        mode: of this account.
        websocket: False = REST quotes only, every ``interval_s``.
        roll: the accounts that live beside it; None = it is the only one, and the directory is locked.
        learn: told of every secret that comes later than the settings: the log must not show it.
    """

    settings: Settings
    mode: Mode
    websocket: bool
    interval_s: float
    roll: Roll | None
    learn: Callable[[str], None]

    @property
    def sends(self) -> bool:
        """Whether orders may leave; the others may look on beside it."""
        return self.mode in (Mode.SEMI_AUTO, Mode.EXECUTE)
