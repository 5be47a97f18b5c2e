"""The settings: a mapping of names to words in, one frozen `Settings` or every fault at once out.

Pure: where the words come from is the business of `engine.io.env`. A setting that is empty counts
as not set. No secret's value is in any text made here, nor in the repr of what is returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine import words
from engine.accounts import Account, parse_accounts
from engine.chat_tuning import ChatTuning, chat_tuning
from engine.errors import ConfigError
from engine.expected import CREDENTIALS, DEFAULT_URLS, EXPECTED, RECORD_DAYS
from engine.lease_place import is_shared, place_note, usual_place, usual_ttl_s
from engine.model import DEFAULT_ACCOUNT
from engine.project import project_notes, project_of
from engine.setting_notes import idle, misspelt
from engine.setting_reader import Reader
from engine.tuning import AskTuning, NetTuning, Tuning
from engine.tuning_words import ask_tuning, exit_tuning, net_tuning
from engine.words import FeedSource, LeasePlace, LogLevel, LoopChoice, OrderWay, Secret, TradesSource

#: Each account of the ACCOUNTS_FILE has these of its own.
_OF_ONE_ACCOUNT = ("DHAN_CLIENT_ID", "DHAN_ACCESS_TOKEN")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the owner can set, checked.

    Attributes:
        sandbox: no credential is set at all: the monitor brings its own outside world.
        data_dir: journal, embedded trade store and logs live here.
        rules_file: None = the shipped rules alone.
        sessions_file: None = the shipped calendar alone.
        group_commands: a group chat may command too; False = it may only look. Private chats always may.
        chat: how the chat reaches Telegram, and how it speaks.
        redis_url: may hold a password, hence secret; None = no Redis.
        redis_compress: smaller values in Redis, at more cost.
        feed_source: whose socket the prices come by.
        tuning: how patient exits are.
        record_days: so many recorded days are kept; 0 = none is recorded.
        orders_by: how order commands reach Dhan.
        event_loop: which event loop the house runs in.
        lease_in: where the owner of the account is written down.
        lease_ttl_s: how long the lease of the account lives unless it is renewed.
        nets: which of the broker's own nets are wanted.
        asking: how questions are asked.
        alive_url: asked for each minute while all is well; who knows it can pretend that, hence secret.
        metrics_port: where on loopback the figures for Prometheus are told; None = nowhere.
        clock_start: where the monitor's clock begins; None = the world's time.
        notes: sentences for the owner that stop nothing.
        accounts: all of the ACCOUNTS_FILE; none = one account, made of these settings themselves.
        account: the one that these settings are of, where they are of one.
        token_file, dhan_proxy: of that account (`engine.accounts.Account`).
        store_dir: where the embedded trade store is, which all accounts share; None = in ``data_dir``.
    """

    sandbox: bool
    dhan_client_id: str
    dhan_access_token: Secret
    telegram_bot_token: Secret
    telegram_chat_id: int
    telegram_user_ids: frozenset[int]
    group_commands: bool
    chat: ChatTuning
    supabase_url: str | None
    supabase_secret_key: Secret | None
    supabase_anon_key: Secret | None
    redis_url: Secret | None
    redis_compress: bool
    feed_source: FeedSource
    data_dir: Path
    trades_source: TradesSource
    rules_file: Path | None
    sessions_file: Path | None
    log_level: LogLevel
    record_days: int
    tuning: Tuning
    orders_by: OrderWay
    event_loop: LoopChoice
    lease_in: LeasePlace
    lease_ttl_s: float
    nets: NetTuning
    asking: AskTuning
    dhan_api_url: str
    dhan_auth_url: str
    dhan_feed_url: str
    dhan_order_update_url: str
    dhan_instruments_url: str
    telegram_api_url: str
    clock_start: datetime | None
    alive_url: Secret | None
    metrics_port: int | None
    notes: tuple[str, ...]
    accounts: tuple[Account, ...] = ()
    account: str = DEFAULT_ACCOUNT
    token_file: Path | None = None
    dhan_proxy: Secret | None = None
    store_dir: Path | None = None

    @classmethod
    def parse(
        cls,
        env: Mapping[str, str],
        notes: Iterable[str] = (),
        accounts_toml: str | None = None,
        *,
        chat: bool = True,
    ) -> Settings:
        """Read the settings out of ``env``; ``notes`` are the reader's own, put before ours.

        ``accounts_toml`` is what stands in ACCOUNTS_FILE; None = there is none, or its reader tells why not.
        Without a ``chat`` its credentials may be missing.

        Raises:
            ConfigError: with every missing or malformed setting.
        """
        read = Reader(env)
        many = read.word("ACCOUNTS_FILE")
        sandbox = not many and not any(read.word(name) for name in CREDENTIALS)
        if not sandbox:
            read.faults += _missing(read, CREDENTIALS if chat else _OF_ONE_ACCOUNT, many=bool(many))
        unknown = misspelt(env, accounts_toml or "")
        notes = (*notes, *unknown, *idle(env, sandbox=sandbox))
        settings = cls._read(read, notes, accounts_toml, sandbox=sandbox)
        if read.faults:  # a misspelt name explains a missing one
            raise ConfigError((*read.faults, *unknown))
        return settings

    @classmethod
    def _read(
        cls, read: Reader, notes: tuple[str, ...], accounts_toml: str | None, *, sandbox: bool
    ) -> Settings:
        """Each of them as it stands there; the reader keeps what is wrong with them."""
        owners = read("TELEGRAM_USER_IDS", words.user_ids, frozenset())
        accounts = _accounts(read, accounts_toml, owners)
        settings = cls(
            sandbox=sandbox,
            dhan_client_id=read("DHAN_CLIENT_ID", words.digits, ""),
            dhan_access_token=read("DHAN_ACCESS_TOKEN", words.secret, Secret("")),
            telegram_bot_token=read("TELEGRAM_BOT_TOKEN", words.bot_token, Secret("")),
            telegram_chat_id=read("TELEGRAM_CHAT_ID", words.chat_id, 0),
            telegram_user_ids=owners,
            group_commands=read("TELEGRAM_GROUP_COMMANDS", words.switch, False),
            chat=chat_tuning(read, sandbox=sandbox),
            supabase_url=read("SUPABASE_URL", words.http_url, None),
            supabase_secret_key=read("SUPABASE_SECRET_KEY", words.supabase_key("sb_secret_"), None),
            supabase_anon_key=read("SUPABASE_ANON_KEY", words.supabase_key("sb_publishable_"), None),
            redis_url=(redis_url := _redis(read)),
            redis_compress=read("REDIS_COMPRESS", words.switch, False),
            feed_source=_feed_source(read, redis_url),
            data_dir=read("DATA_DIR", Path, Path("data")),
            trades_source=_trades_source(read, sandbox=sandbox),
            rules_file=read("RULES_FILE", Path, None),
            sessions_file=read("SESSIONS_FILE", Path, None),
            log_level=read("LOG_LEVEL", words.log_level, LogLevel.INFO),
            record_days=read("RECORD_DAYS", words.whole(0, 3_650), 0 if sandbox else RECORD_DAYS),
            tuning=exit_tuning(read),
            orders_by=read("ORDERS_BY", words.order_way, OrderWay.DIRECT),
            event_loop=read("EVENT_LOOP", words.loop_choice, LoopChoice.AUTO),
            lease_in=_lease_in(read, redis_url),
            lease_ttl_s=read("LEASE_TTL_S", words.number(5, 7_200), 0.0),
            nets=net_tuning(read),
            asking=ask_tuning(read),
            dhan_api_url=read.url("DHAN_API_URL", words.http_url),
            dhan_auth_url=read.url("DHAN_AUTH_URL", words.http_url),
            dhan_feed_url=read.url("DHAN_FEED_URL", words.ws_url),
            dhan_order_update_url=read.url("DHAN_ORDER_UPDATE_URL", words.ws_url),
            dhan_instruments_url=read.url("DHAN_INSTRUMENTS_URL", words.http_url),
            telegram_api_url=read.url("TELEGRAM_API_URL", words.http_url),
            clock_start=_clock_start(read, sandbox=sandbox),
            alive_url=_alive_url(read),
            metrics_port=read("METRICS_PORT", words.port, None),
            notes=notes,
            accounts=accounts,
        )
        return settings._with_project(read)

    def _with_project(self, read: Reader) -> Settings:
        """What depends on the owner's project: the place and life of the lease, and what is told of both."""
        used = self.trades_source is TradesSource.SUPABASE
        keys = self.supabase_url, self.supabase_secret_key, self.supabase_anon_key
        notes, project = project_notes(*keys, used=used, sandbox=self.sandbox), project_of(*keys)
        database = used and project is not None and project.sees_all
        redis, place = self.redis_url is not None, self.lease_in
        if not read.word("LEASE_IN") and not self.sandbox:  # the sandbox has no Redis
            shared = self.redis_url is not None and is_shared(self.redis_url.reveal())
            place = usual_place(database=database, redis=shared)
            notes += [place_note(place, database=database)] if used or redis else []
        ttl_s = self.lease_ttl_s or usual_ttl_s(place, database=database)
        return replace(self, notes=(*self.notes, *notes), lease_in=place, lease_ttl_s=ttl_s)

    def of_account(self, account: Account) -> Settings:
        """The settings of one account's house: its own access, directory and rules; all else is everybody's.

        The first account keeps the directory that it had when it was the only one: its journal lies there.
        """
        own = account.name == DEFAULT_ACCOUNT
        return replace(
            self,
            dhan_client_id=account.client_id,
            dhan_access_token=account.token,
            data_dir=self.data_dir if own else self.data_dir / "accounts" / account.name,
            rules_file=account.rules_file or self.rules_file,
            account=account.name,
            token_file=account.token_file,
            dhan_proxy=account.proxy,
            store_dir=self.trades_dir,
        )

    @property
    def trades_dir(self) -> Path:
        """Where the embedded trade store is."""
        return self.store_dir or self.data_dir

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set, for the log's redaction and nothing else."""
        held = (
            self.dhan_access_token, self.telegram_bot_token, self.supabase_secret_key, self.supabase_anon_key,
        )  # fmt: skip
        values = [secret.reveal() for secret in held if secret is not None]
        values += [word for account in self.accounts for word in account.secrets()]
        values += self.chat.secrets()
        if self.alive_url is not None:
            values.append(self.alive_url.reveal())
        if self.redis_url is not None:  # the address itself may be told
            password = urlsplit(self.redis_url.reveal()).password or ""
            values += [password, unquote(password)]
        return tuple(value for value in dict.fromkeys(values) if value)


