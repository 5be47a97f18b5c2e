"""The instrument master: three generations of real headers, its traps, and the last good copy."""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web

from engine.errors import BadInput, Unreachable
from engine.io.dhan import instruments
from engine.io.dhan.instruments import load_instruments
from engine.io.dhan.master import parse_master
from engine.model import InstrumentKind, Right, Segment, instrument_key
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.http_peers import answering, hanging

REAL = Path(__file__).parents[5] / "shared" / "data" / "dhan"
NIFTY = frozenset({"NIFTY"})
INDEX_13 = instrument_key(Segment.IDX_I, 13)

DETAILED = (
    "EXCH_ID,SEGMENT,SECURITY_ID,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,"
    "DISPLAY_NAME,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,SM_FREEZE_QTY"
)
COMPACT = (
    "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,"
    "SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,"
    "SEM_TICK_SIZE,SEM_EXPIRY_FLAG,SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,SM_SYMBOL_NAME"
)
CALL = (
    "NSE,D,40001,OPTIDX,26000,NIFTY,NIFTY-Nov2026-25300-CE,NIFTY 23 NOV 25300 CALL,65,"
    "2026-11-23,25300,CE,5,1800"
)
INDEX = "NSE,I,13,INDEX,13,NIFTY,NIFTY,Nifty 50,1,0001-01-01,,XX,0.05,0"


def real(name: str) -> list[str]:
    """The lines of a real file; skips where the recorded data are absent."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"recorded data not here: {path.name}")
    return path.read_text().splitlines()


def test_a_detailed_option():
    """An option row gives everything an exit needs, linked to its index."""
    master = parse_master([DETAILED, INDEX, CALL], NIFTY)
    option = master.instruments[instrument_key(Segment.NSE_FNO, 40001)]
    assert (option.kind, option.symbol, option.display) == (
        InstrumentKind.OPTION,
        "NIFTY",
        "NIFTY 23 NOV 25300 CE",
    )
    assert (option.lot, option.tick_paise, option.freeze_quantity) == (65, 5, 1800)
    assert (option.expiry, option.strike_paise, option.right) == (date(2026, 11, 23), 2_530_000, Right.CALL)
    assert (option.index_option, option.underlying) == (True, INDEX_13)
    assert master.instruments[INDEX_13].tick_paise == 5
    assert (master.rows, master.refused) == (2, {})


def test_a_compact_option():
    """The compact file's symbol is within the trading symbol, its lot may be 1.0, its date has a time."""
    row = (
        "NSE,D,55001,OPTSTK,0,BAJAJ-AUTO-Nov2026-9000.5-PE,75.0,BAJAJ-AUTO 24 NOV 9000.5 PUT,"
        "2026-11-24 14:30:00,9000.50000,PE,5.0000,M,OP,NA,"
    )
    share = "NSE,E,16669,EQUITY,0,BAJAJ-AUTO,1.0,Bajaj Auto,,,,100.0,NA,ES,EQ,BAJAJ AUTO LTD"
    master = parse_master([COMPACT, row, share], frozenset({"BAJAJ-AUTO"}))
    option = master.instruments[instrument_key(Segment.NSE_FNO, 55001)]
    assert (option.symbol, option.strike_paise, option.right) == ("BAJAJ-AUTO", 900_050, Right.PUT)
    assert (option.lot, option.freeze_quantity, option.index_option) == (75, None, False)
    assert option.underlying == instrument_key(Segment.NSE_EQ, 16669)
    assert option.display == "BAJAJ-AUTO 24 NOV 9000.5 PE"


