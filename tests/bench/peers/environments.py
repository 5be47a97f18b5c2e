"""Each peer lives in a virtual environment of its own below ``.venv/peers``, which git does not see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import rmtree

ROOT = Path(__file__).parents[3]
_HOME = ROOT / ".venv" / "peers"
_DONE = "installed"
#: What pip says of a place that has no such package: nothing to a reader who wants to know why it failed.
_NOISE = ("WARNING", "[notice]")


class NotInstalled(Exception):
    """A peer cannot be installed here; the words say why."""


def python_of(name: str, version: str) -> Path:
    """The Python of a peer's own environment; made, and the peer fetched into it, if it is not there yet.

    Raises:
        NotInstalled: there is no such package for this Python, or no way to where packages are.
    """
    home = _HOME / f"{name}-{version}"
    python = home / "bin" / "python"
    if not (home / _DONE).exists():
        rmtree(home, ignore_errors=True)  # what an interrupted try has left
        print(f"fetching {name} {version} into {home.relative_to(ROOT)} ...", flush=True)
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", f"{name}=={version}"])
        (home / _DONE).touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our words
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(_NOISE)]
        raise NotInstalled(lines[-1] if lines else f"pip ended with {done.returncode}")