def chat_access(env: Mapping[str, str]) -> tuple[Secret, str, ChatTuning]:
    """The bot's token, where Telegram is, and the way there: all that is needed before the chat is known.

    Raises:
        ConfigError: with what is missing or malformed of these.
    """
    read = Reader(env)
    if not read.word("TELEGRAM_BOT_TOKEN"):
        read.faults.append(f"TELEGRAM_BOT_TOKEN is missing: expected {EXPECTED['TELEGRAM_BOT_TOKEN']}.")
    token = read("TELEGRAM_BOT_TOKEN", words.bot_token, Secret(""))
    url, tuning = read.url("TELEGRAM_API_URL", words.http_url), chat_tuning(read, sandbox=False)
    if read.faults:
        raise ConfigError(read.faults)
    return token, url, tuning


def _alive_url(read: Reader) -> Secret | None:
    """Whoever waits there must be outside this host: the address is taken as it is."""
    url = read("ALIVE_URL", words.http_url, None)
    return None if url is None else Secret(url)


def _missing(read: Reader, wanted: Iterable[str], *, many: bool) -> list[str]:
    """What is not set of these; where there are many accounts, each has its own access."""
    return [
        f"{name} is missing: expected {EXPECTED[name]}."
        for name in wanted
        if not read.word(name) and not (many and name in _OF_ONE_ACCOUNT)
    ]


