"""The interpreter that all threads share: whoever waits for it has it soon.

Python lets a thread run on for 5 ms while another one waits. Rows are parsed and pictures drawn on threads
beside the loop, which waits again after each look at its sockets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["SWITCH_S", "shared_fairly"]

#: How long a thread runs on while another one waits.
SWITCH_S = 0.0005


@contextmanager
def shared_fairly() -> Iterator[None]:
    """While a house runs: its loop waits for its turn a tenth as long as usual."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
