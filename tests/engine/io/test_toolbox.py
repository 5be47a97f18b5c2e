"""What tools have in common: whose settings they take, and what they ask."""

from __future__ import annotations

from io import StringIO

import pytest

from engine.errors import BadInput, ConfigError
from engine.io.toolbox import confirmed, lived_in
from engine.settings import Settings


@pytest.mark.parametrize(
    ("stores", "place"),
    [((), "."), (("trades.sqlite3",), "."), (("sandbox/trades.sqlite3",), "sandbox"),
     (("trades.sqlite3", "sandbox/trades.sqlite3"), ".")],
)  # fmt: skip
def test_a_sandbox_that_was_lived_in_is_looked_at_where_there_is_nothing_else(tmp_path, stores, place):
    """``make run`` lives in DATA_DIR/sandbox; rows of the owner's own come first."""
    (tmp_path / "sandbox").mkdir()
    for store in stores:
        (tmp_path / store).touch()
    found = lived_in(Settings.parse({"DATA_DIR": str(tmp_path)}))
    assert found.data_dir == tmp_path / place


def test_with_credentials_nobody_looks_into_a_sandbox(tmp_path):
    """Real money's rows are never the sandbox's."""
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "trades.sqlite3").touch()
    env = {"DATA_DIR": str(tmp_path), "DHAN_CLIENT_ID": "1", "DHAN_ACCESS_TOKEN": "eyJhbGciOi-x"}
    assert lived_in(Settings.parse(env, chat=False)).data_dir == tmp_path


def test_without_a_chat_its_credentials_may_be_missing():
    """A monitor without a chat needs none; everybody else is told of each."""
    env = {"DHAN_CLIENT_ID": "1", "DHAN_ACCESS_TOKEN": "eyJhbGciOi-x"}
    assert Settings.parse(env, chat=False).telegram_user_ids == frozenset()
    with pytest.raises(ConfigError, match="TELEGRAM_BOT_TOKEN is missing"):
        Settings.parse(env)


def test_where_nobody_sits_nobody_is_asked(monkeypatch):
    """A script gets a sentence, not a question that waits for ever."""
    monkeypatch.setattr("sys.stdin", StringIO("yes\n"))
    with pytest.raises(BadInput, match="add --yes"):
        confirmed("Sure?", "yes")
