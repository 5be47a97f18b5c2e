"""The settings: all faults at once, no secret shown, nothing guessed."""

from __future__ import annotations

import copy
import pickle
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.expected import CREDENTIALS, DEFAULT_URLS, EXPECTED, SECRETS
from engine.settings import Settings
from engine.shown import Tolerance
from engine.tuning import BY_SLICE, AskTuning, NetTuning, Tuning
from engine.words import FeedSource, LeasePlace, LogLevel, LoopChoice, OrderWay, Secret, TradesSource

TOKEN = "canary-dhan-token"
BOT = "123456789:canary-bot-token"
COMPLETE = {
    "DHAN_CLIENT_ID": "1000000001",
    "DHAN_ACCESS_TOKEN": TOKEN,
    "TELEGRAM_BOT_TOKEN": BOT,
    "TELEGRAM_CHAT_ID": "-1001234",
    "TELEGRAM_USER_IDS": "42, 43",
}


def faults(env: dict[str, str]) -> tuple[str, ...]:
    """The faults of these settings."""
    with pytest.raises(ConfigError) as caught:
        Settings.parse(env)
    return caught.value.faults


def test_no_credential_at_all_means_the_sandbox_and_the_real_addresses_as_defaults():
    """A newcomer's empty environment starts on the sandbox, quietly."""
    settings = Settings.parse(dict.fromkeys(CREDENTIALS, "  ") | {"HOME": "/root", "PATH": "x"})
    assert settings.sandbox
    assert settings.notes == ()
    assert settings.secrets() == ()
    assert settings.data_dir == Path("data")
    assert settings.trades_source is TradesSource.SQLITE
    assert settings.log_level is LogLevel.INFO
    for name, url in DEFAULT_URLS.items():
        assert getattr(settings, name.lower()) == url


def test_how_an_exit_trades_can_be_set_within_bounds():
    """The waits and the kind of order have usual values, take others, and refuse nonsense all at once."""
    assert Settings.parse({}).tuning == Tuning(20.0, 120.0, ioc=False)
    env = {"EXIT_CAP_WAIT_S": "5", "EXIT_PATIENT_WAIT_S": "300", "EXIT_IOC": "On"}
    assert Settings.parse(env).tuning == Tuning(5.0, 300.0, ioc=True)
    wrong = {"EXIT_CAP_WAIT_S": "0", "EXIT_PATIENT_WAIT_S": "nan", "EXIT_IOC": "maybe"}
    wrong |= {"EXIT_BATCH_LOTS": "-1", "EXIT_NAKED_S": "601"}
    assert [fault.split(":")[0] for fault in faults(wrong)] == list(wrong)


@pytest.mark.parametrize(
    ("word", "lots"), [("", 0), ("0", 0), ("4", 4), ("1000", 1_000), ("Freeze", BY_SLICE)]
)
def test_batches_are_lots_or_the_word_freeze(word, lots):
    """None by default; a position is never told to go in batches of less than a lot."""
    assert Settings.parse({"EXIT_BATCH_LOTS": word, "EXIT_NAKED_S": "0"}).tuning == Tuning(
        batch_lots=lots, naked_budget_s=0.0
    )


@pytest.mark.parametrize("word", ["-1", "1001", "2.5", "slices"])
def test_what_is_no_batch_is_refused(word):
    """The fault says what was expected."""
    (fault,) = faults({"EXIT_BATCH_LOTS": word})
    assert "or the word freeze" in fault


def test_how_questions_are_asked_can_be_set():
    """Rupees become paise; a stop asks on unless its owner has it exit."""
    assert Settings.parse({}).asking == AskTuning(Tolerance(100_000, 3.0), stop_exits=False)
    env = {"CONFIRM_TOLERANCE_RUPEES": "250.5", "CONFIRM_TOLERANCE_PCT": "0", "STOP_UNANSWERED": "Exit"}
    assert Settings.parse(env).asking == AskTuning(Tolerance(25_050, 0.0), stop_exits=True)
    wrong = {"CONFIRM_TOLERANCE_RUPEES": "-1", "CONFIRM_TOLERANCE_PCT": "51", "STOP_UNANSWERED": "execute"}
    assert [fault.split(":")[0] for fault in faults(wrong)] == list(wrong)