def test_a_commodity_and_a_currency():
    """A currency derivative's quarter-paisa tick is refused by name; other symbols do not suffer."""
    currency = "NSE,C,1,FUTCUR,9,USDINR,USDINR-Nov2026-FUT,USDINR NOV FUT,1000,2026-11-26,-0.01,XX,0.25,0"
    gold = "MCX,M,5,OPTFUT,7,GOLD,GOLD-Nov2026-120000-CE,GOLD CALL,100,2026-11-26,120000,CE,50,0"
    master = parse_master([DETAILED, currency, gold, CALL], frozenset({"NIFTY", "USDINR", "GOLD"}))
    assert "tick in paise is 0.25" in master.refused["USDINR-Nov2026-FUT"]
    assert instrument_key(Segment.MCX_COMM, 5) in master.instruments
    assert parse_master([DETAILED, currency, CALL], NIFTY).refused == {}


@pytest.mark.parametrize(
    ("read", "spoiled", "why"),
    [
        ("65", "many", "lot"),
        ("65", "0", "lot"),
        ("2026-11-23", "soon", "expiry"),
        ("2026-11-23", "", "without an expiry"),
        (",CE,", ",XX,", "neither CE nor PE"),
        ("25300,CE", "-0.01,CE", "strike"),
        (",5,1800", ",,1800", "tick in paise is missing"),
        ("40001", "x", "security id"),
        ("40001", str((1 << 32) + 13), "security id"),
        ("25300,CE", "inf,CE", "strike"),
    ],
)
def test_rows_of_ours_that_make_no_sense_are_refused_by_name(read: str, spoiled: str, why: str):
    """A wanted row with an impossible field is left out, and the reason names the field."""
    head, _, tail = CALL.rpartition(read) if read != "40001" else CALL.partition(read)
    master = parse_master([DETAILED, head + spoiled + tail], NIFTY)
    assert master.instruments == {}
    assert why in master.refused["NIFTY-Nov2026-25300-CE"]


def test_a_share_is_known_by_its_id():
    """A bond of the same company stands under the same symbol: the option's own word for its share counts."""
    share = "NSE,E,2885,EQUITY,,RELIANCE,RELIANCE INDUSTRIES LTD,Reliance,1,,,,10,0"
    bond = "NSE,E,9001,EQUITY,,RELIANCE,RELIANCE NCD N2,Reliance N2,1,,,,1,0"
    option = (
        "NSE,D,50001,OPTSTK,2885,RELIANCE,RELIANCE-Nov2026-1400-CE,RELIANCE CALL,500,2026-11-24,1400,CE,5,0"
    )
    master = parse_master([DETAILED, share, bond, option], frozenset({"RELIANCE"}))
    underlying = master.instruments[instrument_key(Segment.NSE_FNO, 50001)].underlying
    assert underlying == instrument_key(Segment.NSE_EQ, 2885)


def test_an_index_is_known_by_its_id():
    """One generation writes NIFTY NEXT 50 where the options say NIFTYNXT50: the id decides."""
    index = "NSE,I,38,INDEX,38,NIFTY NEXT 50,NIFTY NEXT 50,Nifty Next 50,1,0001-01-01,,XX,0.05,0"
    option = CALL.replace("NIFTY", "NIFTYNXT50")
    master = parse_master([DETAILED, index, option], frozenset({"NIFTYNXT50"}))
    underlying = instrument_key(Segment.IDX_I, 38)
    assert underlying in master.instruments
    assert master.instruments[instrument_key(Segment.NSE_FNO, 40001)].underlying == underlying


def test_unpublished_freeze_quantities_and_short_rows():
    """A freeze quantity of zero or less is unknown; a row cut short among others is passed over."""
    for freeze in ("0", "-1", "", "NA"):
        master = parse_master([DETAILED, CALL.removesuffix("1800") + freeze], NIFTY)
        (option,) = master.instruments.values()
        assert option.freeze_quantity is None
    master = parse_master([DETAILED, CALL[:40], INDEX, ""], NIFTY)
    assert master.instruments.keys() == {INDEX_13}


def test_the_day_s_price_range_is_read_where_it_is_published():
    """Both ends are rupees; zero, less, or nothing means that nobody knows."""
    head = f"{DETAILED},SM_UPPER_LIMIT,SM_LOWER_LIMIT"
    for cells, read in (("41.55,0.05", (5, 4155)), ("0,-0.01", (None, None)), (",NA", (None, None))):
        (option,) = parse_master([head, f"{CALL},{cells}"], NIFTY).instruments.values()
        assert (option.lower_paise, option.upper_paise) == read


