"""The strategy_exit_levels table: what owners write becomes rows of ours, or a sentence."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.exit_levels import parse_csv, read_level
from engine.model import ExitLevel

WROTE = {
    "strategy_id": 3359, "exit_type": "Stop_Loss", "level_name": None, "trigger_type": "PERCENTAGE",
    "trigger_value": "50.00",
}  # fmt: skip
ROW = ExitLevel(7, 3359, "stop_loss", "primary", "percentage", Decimal(50))


@pytest.mark.parametrize(
    ("cells", "field", "value"),
    [
        ({}, "level_name", "primary"),
        ({"enabled": 0}, "enabled", False),
        ({"is_active": "f"}, "enabled", False),
        ({"enabled": True}, "enabled", True),
        ({"enabled": ""}, "enabled", True),
        ({"close_percentage": "33.3"}, "close_pct", Decimal("33.3")),
        ({"trigger_value": "−50 %"}, "value", Decimal(-50)),
        ({"trigger_value": "+1,500.00"}, "value", Decimal(1500)),
        ({"trigger_value": 50.0}, "value", Decimal(50)),
    ],
)
def test_cells_are_taken_as_databases_and_people_write_them(cells, field, value):
    """Words in any case, booleans in any spelling, numbers with their sign and unit."""
    read = read_level(WROTE | cells, 7)
    assert getattr(read, field) == value
    assert not read.fault


def test_a_row_as_the_table_has_it():
    """Every column in its place; another name of a column is the same column."""
    assert read_level(WROTE, 7) == ROW
    renamed = {("value" if name == "trigger_value" else name): cell for name, cell in WROTE.items()}
    assert read_level(renamed, 7) == ROW


@pytest.mark.parametrize(
    ("column", "word"),
    [("strategy_id", "x"), ("trigger_value", "nan"), ("trigger_value", "--5"), ("trigger_value", ""),
     ("trigger_value", "1e3"), ("trigger_value", "+-5"), ("enabled", "perhaps"),
     ("close_percentage", "half")],
)  # fmt: skip
def test_a_bad_cell_is_a_fault_of_the_row_and_no_exception(column, word):
    """One bad row of a database must not hide the others."""
    read = read_level(WROTE | {column: word}, 7)
    assert read.fault.startswith(f"{column}: read {word!r}, expected ")
    assert read.id == 7


@pytest.mark.parametrize(
    ("trigger_type", "word", "right"),
    [
        ("percentage", "₹50", "50 %"),
        ("price", "50 %", "₹5,000"),
        ("dte", "7 %", "7"),
        ("greek_value", "₹1", "-0.5"),
    ],
)
def test_a_unit_that_contradicts_the_trigger_type_is_a_fault(trigger_type, word, right):
    """₹50 where per cent are meant is a slip of the pen, not fifty per cent."""
    read = read_level(WROTE | {"trigger_type": trigger_type, "trigger_value": word}, 7)
    assert read.fault.startswith(f"trigger_value: read {word!r}, expected a number, e.g. 50.00")
    assert not read_level(WROTE | {"trigger_type": trigger_type, "trigger_value": right}, 7).fault


def test_a_file_is_taken_whole_or_refused_with_all_its_faults():
    """Bad cells, unknown words and values that no rule takes, each with its row."""
    text = (
        "Strategy ID,exit_type,level_name,trigger_type,value,enabled\n"
        "3359,stop_loss,primary,percentage,50.00,true\n"
        "3359,profit_target,primary,percentage,0,\n"
        "3359,stop,primary,percentage,50,\n"
        "x,stop_loss,primary,percentage,50,\n"
        "3359,stop_loss,primary,price,y,no\n"
        "3359,stop_loss,primary,price,5000,yes,9\n"
        "3359,stop_loss,primary,percentage,40,\n"
    )
    with pytest.raises(BadInput) as caught:
        parse_csv(text)
    faults = str(caught.value).split("\n")
    for wanted in (
        "row 2: trigger_value: read 0, that is profit_target = 0, expected",
        "row 3: exit_type: read 'stop', expected",
        "row 4: strategy_id: read 'x', expected",
        "row 5: trigger_value: read 'y', expected",
        "row 6 (line 7): read 7 cells, expected 6",
        "row 7: stop_loss is set by strategy_exit_levels row 1 already",
    ):
        assert any(fault.startswith(wanted) for fault in faults), (wanted, faults)
    assert len(faults) == 6
    first = "\n".join(text.splitlines()[:2])
    assert parse_csv(first) == (ExitLevel(1, 3359, "stop_loss", "primary", "percentage", Decimal("50.00")),)


def test_ids_are_the_files_own_or_the_rows_numbers():
    """A fault names the row as its owner does; an id that is none, or stands twice, is a fault itself."""
    head = "id,strategy_id,exit_type,trigger_type,trigger_value\n"
    good = "41,1,stop_loss,percentage,50\n"
    assert [level.id for level in parse_csv(head + good)] == [41]
    with pytest.raises(BadInput) as caught:
        parse_csv(head + good + "x,2,stop_loss,percentage,50\n41,3,stop,percentage,50\n")
    assert str(caught.value).split("\n") == [
        "row 2 (line 3): id: read 'x', expected a whole number above 0",
        "id: read 41 2 times, expected each id once",
        "row 41: exit_type: read 'stop', expected profit_target, stop_loss, time_exit, greek_trigger",
    ]


def test_a_header_that_lacks_columns_says_which():
    """No guess is made about which column is which."""
    with pytest.raises(BadInput, match=r"missing: exit_type, trigger_value"):
        parse_csv("strategy_id,trigger_type\n1,dte\n")


@given(st.dictionaries(st.sampled_from(sorted({*WROTE, "enabled", "close_percentage"})), st.text(max_size=6)))
def test_any_cells_give_a_row(changed):
    """Whatever stands in a database, reading it does not fail."""
    assert read_level(WROTE | changed, 7).id == 7


@given(st.text(alphabet="strategy_id,exlvnm\n\"'0", max_size=80))
def test_any_text_gives_rows_or_bad_input_and_nothing_else(text):
    """A file that is no such table is a sentence."""
    with suppress(BadInput):
        parse_csv(text)