def test_the_life_of_the_lease_can_be_set_within_bounds():
    """Thirty seconds unless told otherwise; shorter than five would end between two renewals."""
    assert Settings.parse({}).lease_ttl_s == 30.0
    assert Settings.parse({"LEASE_TTL_S": "5"}).lease_ttl_s == 5.0
    assert [fault.split(":")[0] for fault in faults({"LEASE_TTL_S": "4"})] == ["LEASE_TTL_S"]
    supabase = COMPLETE | {"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": SECRET_KEY}
    assert Settings.parse(supabase).lease_ttl_s == 3_600.0
    assert Settings.parse(supabase | {"LEASE_TTL_S": "30"}).lease_ttl_s == 30.0


def test_every_net_of_the_broker_is_off_unless_it_is_switched_on():
    """Each by its own setting; nonsense is refused all at once."""
    assert Settings.parse({}).nets == NetTuning() == NetTuning(False, 25.0, False, False)
    env = {
        "BROKER_PNL_EXIT": "on", "BROKER_PNL_EXIT_EXTRA_PCT": "40", "KILL_SWITCH_AFTER_FLAT": "on",
        "ALLOW_EXIT_ALL": "on",
    }  # fmt: skip
    assert Settings.parse(env).nets == NetTuning(True, 40.0, True, True)
    wrong = {
        "BROKER_PNL_EXIT": "yes", "BROKER_PNL_EXIT_EXTRA_PCT": "0", "KILL_SWITCH_AFTER_FLAT": "1",
        "ALLOW_EXIT_ALL": "maybe",
    }  # fmt: skip
    assert [fault.split(":")[0] for fault in faults(wrong)] == list(wrong)


def test_complete_credentials_are_parsed_into_their_types():
    """With everything set the monitor is not on the sandbox and holds typed values."""
    own = {"RULES_FILE": "mine.toml", "SESSIONS_FILE": "days.toml", "LOG_LEVEL": "debug"}
    settings = Settings.parse(COMPLETE | own)
    assert not settings.sandbox
    assert settings.dhan_client_id == "1000000001"
    assert settings.dhan_access_token.reveal() == TOKEN
    assert settings.telegram_chat_id == -1001234
    assert settings.telegram_user_ids == {42, 43}
    assert settings.rules_file == Path("mine.toml")
    assert settings.sessions_file == Path("days.toml")
    assert settings.log_level is LogLevel.DEBUG
    assert set(settings.secrets()) == {TOKEN, BOT}


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_each_missing_credential_is_named_with_where_to_get_it(missing):
    """Some credentials but not all: what is missing, what it looks like, who hands it out."""
    found = faults({name: word for name, word in COMPLETE.items() if name != missing})
    assert found == (f"{missing} is missing: expected {EXPECTED[missing]}.",)
    assert re.search(r"web\.dhan\.co|@BotFather|--find-chat", found[0])


def test_all_faults_come_at_once():
    """One start tells everything that is wrong, not one thing per start."""
    found = faults({"DHAN_CLIENT_ID": "abc", "REDIS_PORT": "70000", "DHAN_FEED_URL": "ftp://x"})
    assert [fault.split(":")[0].split(" ")[0] for fault in found] == [
        "DHAN_ACCESS_TOKEN",
        "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_CHAT_ID",
        "TELEGRAM_USER_IDS",
        "DHAN_CLIENT_ID",
        "REDIS_PORT",
        "DHAN_FEED_URL",
    ]
    assert "read 'abc'" in found[4]


@pytest.mark.parametrize("word", ["broker", "Broker"])
def test_positions_may_come_from_the_broker(word):
    """No database at all: what Dhan holds is offered in the chat."""
    assert Settings.parse(COMPLETE | {"TRADES_SOURCE": word}).trades_source is TradesSource.BROKER


