"""One monitor that sends orders per account, whatever its data directory and environment."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from engine.errors import JournalError
from engine.io import locks
from engine.io.app import Options, run_house
from engine.io.locks import HostLock, account_lock, on_this_host
from engine.model import Mode
from engine.settings import Settings

DHAN = "https://api.dhan.co/v2"


@pytest.fixture(autouse=True)
def shared(tmp_path, monkeypatch):
    """Where the locks of accounts are, instead of the host's own directory."""
    place = tmp_path / "shared"
    place.mkdir()
    monkeypatch.setattr(locks, "_SHARED", (tmp_path / "none", place))
    return place


def test_an_account_has_one_monitor_and_the_error_says_who_and_what_else_can_be_done(shared):
    """The second is refused with the first one's pid; another account, or another broker, is free."""
    with account_lock("1000000001", DHAN):
        (file,) = shared.iterdir()
        assert int(file.read_text()) == os.getpid()
        assert file.stat().st_mode & 0o077 == 0
        with (
            pytest.raises(
                JournalError, match=rf"process {os.getpid()}\); stop it first, or run this one with"
            ),
            account_lock("1000000001", DHAN + "/"),
        ):
            pytest.fail("two monitors of one account")
        with account_lock("1000000002", DHAN), account_lock("1000000001", "https://elsewhere.example/v2"):
            pass
    with account_lock("1000000001", DHAN):
        pass


def test_a_link_that_somebody_laid_is_not_followed(shared, tmp_path):
    """The directory is everybody's: a link there must not make us write over another file."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    account_lock("1000000001", DHAN).path.symlink_to(precious)
    with pytest.raises(JournalError, match="cannot be made"), account_lock("1000000001", DHAN):
        pytest.fail("followed")
    assert precious.read_text() == "mine"


def test_brokers_of_this_host_are_known():
    """The sandbox and servers of one's own."""
    assert all(map(on_this_host, ("http://127.0.0.1:8001/v2", "http://localhost/v2", "http://[::1]:1/v2")))
    assert not on_this_host(DHAN)


@pytest.mark.parametrize("mode", [Mode.SEMI_AUTO, Mode.EXECUTE])
async def test_a_second_house_of_one_account_does_not_start(mode, tmp_path):
    """Two data directories, one account: the second monitor that sends ends before it asks anybody."""
    settings = replace(
        Settings.parse({"DATA_DIR": str(tmp_path / "second")}), dhan_client_id="1000000001", dhan_api_url=DHAN
    )
    with account_lock("1000000001", DHAN), pytest.raises(JournalError, match="held by another monitor"):
        await run_house(
            settings, Options(mode), lambda _: pytest.fail("built"), lambda _: None, lambda _: None
        )
    with HostLock(tmp_path / "second"):
        pass  # and it has let its data directory go
