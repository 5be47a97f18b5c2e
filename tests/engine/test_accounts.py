"""The accounts file: what is good becomes accounts, what is wrong is told at once, no secret is quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.accounts import MODES_BY_REACH, People, lower_mode, parse_accounts
from engine.errors import ConfigError
from engine.model import Mode
from engine.settings import Settings

ENV = {
    "DHAN_ACCESS_TOKEN": "canary-first",
    "DHAN_ACCESS_TOKEN_HUF": "canary-huf",
    "TELEGRAM_BOT_TOKEN": "7000000001:worth-nothing-and-never-used-by-anybody",
    "TELEGRAM_CHAT_ID": "4242",
    "TELEGRAM_USER_IDS": "4242",
    "ACCOUNTS_FILE": "accounts.toml",
}
TWO = """
[account.default]
client_id = "1000000001"
token = "DHAN_ACCESS_TOKEN"

[account.huf]
client_id = "1000000002"
token = "DHAN_ACCESS_TOKEN_HUF"
mode = "semi-auto"
proxy = "http://huf:canary%40proxy@192.0.2.7:3128"
rules_file = "huf.toml"
viewers = [7]
owners = [8, 9]
"""


def read(text):
    return parse_accounts(text, "accounts.toml", ENV, frozenset({4242}))


def faults(text):
    with pytest.raises(ConfigError) as told:
        read(text)
    assert "canary" not in str(told.value)
    return "\n".join(told.value.faults)


def test_a_good_file_becomes_accounts_in_its_order():
    """What is not said has its default: turned on, no ceiling, no proxy, the settings' people as owners."""
    first, huf = read(TWO)
    assert (first.name, first.client_id, first.token.reveal()) == ("default", "1000000001", "canary-first")
    assert (first.enabled, first.ceiling, first.proxy, first.token_file) == (True, Mode.EXECUTE, None, None)
    assert first.people == People(owners=frozenset({4242}))
    assert (huf.ceiling, str(huf.rules_file)) == (Mode.SEMI_AUTO, "huf.toml")
    assert huf.people == People(frozenset({7}), frozenset(), frozenset({8, 9}))
    assert set(huf.secrets()) == {"canary-huf", "canary%40proxy", "canary@proxy"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no account"),
        ("x = [", "not readable as TOML"),
        ("[huf]\nclient_id = '1'", "read 'huf', expected only tables [account.NAME]"),
        ("[account]\nhuf = 1", "[account.huf]: expected a table"),
        ('[account."a b"]\nclient_id = "1"', "read 'a b', expected a name of at most 16"),
        ("[account.a1234567890123456]\nclient_id = '1'", "expected a name of at most 16"),
        ("[account.--]\nclient_id = '1'", "read '--', expected a name"),
        ("[account.3359]\nclient_id = '1'", "read '3359', expected a name that is no number"),
        ("[account.All]\nclient_id = '1'", "read 'All', expected a name that is no number and no word of a"),
        ("[account.a]\nclient_id = 1100", "client_id: read 1100, expected the account's Dhan client id"),
        ("[account.a]\ntoken = 'DHAN_ACCESS_TOKEN'", "client_id: read nothing"),
        ("[account.a]\nclient_id = '1'", "read neither token nor token_file"),
        ("[account.a]\ntoken = 'DHAN_ACCESS_TOKEN'\ntoken_file = 'x'", "read both token and token_file"),
        ("[account.a]\ntoken = 'canary.is.the.token'", "token: read a value of 19 characters (not shown)"),
        ("[account.a]\ntoken = 'DHAN_NOT_SET'", "token: read nothing in DHAN_NOT_SET"),
        ("[account.a]\nenabled = 'yes'", "enabled: read 'yes', expected true or false"),
        ("[account.a]\nmode = 'exec'", "mode: read 'exec', expected one of simulate, alert-only"),
        ("[account.a]\nproxy = 'canary:secret'", "proxy: read a value of 13 characters (not shown)"),
        ("[account.a]\nproxy = 'http://h:canary@x/'", "proxy: read a value"),  # no port
        ("[account.a]\nowners = [4242, 'x']", "owners: read [4242, 'x'], expected a list of"),
        ("[account.a]\nviewers = [true]", "viewers: read [True]"),
        ("[account.a]\nclinet_id = '1'", "clinet_id: not known here; did you mean client_id?"),
        ("[account.a]\nday_loss_rupees = 1", 'belong into the rules file, under [account."a"]'),
        ("[account.a]\nenabled = false", "every account is turned off"),
    ],
)  # fmt: skip
def test_each_fault_says_what_was_read_and_what_is_expected(text, told):
    """One fault after the other; a value that may be a secret is never quoted."""
    assert told in faults(text)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"1000000002"', '"1000000001"'), "the same client_id; Dhan counts its limits per user"),
        (('"DHAN_ACCESS_TOKEN_HUF"', '"DHAN_ACCESS_TOKEN"'), "the same token"),
        (("account.huf", "account.Default"), "the same name but for capitals"),
        (("account.huf", "account.de-fault"), "the same first eight letters and digits"),
    ],
)
def test_what_two_accounts_may_not_share_is_refused(change, told):
    """One client id, one token, one name in orders: each would let one account touch the other."""
    assert f"have {told}" in faults(TWO.replace(*change))


def test_all_faults_come_at_once():
    """A file with three mistakes is corrected once."""
    assert faults("[account.a]\nmode = 'x'\nenabled = 1\nwhat = 2").count("accounts.toml: [account.a]") == 5


@given(st.sampled_from(list(Mode)), st.sampled_from(list(Mode)))
def test_a_ceiling_never_lets_an_account_send_more(one, other):
    """The mode of an account reaches no farther than the run's, nor than its own."""
    found = lower_mode(one, other)
    assert found in {one, other}
    assert MODES_BY_REACH.index(found) <= min(MODES_BY_REACH.index(one), MODES_BY_REACH.index(other))
    assert lower_mode(other, one) is found


def test_the_settings_of_an_account_are_its_own_where_they_must_be():
    """Access, directory and rules are its own; the first account stays where its journal is."""
    settings = Settings.parse(ENV | {"DATA_DIR": "d", "RULES_FILE": "all.toml"}, (), TWO)
    assert not settings.sandbox
    assert not [note for note in settings.notes if "DHAN_ACCESS_TOKEN_HUF" in note]
    assert {"canary-first", "canary-huf", "canary@proxy"} <= set(settings.secrets())
    first, huf = (settings.of_account(account) for account in settings.accounts)
    assert [str(one.data_dir) for one in (first, huf)] == ["d", "d/accounts/huf"]
    assert [str(one.trades_dir) for one in (first, huf)] == ["d", "d"]
    assert [str(one.rules_file) for one in (first, huf)] == ["all.toml", "huf.toml"]
    assert (huf.account, huf.dhan_client_id, huf.dhan_access_token.reveal()) == (
        "huf",
        "1000000002",
        "canary-huf",
    )
    assert "canary" not in repr(settings)


def test_the_faults_of_settings_and_accounts_come_together():
    """Both are read before anything is refused; a client id of the settings is not asked for."""
    with pytest.raises(ConfigError) as told:
        Settings.parse(ENV | {"TELEGRAM_CHAT_ID": ""}, (), TWO.replace("semi-auto", "x"))
    text = str(told.value)
    assert "TELEGRAM_CHAT_ID is missing" in text
    assert "mode: read 'x'" in text
    assert "DHAN_CLIENT_ID" not in text