MALFORMED = {
    "DHAN_CLIENT_ID": ["12 34", "١٢٣"],
    "DHAN_ACCESS_TOKEN": ["two words", "<your token>", "your_token_here", "x", "naïve-token"],
    "TELEGRAM_BOT_TOKEN": ["canary", "12:short", "abc:canary-canary"],
    "TELEGRAM_CHAT_ID": ["me", "0", "1.5"],
    "TELEGRAM_USER_IDS": ["42;43", "-1", "0", "42,x", ","],
    "SUPABASE_URL": ["abc.supabase.co", "https://", "https://u:p@x.co", "https://x.co?key=1", "http://[x"],
    "SUPABASE_SECRET_KEY": ["canary-wrong-kind"],
    "SUPABASE_ANON_KEY": ["sb_secret_canary"],
    "REDIS_HOST": ["a b", "redis://x", ":", "a:b"],
    "REDIS_PORT": ["0", "65536", "six"],
    "REDIS_URL": ["http://canary", "redis://"],
    "LOG_LEVEL": ["loud"],
    "TRADES_SOURCE": ["mysql", "supabase"],
    "DHAN_API_URL": ["api.dhan.co", "wss://api.dhan.co"],
    "DHAN_FEED_URL": ["https://feed", "wss://host:99999"],
    "CLOCK_START": ["2026-02-03", "2026-02-03T09:20:00", "soon"],
}


@pytest.mark.parametrize(("name", "word"), [(n, w) for n, words in MALFORMED.items() for w in words])
def test_a_malformed_value_is_one_fault_that_says_what_was_expected(name, word):
    """Whatever is mistyped, exactly that setting is complained about, secrets unseen."""
    (complaint,) = faults(COMPLETE | {"DHAN_API_URL": "http://127.0.0.1:1/v2"} | {name: word})
    assert complaint.startswith(f"{name}: read ")
    assert "expected " in complaint
    if name in SECRETS:
        assert f"read a value of {len(word)} characters (not shown)" in complaint


def test_a_secret_in_the_wrong_place_is_not_shown_either():
    """A bot token pasted into the chat id, or a password in an address, stays out of the message."""
    text = "\n".join(
        faults(
            COMPLETE
            | {
                "TELEGRAM_CHAT_ID": "123456789:canary-bot-token-canary",
                "DHAN_CLIENT_ID": "eyJcanarycanarycanary",
                "SUPABASE_URL": "https://user:canary@host",
            }
        )
    )
    assert "canary" not in text
    assert "not shown" in text


def test_secrets_do_not_print_compare_or_pickle_by_accident():
    """A secret shows *** in every way Python has of showing a value."""
    settings = Settings.parse(COMPLETE)
    for text in (repr(settings), str(settings), f"{settings.dhan_access_token}", str([Secret("canary")])):
        assert "canary" not in text
    assert Secret("canary") == Secret("canary") != Secret("other")
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    with pytest.raises(TypeError):
        copy.deepcopy(Secret("canary"))


@pytest.mark.parametrize(
    "url", ["https://api.dhan.co/v2", "https://API.DHAN.CO./v2", "https://sandbox.dhan.co:443", ""]
)
def test_clock_start_is_refused_at_the_real_broker(url):
    """A shifted clock never meets the real market, whether its address is written or the default."""
    found = faults(COMPLETE | {"CLOCK_START": "2026-02-03T09:20:00+05:30", "DHAN_API_URL": url})
    assert "is the real one" in found[0]


@pytest.mark.parametrize("env", [{}, COMPLETE | {"DHAN_API_URL": "http://127.0.0.1:9/v2"}])
def test_clock_start_is_taken_on_the_sandbox_and_on_servers_of_ones_own(env):
    """On the sandbox, or against a server on loopback, the clock may start anywhere."""
    settings = Settings.parse(env | {"CLOCK_START": "2026-02-03T09:20:00+05:30"})
    assert settings.clock_start == datetime.fromisoformat("2026-02-03T03:50:00+00:00")


def test_a_misspelt_name_is_noticed_and_told_with_the_fault_it_causes():
    """DHAN_ACCES_TOKEN explains why DHAN_ACCESS_TOKEN is missing."""
    env = dict(COMPLETE)
    env["DHAN_ACCES_TOKEN"] = env.pop("DHAN_ACCESS_TOKEN")
    found = faults(env)
    assert found[0].startswith("DHAN_ACCESS_TOKEN is missing")
    assert found[1] == "DHAN_ACCES_TOKEN is not a setting; did you mean DHAN_ACCESS_TOKEN?"
    assert Settings.parse({"DATADIR": "x", "REDIS_PASSWORD": "x", "DHAN_ZZZ": "x"}).notes == (
        "DATADIR is not a setting; did you mean DATA_DIR?",
        "DHAN_ZZZ is not a setting; it is ignored.",
    )


