"""Entries to bytes and back; what a crash cuts off; what is none of ours."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.messages import Tick
from engine.model import SEGMENT_BY_CODE
from engine.recording.entries import Book, Note, Offer, Prices, tick_values
from engine.recording.spool import HEAD, SpoolReader, block

WHOLE = st.integers(-(2**60), 2**60)
KEYS = st.builds(
    lambda code, number: code << 32 | number,
    st.sampled_from(sorted(SEGMENT_BY_CODE)),
    st.integers(0, 2**32 - 1),
)
SIDES = st.none() | WHOLE
TICKS = st.builds(Tick, KEYS, WHOLE, WHOLE, SIDES, WHOLE, SIDES, WHOLE, WHOLE, WHOLE)
MOMENTS = st.integers(0, 2**60)
OFFERS = st.lists(st.builds(Offer, WHOLE, WHOLE), max_size=5).map(tuple)
PLAIN = st.dictionaries(st.text(), st.none() | st.booleans() | WHOLE | st.text() | st.floats(allow_nan=False))
ENTRIES = (
    st.builds(Prices, MOMENTS, st.lists(TICKS, max_size=4).map(tuple))
    | st.builds(Book, MOMENTS, KEYS, OFFERS, OFFERS)
    | st.builds(Note, MOMENTS, st.text(), PLAIN)
)


def told(entries):
    """Entries as values that can be compared: a tick has no equality of its own."""
    return [
        (e.at_us, [tick_values(tick) for tick in e.ticks]) if isinstance(e, Prices) else e for e in entries
    ]


def read(data):
    """The entries of a spool, and how many bytes were left out."""
    reader = SpoolReader(io.BytesIO(data), "a spool")
    found = list(reader)
    return found, reader.torn_bytes


@given(st.lists(st.lists(ENTRIES, max_size=4), max_size=4))
def test_nothing_is_lost_between_writing_and_reading(blocks):
    """Every field of every tick, every level and note, block after block, in their order."""
    found, torn = read(HEAD + b"".join(map(block, blocks)))
    assert told(found) == told(entry for entries in blocks for entry in entries)
    assert torn == 0


@given(st.lists(st.lists(ENTRIES, min_size=1, max_size=3), min_size=1, max_size=3), st.data())
def test_a_torn_tail_is_left_out_and_told(blocks, data):
    """However much of the file a crash has left, whole blocks are read, and the rest is counted."""
    made = [block(entries) for entries in blocks]
    whole = HEAD + b"".join(made)
    cut = data.draw(st.integers(0, len(whole) - 1))
    found, torn = read(whole[:cut])
    kept, size = [], len(HEAD)
    for entries, each in zip(blocks, made, strict=True):
        if size + len(each) > cut:
            break
        kept, size = [*kept, *entries], size + len(each)
    assert told(found) == told(kept)
    assert torn == cut - size if cut >= len(HEAD) else torn == cut


@given(st.lists(ENTRIES, min_size=1, max_size=3), st.lists(ENTRIES, min_size=1, max_size=3), st.data())
def test_a_changed_block_ends_what_is_believed(first, second, data):
    """One wrong byte in the second block: the first is read, nothing of the second."""
    before, after = HEAD + block(first), bytearray(block(second))
    at = data.draw(st.integers(0, len(after) - 1))
    after[at] ^= 1 << data.draw(st.integers(0, 7))
    found, torn = read(before + bytes(after))
    assert told(found) == told(first)
    assert torn == len(after)


def test_another_version_is_refused_with_what_to_do():
    """A younger program's file is not guessed at."""
    with pytest.raises(BadInput, match=r"read version 7 .* expected 1; .* bring this one up to date"):
        read(HEAD[:8] + (7).to_bytes(4, "little"))


@given(st.binary(max_size=40))
def test_what_is_no_spool_is_refused(data):
    """Whatever somebody puts there, it is refused, or the beginning of a head that a crash has left."""
    if data[:8] == HEAD[:8]:
        return
    if HEAD.startswith(data):
        assert read(data) == ([], len(data))
        return
    with pytest.raises(BadInput, match="is no recorded day"):
        read(data)


def test_no_entries_are_no_block():
    """Nothing is written for nothing."""
    assert block([]) == b""