def test_a_file_that_breaks_off_is_not_a_master():
    """A download cut within its last row has lost others behind it: it is BadInput, not a short list."""
    with pytest.raises(BadInput, match="breaks off in row 2"):
        parse_master([DETAILED, INDEX, CALL[:40]], NIFTY)


def test_something_else_is_not_a_master():
    """A page that is no instrument master is BadInput, and says what it was."""
    with pytest.raises(BadInput, match="<html>"):
        parse_master(["<html>", "<body>"], NIFTY)


def test_real_compact_file():
    """The compact file of June 2026: index ticks are in rupees there, share ticks in paise."""
    symbols = frozenset({"NIFTY", "SENSEX", "TCS", "NIFTYNXT50"})
    master = parse_master(real("dhan_master_compact_2026-06_index_and_some_equity.csv"), symbols)
    assert master.refused == {}
    found = {made.symbol: made for made in master.instruments.values()}
    assert found.keys() == symbols
    assert (found["NIFTY"].key, found["NIFTY"].tick_paise) == (INDEX_13, 5)
    assert (found["SENSEX"].security_id, found["SENSEX"].tick_paise) == (51, 1)
    assert (found["TCS"].kind, found["TCS"].tick_paise) == (InstrumentKind.EQUITY, 10)


def test_real_detailed_file_of_39_columns():
    """The detailed file of July 2025: futures with spreadsheet dates, linked to their share by id."""
    master = parse_master(real("dhan_master_detailed_2025-07_FUTSTK.csv"), frozenset({"ABB", "360ONE"}))
    assert master.refused == {}
    futures = {made.trading_symbol: made for made in master.instruments.values()}
    abb = futures["ABB-Sep2025-FUT"]
    assert (abb.expiry, abb.strike_paise, abb.lot, abb.tick_paise) == (date(2025, 9, 30), None, 125, 50)
    assert abb.underlying == instrument_key(Segment.NSE_EQ, 13)
    assert len([made for made in futures.values() if made.symbol == "360ONE"]) == 3


def test_real_detailed_file_of_31_columns():
    """The detailed file of April 2026: an index is known by its id, whatever the file calls it."""
    lines = real("dhan_master_detailed_2026-04_index_and_few_equity.csv")
    master = parse_master(lines, frozenset({"NIFTYNXT50", "ARE&M", "656MH32"}))
    assert {made.key for made in master.instruments.values()} >= {instrument_key(Segment.IDX_I, 38)}
    assert instrument_key(Segment.NSE_EQ, 100) in master.instruments
    assert master.refused == {}


async def test_loading_from_the_sandbox(server: DhanServer, tmp_path: Path):
    """Detailed and compact file of the sandbox give the same contracts, and a copy is kept."""
    cache = tmp_path / "data" / "instruments.csv"
    detailed = await load_instruments(server.instruments_url, cache, NIFTY)
    compact = await load_instruments(
        server.instruments_url + "/api-scrip-master.csv", tmp_path / "other.csv", NIFTY
    )
    assert detailed.keys() == compact.keys()
    listed = {k: i for k, i in server.market.instruments.items() if i.symbol == "NIFTY"}
    assert detailed.keys() == listed.keys()
    for key, made in detailed.items():
        wire = listed[key]
        assert (made.lot, made.tick_paise, made.strike_paise) == (
            wire.lot,
            wire.tick_paise,
            wire.strike_paise,
        )
        assert (made.expiry, made.right, made.underlying) == (wire.expiry, wire.right, wire.underlying)
        assert (made.freeze_quantity, made.index_option) == (wire.freeze_quantity, wire.index_option)
    assert cache.exists()


