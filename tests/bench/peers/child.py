"""A peer's process: it runs one round when it is told to, and says what that cost."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Self

from tests.bench.peers.environments import ROOT

if TYPE_CHECKING:
    from pathlib import Path


class Child:
    """One of them; leaving its context ends it.

    Attributes:
        versions: what runs there, in words.
    """

    def __init__(self, python: Path, script: str, job: Path) -> None:
        """Start it on a job; wait until it is ready.

        Args:
            python: of its own environment.
            script: a file beside this one, or anywhere; it knows nothing of our code.
            job: a file of JSON that says what to run.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [str(python), str(ROOT / "tests" / "bench" / "peers" / script), str(job)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=job.parent,
        )  # fmt: skip
        self.versions: str = self._line()["versions"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its standard input ends, and so does it

    def round(self, variant: str) -> dict[str, Any]:
        """Run one round of a variant; ``cpu_s`` and what the script adds."""
        if self._process.stdin is None:
            raise AssertionError("the peer has no standard input")
        self._process.stdin.write(variant + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        """The next line that is ours: libraries may print as well.

        Raises:
            AssertionError: the process has ended.
        """
        while line := self._process.stdout.readline() if self._process.stdout else "":
            if line.startswith('{"peer"'):
                found: dict[str, Any] = json.loads(line)
                return found
        raise AssertionError(f"the peer has ended with {self._process.wait()}")
