"""The trades table: what owners write becomes positions, or a sentence about each thing wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.model import Segment, Side, TradeRow, instrument_key
from engine.trades import REQUIRED_COLUMNS, parse_csv, parse_row, row_key

COLUMNS = (
    "strategy_id,symbol,strategy,security_id,action,type,strike_price,expiry_date,quantity,price,order_id,"
    "order_status,timestamp"
)
ASTRAL = "3359,ASTRAL,Long Call,104871,BUY,CE,1500,2026-02-24,425,57.00,1001,TRADED,2026-02-03T09:20:00+05:30"
WROTE = dict(zip(COLUMNS.split(","), ASTRAL.split(","), strict=True))
AT_S = datetime.fromisoformat("2026-02-03T09:20:00+05:30").timestamp()

PARSED = TradeRow(
    id=1,
    account="default",
    strategy_id=3359,
    symbol="ASTRAL",
    strategy="Long Call",
    security_id=104871,
    action=Side.BUY,
    type="CE",
    strike_price_paise=150_000,
    expiry_date=date(2026, 2, 24),
    quantity=425,
    price_paise=5_700,
    order_id="1001",
    order_status="TRADED",
    timestamp_s=AT_S,
)


def row(**changed: object) -> TradeRow:
    """The ASTRAL row with some cells changed."""
    return parse_row(WROTE | changed, "row 7", 7)


def faults(**changed: object) -> list[str]:
    """What is wrong with the ASTRAL row so changed."""
    with pytest.raises(BadInput) as caught:
        row(**changed)
    return str(caught.value).split("\n")


def test_a_row_as_the_table_has_it():
    """The owner's own ASTRAL call, every column in its type."""
    assert parse_csv(f"{COLUMNS}\n{ASTRAL}\n") == (PARSED,)


@pytest.mark.parametrize("word", ["0001-01-01T00:00:00", "9999-12-31T23:59:59+05:30", "2125-02-03 09:20"])
def test_a_moment_is_of_our_times(word):
    """A year of another age is a slip of the pen, told like any other."""
    (fault,) = faults(timestamp=word)
    assert fault.startswith(f"row 7: timestamp: read '{word}', expected a moment such as")


def test_the_file_may_come_from_any_spreadsheet():
    """Byte order mark, CRLF, blanks, other column order and case, unknown columns, empty lines."""
    text = (
        "\ufeffTimestamp, Symbol ,strategy id,Quantity,Security-Id,ACTION,Type,Strike Price,Expiry Date,"
        "price,Order Status,notes,strategy,order_id\r\n"
        '\r\n 03-02-2026 09:20 , astral ,3359,425.0,104871,Buy,call,"1,500.00",24/02/2026,₹57,traded,"a, b",'
        "Long Call,1001\r\n,,,,,,,,,,,,,\r\n"
    )
    assert parse_csv(text) == (PARSED,)


@pytest.mark.parametrize(
    ("column", "word", "field", "value"),
    [
        ("action", "sell", "action", Side.SELL),
        ("type", "Put", "type", "PE"),
        ("order_status", "Part Traded", "order_status", "PART_TRADED"),
        ("order_status", "executed", "order_status", "EXECUTED"),
        ("price", "", "price_paise", None),
        ("price", "NULL", "price_paise", None),
        ("price", "57.0301", "price_paise", 5704),
        ("price", 54.6, "price_paise", 5460),
        ("account", "family-2", "account", "family-2"),
        ("account", None, "account", "default"),
        ("rule_set", " Aggressive_Profits ", "rule_set", "Aggressive_Profits"),
        ("rule_set", None, "rule_set", ""),
        ("expiry_date", date(2026, 2, 24), "expiry_date", date(2026, 2, 24)),
        ("expiry_date", "2026-02-24T00:00:00", "expiry_date", date(2026, 2, 24)),
        ("timestamp", "2026-02-03 09:20:00", "timestamp_s", AT_S),
        ("timestamp", "2026-02-03T03:50:00Z", "timestamp_s", AT_S),
        ("timestamp", "2026-02-03 03:50:00.5+00", "timestamp_s", AT_S + 0.5),
        ("strike_price", "24,650.50", "strike_price_paise", 24_650_50),
        ("strike_price", "1,23,456", "strike_price_paise", 1_23_456_00),
    ],
)
def test_spellings_with_one_meaning_are_taken(column, word, field, value):
    """Legacy tables spell the same thing in several ways."""
    assert getattr(row(**{column: word}), field) == value


