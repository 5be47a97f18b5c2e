"""``python -m engine replay``: what it refuses, and what it prints."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.__main__ import main
from tests.engine.replay.days import Day


@pytest.fixture
def replay(tmp_path):
    """The words of a replay of one call on one morning of last prices."""
    day = Day().last("09:30:00", "25000CE", 100).last("09:31:00", "25000CE", 100)
    trades = tmp_path / "trades.csv"
    trades.write_text(
        "strategy_id,symbol,security_id,action,type,strike_price,expiry_date,quantity,price,order_status,timestamp\n"
        "1,NIFTY,,BUY,CE,25000,2025-09-30,75,100,TRADED,2025-08-29 09:30\n",
        encoding="utf-8",
    )
    return ["replay", str(day.write(tmp_path / "day.csv")), "--trades", str(trades)]


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "101", "wide"])
def test_a_spread_is_a_per_cent(replay, capsys, word):
    """Anything else is refused with what was read and what was expected, status 2."""
    with pytest.raises(SystemExit) as ended:
        main([*replay, f"--spread-pct={word}"])
    assert ended.value.code == 2
    assert f"read '{word}', expected per cent between 0 and 100" in capsys.readouterr().err


def test_the_time_a_replay_took_is_for_people(replay, capsys):
    """The page tells it; JSON only when asked to, because the same run twice prints the same bytes."""
    assert main(replay) == 0
    assert "2 prices in 0." in capsys.readouterr().out
    assert main([*replay, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wall_s"] is None
    assert main([*replay, "--json", "--timing"]) == 0
    assert json.loads(capsys.readouterr().out)["wall_s"] >= 0


def test_a_reader_that_has_seen_enough_ends_it_quietly(replay):
    """``… | head`` closes the pipe: no traceback, and no fault."""
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "engine", *replay], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as tool:
        assert tool.stdout is not None
        assert tool.stderr is not None
        tool.stdout.close()
        assert tool.stderr.read() == b""
    assert tool.returncode == 0


def test_a_file_that_is_not_there_is_one_sentence(replay, capsys):
    """Status 2, the path once, and no traceback."""
    assert main([*replay[:-1], "/nowhere.csv"]) == 2
    assert capsys.readouterr().err == (
        "python -m engine replay: /nowhere.csv: cannot be read (No such file or directory)\n"
    )


def test_a_replay_goes_by_exit_levels_and_by_the_set_of_a_row(replay, tmp_path, capsys):
    """The trades file tags the position, the levels file sets its stop: both are told as they act."""
    trades = tmp_path / "trades.csv"
    header, row = trades.read_text().splitlines()
    trades.write_text(f"{header},rule_set\n{row},sportive\n")
    levels = tmp_path / "levels.csv"
    levels.write_text("strategy_id,exit_type,trigger_type,trigger_value\n1,stop_loss,price,100\n")
    Day().last("09:30:00", "25000CE", 100).last("09:31:00", "25000CE", 98).last(
        "09:32:00", "25000CE", 98
    ).write(tmp_path / "day.csv")
    words = [*replay, "--exit-levels", str(levels), "--json"]
    assert main(words) == 0
    (position,) = json.loads(capsys.readouterr().out)["positions"]
    told = {(event["kind"], event["rule"]) for event in position["events"]}
    assert ("alert", "rule_set") in told
    assert ("verdict", "stop_loss_rupees") in told
    levels.write_text("strategy_id,exit_type,trigger_type,trigger_value\n1,stop_loss,price,0\n")
    assert main(words) == 2
    assert "row 1: trigger_value: read 0, that is stop_loss_rupees = 0" in capsys.readouterr().err