def test_what_does_nothing_is_said():
    """Addresses on the sandbox, and halves of a pair, get a note instead of silence."""
    notes = Settings.parse(
        {
            "DHAN_API_URL": "http://127.0.0.1:1",
            "SUPABASE_URL": "http://127.0.0.1:2",
            "REDIS_HOST": "h",
            "REDIS_URL": "redis://:canary@h:1",
        }
    ).notes
    assert notes == (
        "REDIS_HOST and REDIS_PORT are ignored: REDIS_URL is set.",
        "DHAN_API_URL, REDIS_HOST, REDIS_URL: ignored by the sandbox, which is a world of its own.",
        "SUPABASE_URL alone does nothing: set SUPABASE_SECRET_KEY too.",
    )


URL = "https://abc.supabase.co"
SECRET_KEY, ANON_KEY = "sb_secret_canary", "sb_publishable_canary"
#: Legacy keys: tokens that say whose they are ({"role": "anon"}, {"role": "service_role"}).
LEGACY_ANON = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYW5vbiJ9.canary"
LEGACY_SERVICE = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.canary"


@pytest.mark.parametrize(
    ("names", "source"),
    [
        ({"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": SECRET_KEY}, TradesSource.SUPABASE),
        ({"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": LEGACY_SERVICE}, TradesSource.SUPABASE),
        ({"SUPABASE_URL": URL}, TradesSource.SQLITE),
        ({"SUPABASE_SECRET_KEY": SECRET_KEY}, TradesSource.SQLITE),
        (
            {"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": SECRET_KEY, "TRADES_SOURCE": "sqlite"},
            TradesSource.SQLITE,
        ),
    ],
)
def test_trades_come_from_supabase_when_it_is_set(names, source):
    """Address and key together choose it, unless told otherwise; on the sandbox its own trades are used."""
    assert Settings.parse(COMPLETE | names).trades_source is source
    assert Settings.parse(names).trades_source is TradesSource.SQLITE


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"SUPABASE_URL": URL}, "alone does nothing"),
        ({"SUPABASE_SECRET_KEY": SECRET_KEY}, "alone does nothing"),
        ({"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": ANON_KEY}, "row level security hides every row"),
        ({"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": LEGACY_ANON}, "row level security hides every row"),
        ({"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": "eyJodd"}, "row level security hides every row"),
        ({"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": LEGACY_ANON}, "holds an anon key"),
        ({"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": LEGACY_SERVICE}, ""),
        ({"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": LEGACY_SERVICE}, ""),
        (
            {"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": SECRET_KEY, "SUPABASE_ANON_KEY": ANON_KEY},
            "SUPABASE_ANON_KEY is ignored",
        ),
        (
            {"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": SECRET_KEY, "TRADES_SOURCE": "sqlite"},
            "not used: TRADES_SOURCE is not supabase",
        ),
    ],
)
def test_a_key_that_sees_too_little_or_does_nothing_is_told(names, words):
    """A warning for an anon key of either kind, none for a key that sees all; no key is quoted."""
    told = Settings.parse(COMPLETE | names).notes
    notes = " ".join(note for note in told if not note.startswith("The lease"))
    assert words in notes
    assert bool(words) == bool(notes)
    assert "canary" not in notes


def test_redis_is_one_address_however_it_was_given():
    """Host and port become the address; a password in it is a secret of ours."""
    made = Settings.parse({"REDIS_HOST": "::1", "REDIS_PORT": "6380"}).redis_url
    given = Settings.parse({"REDIS_URL": "redis://:canary-pass@h:1/0"})
    assert made == Secret("redis://[::1]:6380/0")
    assert given.secrets() == ("canary-pass",)
    quoted = Settings.parse({"REDIS_URL": "redis://:canary%40pass@h:1/0"})
    assert quoted.secrets() == ("canary%40pass", "canary@pass")


PROJECT = {"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": SECRET_KEY}
BLIND = {"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": ANON_KEY}
REDIS = {"REDIS_URL": "redis://:canary-pass@h:1/0"}


