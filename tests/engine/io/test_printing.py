"""A reader that stands still, or is gone, holds up nothing and takes no alert with it."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

from engine.effects import Alert
from engine.io.clock import SystemClock
from engine.io.headless import Headless
from engine.io.printing import MOST_BLOCKS, Printer, apart, written
from engine.model import Urgency


@pytest.fixture
def full_pipe():
    """(reading end, a stream to its writing end): not a byte more fits in."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writes, b"." * 4096)
    os.set_blocking(writes, True)
    with os.fdopen(reads, "rb", closefd=False) as end, os.fdopen(writes, "w", encoding="utf-8") as stream:
        yield end, stream
    with suppress(OSError):
        os.close(reads)


def test_a_reader_that_stands_still_holds_up_nobody_and_finds_the_newest_table(full_pipe):
    """Whoever tells goes on; once it reads, it gets each block, and of many tables the last."""
    end, stream = full_pipe
    own = apart(stream)
    printer = Printer(written(own), written(own))
    for number in range(1, 101):
        printer.show(f"table {number}\n")
        printer.tell(f"block {number}\n")
    assert not printer.close(0.0)  # it stands
    stream.close()
    read = b""
    while b"table 100\n" not in read:
        read += end.read1()
    assert printer.close(None)
    lines = read.decode().lstrip(".").splitlines()
    assert [line for line in lines if "block" in line] == [f"block {number}" for number in range(1, 101)]
    assert len([line for line in lines if "table" in line]) <= 2  # one may have been begun at once
    own.close()


def test_what_no_longer_fits_into_the_queue_is_in_the_log(full_pipe, caplog):
    """The queue has an end; the newest are kept for the reader."""
    caplog.set_level("INFO")
    end, stream = full_pipe
    own = apart(stream)
    printer = Printer(written(own), written(own))
    for number in range(MOST_BLOCKS + 2):
        printer.tell(f"block {number};\n")
    assert "the reader stands still: block 0;" in caplog.text or "stands still: block 1;" in caplog.text
    stream.close()
    read = b""
    while f"block {MOST_BLOCKS + 1};".encode() not in read:
        read += end.read1()
    assert printer.close(None)
    own.close()


@pytest.mark.parametrize("place", ["a full disk", "a reader that is gone"])
def test_an_alert_that_cannot_be_printed_goes_to_the_log_and_nothing_is_raised(place, caplog):
    """The loop has an order to send behind that alert."""
    if place == "a full disk":
        stream = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", encoding="utf-8")
    else:
        reads, writes = os.pipe()
        os.close(reads)
        stream = os.fdopen(writes, "w", encoding="utf-8")
    printer = Printer(written(stream), written(stream))
    chat = Headless(printer.tell, SystemClock(None)).of("default")
    chat.alert(Alert(Urgency.HIGH, "t", "The stop acts", "NIFTY"))
    printer.show("one table")
    assert printer.close(None)
    printed = [record.getMessage() for record in caplog.records if record.name == "engine.io.printing"]
    assert "The stop acts" in printed[0]
    assert printed[1].startswith("tables cannot be printed")
    with suppress(OSError):
        stream.close()
