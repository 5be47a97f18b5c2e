"""Threads beside the loop give the interpreter back soon while a house runs, and as before after it."""

from __future__ import annotations

import sys

import pytest

from engine.io.interpreter import SWITCH_S, shared_fairly


def test_threads_give_way_soon_while_a_house_runs():
    """The interval is that of the process: whoever set another one has it back."""
    before_s = sys.getswitchinterval()
    with shared_fairly():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert sys.getswitchinterval() == before_s