@pytest.mark.parametrize(
    ("names", "place", "ttl_s", "told"),
    [
        ({}, LeasePlace.STORE, 30.0, ""),
        (REDIS, LeasePlace.REDIS, 300.0, "is in Redis"),
        (PROJECT, LeasePlace.STORE, 3_600.0, "is in Supabase"),
        (PROJECT | REDIS, LeasePlace.STORE, 3_600.0, "is in Supabase"),
        (BLIND, LeasePlace.STORE, 30.0, "is in DATA_DIR"),
        (BLIND | REDIS, LeasePlace.REDIS, 300.0, "is in Redis"),
        (PROJECT | REDIS | {"TRADES_SOURCE": "sqlite"}, LeasePlace.REDIS, 300.0, "is in Redis"),
        (REDIS | {"LEASE_IN": "store"}, LeasePlace.STORE, 30.0, ""),
        ({"REDIS_URL": "redis://:canary-pass@127.0.0.1:1/0"}, LeasePlace.STORE, 30.0, "is in DATA_DIR"),
        ({"REDIS_HOST": "localhost"}, LeasePlace.STORE, 30.0, "is in DATA_DIR"),
        ({"REDIS_URL": "unix:///run/redis.sock"}, LeasePlace.STORE, 30.0, "is in DATA_DIR"),
        (PROJECT | REDIS | {"LEASE_IN": "redis"}, LeasePlace.REDIS, 300.0, ""),
        (PROJECT | REDIS | {"LEASE_IN": "store", "LEASE_TTL_S": "60"}, LeasePlace.STORE, 60.0, ""),
    ],
)
def test_the_lease_lies_where_most_monitors_look_unless_a_place_is_named(names, place, ttl_s, told):
    """The rows' database, then a Redis elsewhere, then here; its life follows, and the choice is told."""
    settings = Settings.parse(COMPLETE | names)
    assert (settings.lease_in, settings.lease_ttl_s) == (place, ttl_s)
    notes = [note for note in settings.notes if note.startswith("The lease")]
    assert len(notes) == bool(told)
    assert all(told in note and "canary" not in note for note in notes)


def test_orders_leave_directly_unless_the_owner_wants_dhanhq_s_own_way():
    """The older way stays for an owner to whom the newer one is a trouble; another word is a fault."""
    assert Settings.parse({}).orders_by is OrderWay.DIRECT
    assert Settings.parse({"ORDERS_BY": "DhanHQ"}).orders_by is OrderWay.DHANHQ
    with pytest.raises(ConfigError, match="ORDERS_BY: read 'pigeon', expected direct or dhanhq"):
        Settings.parse({"ORDERS_BY": "pigeon"})


def test_the_event_loop_is_the_faster_one_unless_the_owner_wants_pythons_own():
    """Whether uvloop is there is seen at the start; another word is a fault."""
    assert Settings.parse({}).event_loop is LoopChoice.AUTO
    assert Settings.parse({"EVENT_LOOP": "AsyncIO"}).event_loop is LoopChoice.ASYNCIO
    with pytest.raises(ConfigError, match="EVENT_LOOP: read 'twisted', expected auto or asyncio"):
        Settings.parse({"EVENT_LOOP": "twisted"})


def test_the_sandbox_keeps_its_lease_to_itself():
    """Its Redis is ignored, so no lease may wait for it."""
    assert Settings.parse(REDIS).lease_in is LeasePlace.STORE


def test_prices_and_leases_in_redis_need_its_address():
    """The price bus, or a lease, without an address of Redis is a fault that names both settings."""
    with pytest.raises(ConfigError, match="FEED_SOURCE: read 'redis' without REDIS_URL"):
        Settings.parse({"FEED_SOURCE": "redis"})
    settings = Settings.parse({"FEED_SOURCE": "Redis", "REDIS_HOST": "h", "REDIS_COMPRESS": "on"})
    assert (settings.feed_source, settings.redis_compress) == (FeedSource.REDIS, True)
    assert Settings.parse({}).feed_source is FeedSource.DHAN
    with pytest.raises(ConfigError, match="LEASE_IN: read 'redis' without REDIS_URL"):
        Settings.parse({"LEASE_IN": "redis"})
    assert Settings.parse({"LEASE_IN": "redis", "REDIS_HOST": "h"}).lease_in is LeasePlace.REDIS


@given(st.dictionaries(st.sampled_from(sorted(EXPECTED)), st.text(max_size=40)))
def test_any_words_give_settings_or_faults_and_nothing_else(env):
    """No text in a setting makes the parser raise anything but ConfigError."""
    with suppress(ConfigError):
        Settings.parse(env)


def test_a_group_may_command_only_when_it_is_said():
    """Off by itself; on by the word."""
    assert not Settings.parse(COMPLETE).group_commands
    assert Settings.parse(COMPLETE | {"TELEGRAM_GROUP_COMMANDS": "on"}).group_commands
