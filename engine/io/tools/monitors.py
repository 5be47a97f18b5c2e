"""Where the running monitor is that a tool asks."""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, Unreachable
from engine.io.env import SANDBOX_DIR, load_settings
from engine.io.hatch import NAME, ask

__all__ = ["ask_here", "ended_within", "home"]


def ask_here(question: Mapping[str, Any], remedy: str) -> dict[str, Any]:
    """What the monitor of these settings answers.

    Raises:
        Unreachable: none runs there, or it does not answer; with the remedy.
        BadInput: it does not take the question.
    """
    try:
        return ask(home(), question)
    except Unreachable as error:
        raise Unreachable(f"{error}. {remedy}") from error


def home() -> Path:
    """Where the monitor of these settings is at home; on its sandbox it lives in a directory of its own.

    Only DATA_DIR is needed: settings that are not all there yet must not keep anybody from a stop.
    """
    try:
        root = load_settings().data_dir
    except ConfigError:
        word = os.environ.get("DATA_DIR", "").strip()
        if not word:
            raise
        root = Path(word)
    return root / SANDBOX_DIR if not (root / NAME).exists() and (root / SANDBOX_DIR / NAME).exists() else root


def ended_within(process: int, seconds: float) -> bool:
    """Wait for the end of a process, whoever's child it is; whether it came in time."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