def _redis(read: Reader) -> Secret | None:
    """The address of Redis: REDIS_URL, or made of host and port."""
    url = read("REDIS_URL", words.redis_url, None)
    host = read("REDIS_HOST", words.redis_host, "")
    port = read("REDIS_PORT", words.port, 6379)
    return url or (Secret(f"redis://{host}:{port}/0") if host else None)


def _feed_source(read: Reader, redis_url: Secret | None) -> FeedSource:
    source = read("FEED_SOURCE", words.feed_source, FeedSource.DHAN)
    if source is FeedSource.REDIS and redis_url is None:
        read.faults.append("FEED_SOURCE: read 'redis' without REDIS_URL; expected that too, or dhan.")
    return source


def _lease_in(read: Reader, redis_url: Secret | None) -> LeasePlace:
    place = read("LEASE_IN", words.lease_place, LeasePlace.STORE)
    if place is LeasePlace.REDIS and redis_url is None:
        read.faults.append("LEASE_IN: read 'redis' without REDIS_URL; expected that too, or store.")
    return place


def _trades_source(read: Reader, *, sandbox: bool) -> TradesSource:
    """The sandbox has trades of its own: somebody else's are not in its market."""
    project = read.word("SUPABASE_URL") and (
        read.word("SUPABASE_SECRET_KEY") or read.word("SUPABASE_ANON_KEY")
    )
    usual = TradesSource.SUPABASE if project and not sandbox else TradesSource.SQLITE
    source = read("TRADES_SOURCE", words.trades_source, usual)
    if source is TradesSource.SUPABASE and not project:
        read.faults.append(
            "TRADES_SOURCE: read 'supabase', expected SUPABASE_URL and SUPABASE_SECRET_KEY beside it."
        )
    return source


def _clock_start(read: Reader, *, sandbox: bool) -> datetime | None:
    """A shifted clock must never meet the real market: it would believe stale prices and closed doors."""
    start = read("CLOCK_START", words.moment, None)
    url = read.word("DHAN_API_URL") or ("" if sandbox else DEFAULT_URLS["DHAN_API_URL"])
    real = re.match(r"\w+://((?:[\w-]+\.)*dhan\.co)\.?(?=[/:]|$)", url, re.IGNORECASE)
    if start is not None and real:
        read.faults.append(
            f"CLOCK_START: read {start.isoformat()!r} while DHAN_API_URL is the real one ({real[1]}); "
            "expected no CLOCK_START there: it is for the sandbox and for servers of your own."
        )
    return start


def _accounts(read: Reader, toml: str | None, owners: frozenset[int]) -> tuple[Account, ...]:
    if toml is None:
        return ()
    try:
        return parse_accounts(toml, read.word("ACCOUNTS_FILE"), read.env, owners)
    except ConfigError as error:
        read.faults += error.faults
        return ()
