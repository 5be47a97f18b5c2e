"""``instruments``: the kept copy of Dhan's list, searched."""

from __future__ import annotations

import json

import pytest

from engine.__main__ import main

HEAD = (
    "EXCH_ID,SEGMENT,SECURITY_ID,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,DISPLAY_NAME,"
    "LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,SM_FREEZE_QTY\n"
)
ROWS = [
    "NSE,I,13,INDEX,NA,NIFTY,NIFTY,Nifty 50,1,,,XX,0.05,",
    *(
        f"NSE,D,{40000 + n},OPTIDX,13,NIFTY,NIFTY-Nov2026-{strike}-{right},NIFTY 24 NOV {strike} {name},65,"
        f"2026-11-24,{strike}.00000,{right},5.0000,1801"
        for n, (strike, right, name) in enumerate(
            [(25300, "CE", "CALL"), (25300, "PE", "PUT"), (25400, "CE", "CALL"), (25500, "CE", "CALL")]
        )
    ),
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A DATA_DIR with a copy of the list, without credentials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / "instruments.csv").write_text(HEAD + "\n".join(ROWS) + "\n")
    return tmp_path


def test_a_contract_is_found_with_all_that_an_order_needs(place, capsys):
    """By strike and kind, for people and for machines."""
    words = ["instruments", "nifty", "--strike", "25300", "--type", "ce", "--expiry", "2026-11-24"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert f"in {place}" in printed
    assert " 40000  NSE_FNO" in f" {printed.splitlines()[-1].strip()}"
    assert main([*words, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["instruments"]
    assert (found["security_id"], found["lot"], found["tick_paise"]) == (40000, 65, 5)
    assert (found["strike_paise"], found["right"], found["expiry"]) == (25_300_00, "CE", "2026-11-24")


def test_a_long_list_is_cut_and_says_so(place, capsys):
    """JSON has all of it."""
    assert main(["instruments", "NIFTY", "--type", "CE", "--limit", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("and 1 more")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["NIFTY", "--strike", "1"], "nothing like that; it has expiries 2026-11-24"),
        (["NOSUCH"], "nothing like that; it knows no NOSUCH"),
    ],
)
def test_what_is_not_there_is_status_one_with_what_is(place, capsys, words, said):
    """So that a script can tell it from a fault."""
    assert main(["instruments", *words]) == 1
    assert said in capsys.readouterr().out


def test_without_a_copy_the_way_to_one_is_named(place, capsys):
    """Nothing is fetched that nobody has asked for."""
    (place / "instruments.csv").unlink()
    assert main(["instruments", "NIFTY"]) == 2
    assert "--download" in capsys.readouterr().err