async def test_the_last_good_copy(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A failing or nonsensical download never replaces the copy; without one there is no answer."""
    cache, answers = tmp_path / "instruments.csv", {"": (200, f"{DETAILED}\n{INDEX}\n{CALL}\n")}

    async def serve(_request: web.Request) -> web.Response:
        status, text = answers[""]
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/{name}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    good = await load_instruments(url, cache, NIFTY)
    cut = (200, f"{DETAILED}\n{INDEX}\n{CALL[:40]}")
    for bad in ((503, "down"), (200, "<html>maintenance</html>"), (200, DETAILED + "\n"), (200, ""), cut):
        answers[""] = bad
        assert await load_instruments(url, cache, NIFTY) == good
    os.utime(cache, (1_770_090_600, 1_770_090_600))
    assert await load_instruments(url, cache, NIFTY) == good
    assert "using the copy of the instrument master of 2026-02-03" in caplog.text
    with pytest.raises(Unreachable, match=r"api-scrip-master\.csv: the file breaks off"):
        await load_instruments(url, tmp_path / "none.csv", NIFTY)
    await runner.cleanup()
    assert await load_instruments(url, cache, NIFTY) == good


def listing(count: int) -> bytes:
    """An answer with a master that has so many options of NIFTY."""
    rows = [CALL.replace("40001", str(40_001 + n)).replace("25300", str(25_300 + n)) for n in range(count)]
    text = "\n".join([DETAILED, INDEX, *rows]) + "\n"
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


async def test_half_an_upload_does_not_replace_a_whole_copy(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A well-formed file with far fewer rows is refused for some days; then the list has really shrunk."""
    cache = tmp_path / "instruments.csv"
    for count, known in ((40, 41), (18, 41), (20, 21)):
        async with answering(listing(count)) as url:
            assert len(await load_instruments(f"{url}/one.csv", cache, NIFTY)) == known
    assert "one.csv: only 19 rows, the last good copy has 41" in caplog.text
    os.utime(cache, (0, 0))
    async with answering(listing(1)) as url:
        assert len(await load_instruments(f"{url}/one.csv", cache, NIFTY)) == 2


async def test_a_master_that_cannot_be_kept_is_used_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """The copy's place is taken by something else: today's contracts are known anyway."""
    (tmp_path / "instruments.csv").mkdir()
    async with answering(listing(1)) as url:
        found = await load_instruments(f"{url}/one.csv", tmp_path / "instruments.csv", NIFTY)
    assert len(found) == 2
    assert "the instrument master is not kept for another day: Is a directory" in caplog.text


async def test_a_download_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Bytes that keep a slow download alive do so until its deadline only; a broken one ends at once."""
    monkeypatch.setattr(instruments, "_DEADLINE_S", 0.0)
    async with hanging(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nEXCH_ID,") as url:
        async with asyncio.timeout(5.0):
            with pytest.raises(Unreachable, match="TimeoutError"):
                await load_instruments(url, tmp_path / "none.csv", NIFTY)
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n") as url:
        with pytest.raises(Unreachable, match="ProtocolError"):
            await load_instruments(url, tmp_path / "none.csv", NIFTY)


async def test_unusable_symbols_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """When all that was asked for is unusable the error says why; otherwise the log does."""
    currency = "NSE,C,1,FUTCUR,9,USDINR,USDINR-Nov2026-FUT,USDINR NOV FUT,1000,2026-11-26,-0.01,XX,0.25,0"
    cache = tmp_path / "instruments.csv"
    cache.write_text(f"{DETAILED}\n{INDEX}\n{currency}\n")
    nowhere = "http://127.0.0.1:9/none.csv"
    with caplog.at_level(logging.ERROR):
        found = await load_instruments(nowhere, cache, frozenset({"NIFTY", "USDINR"}))
    assert found.keys() == {INDEX_13}
    assert "USDINR-Nov2026-FUT" in caplog.text
    with pytest.raises(BadInput, match=r"tick in paise is 0\.25"):
        await load_instruments(nowhere, cache, frozenset({"USDINR"}))
