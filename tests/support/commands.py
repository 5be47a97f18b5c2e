"""Programs that a test runs to their end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Done(NamedTuple):
    """What a program printed, on both of its outputs, and its exit status."""

    said: str
    status: int


def run(*words: object, cwd: Path = ROOT, within_s: float = 60.0) -> Done:
    """Run a program, by its path or its name."""
    done = subprocess.run(  # noqa: S603 - the tests' own words
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=within_s, check=False
    )
    return Done(done.stdout + done.stderr, done.returncode)