def test_an_average_finer_than_a_paisa_is_rounded_against_the_owner():
    """Bought dearer, sold cheaper: no rounding ever flatters the P&L."""
    assert row(action="SELL", price="57.0399").price_paise == 5703
    assert row(action="BUY", price="57.0301").price_paise == 5704


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ("strategy_id", "0"), ("strategy_id", "-1"), ("strategy_id", "x"), ("symbol", ""), ("symbol", "a/b"),
        ("security_id", "1.5"), ("action", "HOLD"), ("type", "XX"), ("type", ""), ("strike_price", "0"),
        ("strike_price", ""), ("strike_price", "1500.005"), ("strike_price", "nan"),
        ("expiry_date", "24 Feb"), ("expiry_date", "02/24/2026"), ("expiry_date", ""),
        ("quantity", "-425"), ("quantity", "0"),
        ("quantity", "4.5"), ("price", "-57"), ("price", "0"), ("price", "57,00"), ("price", "1e3"),
        ("price", "inf"), ("order_status", "PENDING"), ("order_status", ""), ("timestamp", "yesterday"),
        ("timestamp", ""), ("account", "a/b"), ("exchange_segment", "NFO"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_row_column_read_and_expected(column, word):
    """One wrong cell is one fault that names the place, what was read and what was expected."""
    (fault,) = faults(**{column: word})
    assert fault.startswith(f"row 7: {column}: read {word!r}, expected ")


def test_a_margin_may_be_missing_and_is_read_in_rupees():
    """An optional column: empty is unknown, nonsense is refused with its column."""
    assert row().margin_paise is None
    assert row(margin="").margin_paise is None
    assert row(margin="64,321.055").margin_paise == 6_432_105
    assert "margin: read '-5', expected the margin blocked at entry" in faults(margin="-5")[0]


def test_a_future_has_no_strike():
    """Strike empty or 0 for FUT; a strike there is a mistake somewhere."""
    assert row(type="FUT", strike_price="").strike_price_paise is None
    assert row(type="FUT", strike_price="0.00").strike_price_paise is None
    assert faults(type="FUT", strike_price="1500") == [
        "row 7: strike_price: read '1500', expected nothing for a future"
    ]


def test_all_faults_of_all_rows_come_together_and_no_row_is_taken():
    """A file is taken whole or not at all, and one look shows everything there is to mend."""
    text = "\n".join([
        COLUMNS,
        ASTRAL,
        ASTRAL.replace("BUY", "HOLD").replace("425", "-1"),
        "",
        ASTRAL + ",surplus",
        ASTRAL.replace("TRADED", "NEW"),
    ])  # fmt: skip
    with pytest.raises(BadInput) as caught:
        parse_csv(text)
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        ["row 2 (line 3)", "action"],
        ["row 2 (line 3)", "quantity"],
        ["row 3 (line 5)", "read 14 cells, expected 13"],
        ["row 4 (line 6)", "order_status"],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "header: read nothing; missing: strategy_id"),
        (COLUMNS.replace("quantity", "qty"), "missing: quantity"),
        (f"{COLUMNS},price", "twice: price"),
        (COLUMNS.replace(",", ";"), "missing: strategy_id"),
        (f'{COLUMNS}\n"3359,open', "line 2: not readable as CSV"),
    ],
)
def test_a_file_that_is_not_such_a_table_says_so(text, said):
    """Missing or doubled columns, semicolons and open quotes are faults, not tracebacks."""
    with pytest.raises(BadInput) as caught:
        parse_csv(text)
    assert said in str(caught.value)


def test_ids_are_the_files_own_or_the_rows_numbers():
    """With an id column it is used and checked, without one rows are numbered from 1."""
    assert [r.id for r in parse_csv(f"{COLUMNS}\n{ASTRAL}\n{ASTRAL}")] == [1, 2]
    assert [r.id for r in parse_csv(f"{COLUMNS},id\n{ASTRAL},17\n")] == [17]
    with pytest.raises(BadInput, match="id: read ''"):
        parse_csv(f"{COLUMNS},id\n{ASTRAL},\n")
    with pytest.raises(BadInput, match=r"row 2 \(line 3\): id: read 17 again"):
        parse_csv(f"{COLUMNS},id\n{ASTRAL},17\n{ASTRAL},17\n")


def test_segments_follow_the_underlying_and_a_contradiction_is_refused():
    """SENSEX and BANKEX options trade at BSE; a column that says otherwise is a fault."""
    assert row_key(row(symbol="SENSEX")) == instrument_key(Segment.BSE_FNO, 104871)
    assert row_key(row(exchange_segment="nse_fno")) == instrument_key(Segment.NSE_FNO, 104871)
    assert faults(symbol="BANKEX", exchange_segment="NSE_FNO") == [
        "row 7: exchange_segment: read 'NSE_FNO' for BANKEX, expected BSE_FNO or empty"
    ]


@given(st.dictionaries(st.sampled_from(REQUIRED_COLUMNS), st.text(max_size=12)))
def test_any_cells_give_a_row_or_bad_input_and_nothing_else(changed):
    """No text in any cell makes the parser raise anything but BadInput."""
    with suppress(BadInput):
        parsed = parse_row(WROTE | changed, "row 1", 1)
        assert parsed.quantity > 0


@given(st.text(alphabet=st.sampled_from('a1,"\n\r\0;\ufeff'), max_size=60))
def test_any_text_gives_rows_or_bad_input_and_nothing_else(text):
    """No file makes the parser raise anything but BadInput."""
    with suppress(BadInput):
        parse_csv(f"{COLUMNS}\n{text}")
