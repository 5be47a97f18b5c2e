"""Which account a tool looks at: named where there are several, and needless where there is one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from engine.__main__ import main
from engine.io.stores.sqlite import SqliteStore
from tests.engine.test_accounts import ENV, TWO
from tests.engine.test_trades import PARSED


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A directory without a .env, whose trade store has a row of each of two accounts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    rows = [PARSED, replace(PARSED, account="huf", strategy_id=77)]
    asyncio.run(SqliteStore(tmp_path / "data" / "trades.sqlite3").import_rows(rows))
    return tmp_path


@pytest.fixture
def several(house, monkeypatch):
    """The settings of both accounts."""
    for name, word in ENV.items():
        monkeypatch.setenv(name, word)
    file = house / "accounts.toml"
    file.write_text(TWO)
    file.chmod(0o600)
    monkeypatch.setenv("ACCOUNTS_FILE", str(file))
    return file


def page(capsys, *words):
    status = main(list(words))
    said = capsys.readouterr()
    return status, said.out + said.err


def test_with_one_account_nothing_need_be_said(house, capsys):
    """Every row is shown, as ever; another name is refused."""
    for flags in ((), ("--account", "default")):
        status, text = page(capsys, "positions", *flags)
        assert status == 0
        assert "huf/77" in text
    assert page(capsys, "positions", "--account", "huf") == (
        2, "python -m engine positions: read account 'huf', expected --account and one of default\n"
    )  # fmt: skip


@pytest.mark.parametrize("tool", [("positions",), ("why", "--strategy-id", "77"), ("rules",), ("drill",)])
def test_with_several_one_is_named(several, capsys, tool):
    """No tool guesses whose money it talks about."""
    status, text = page(capsys, *tool)
    assert status == 2
    assert "read no account, expected --account and one of default, huf" in text


def test_a_tool_shows_the_rows_of_its_account_alone(several, capsys):
    """The first account's page has its own row, the other's its own."""
    for name, shown, hidden in (("default", str(PARSED.strategy_id), "77"), ("huf", "77", "default/")):
        status, text = page(capsys, "positions", "--account", name)
        assert status == 0
        assert shown in text
        assert hidden not in text


def test_the_rules_of_an_account_are_of_its_own_positions(several, capsys, monkeypatch):
    """Another account's table in the rules file is not called idle, nor its position shown."""
    rules = several.with_name("rules.toml")
    several.with_name("huf.toml").write_text('[account."default"]\nday_loss_rupees = 1\n[symbol."NOBODY"]\n')
    status, text = page(capsys, "rules", "--account", "huf")
    assert status == 0
    assert "huf/77" in text
    assert "default/" not in text
    assert "NOBODY" in text
    assert "day_loss_rupees" not in text
    assert 'account."default"' not in text
    assert not rules.exists()


def test_a_file_with_a_proxy_in_it_is_for_its_owner_alone(several, capsys):
    """It may hold a password; what cannot be read is told with its path."""
    several.chmod(0o644)
    status, text = page(capsys, "positions", "--account", "huf")
    assert status == 2
    assert "others on this host may read your secrets" in text
    several.unlink()
    assert "accounts.toml cannot be read (No such file" in page(capsys, "positions", "--account", "huf")[1]
