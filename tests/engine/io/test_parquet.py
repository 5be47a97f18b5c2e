"""A recorded day as Parquet: nothing of it is lost, and it is small."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.io import parquet
from engine.io.parquet import BOOKS, NOTES, TICKS, read_notes, read_parquet, write_parquet
from engine.recording.entries import Book, Note, Prices
from tests.engine.recording.test_spool import KEYS, OFFERS, PLAIN, told
from tests.engine.recording.test_spool import TICKS as ANY_TICKS
from tests.support.made_day import made_day

#: A day of 500 contracts: how much may be kept, and how long it is.
MOST_BYTES, CONTRACTS, DAY_S = 30e6, 500, 22_500


@st.composite
def days(draw):
    """Entries as a scribe gives them: moments grow, prices of a message come before its book and notes."""
    found, at_us = [], draw(st.integers(0, 2**50))
    for _ in range(draw(st.integers(0, 12))):
        at_us += draw(st.integers(1, 10**9))
        if draw(st.booleans()):
            found.append(Prices(at_us, tuple(draw(st.lists(ANY_TICKS, min_size=1, max_size=3)))))
        if draw(st.booleans()):
            found.append(Book(at_us, draw(KEYS), draw(OFFERS), draw(OFFERS)))
        if draw(st.booleans()):
            found.append(Note(at_us, draw(st.sampled_from(["beat", "rows"])), draw(PLAIN)))
    return found


@given(days(), st.integers(1, 5))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_nothing_is_lost_between_writing_and_reading(monkeypatch, entries, group):
    """Whatever ticks hold and however many make a group: all comes back in its order."""
    with monkeypatch.context() as patch, tempfile.TemporaryDirectory() as home:
        patch.setattr(parquet, "_GROUP", group)
        packed = write_parquet(entries, Path(home), "091500")
        assert told(read_parquet(Path(home), "091500")) == told(entries)
        assert list(read_notes(Path(home), "091500")) == [e for e in entries if isinstance(e, Note)]
        assert packed.ticks == sum(len(e.ticks) for e in entries if isinstance(e, Prices))
        assert packed.books == sum(isinstance(e, Book) for e in entries)


def test_a_day_of_500_contracts_has_no_more_than_30_megabytes(tmp_path):
    """A hundredth of it, a tenth of the contracts for a tenth of the time, has no more than a hundredth."""
    packed = write_parquet(made_day(CONTRACTS // 10, DAY_S // 10), tmp_path, "091500")
    assert packed.ticks > 0.3 * CONTRACTS * DAY_S / 100, "a day that is worth its name"
    assert packed.size_bytes * 100 < MOST_BYTES
    assert packed.size_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_what_fails_leaves_nothing_behind(tmp_path):
    """Half a file would be taken for a day."""

    def breaks():
        yield from made_day(3, 60)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_parquet(breaks(), tmp_path, "091500")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [NOTES, BOOKS, TICKS])
def test_a_damaged_or_foreign_file_is_refused_with_its_name(tmp_path, end):
    """Cut short, or of a version that nobody knows yet."""
    write_parquet(made_day(3, 60), tmp_path, "091500")
    path = tmp_path / f"091500{end}"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="cannot be read as a recorded day"):
        list(read_parquet(tmp_path, "091500"))
    pq.write_table(pa.table({"at_us": [1]}), path)
    with pytest.raises(BadInput, match=r"read version none .* bring this one up to date"):
        list(read_parquet(tmp_path, "091500"))


def test_prices_are_sorted_by_contract_within_a_group(tmp_path):
    """That is what makes them small, and quick to look one contract up in."""
    write_parquet(made_day(5, 60), tmp_path, "091500")
    keys = pq.read_table(tmp_path / f"091500{TICKS}")["key"].to_pylist()
    assert keys == sorted(keys)
    assert len(Counter(keys)) == 5
