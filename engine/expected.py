"""Every setting by its name: what it wants to be, who hands it out, and which are never shown."""

from __future__ import annotations

from engine.tuning_words import TUNING_WORDS

__all__ = ["CHAT_OUTSIDE", "CREDENTIALS", "DEFAULT_URLS", "EXPECTED", "RECORD_DAYS", "SECRETS"]

#: Without any of these the monitor runs on its sandbox; with some of them it must have all.
CREDENTIALS = (
    "DHAN_CLIENT_ID", "DHAN_ACCESS_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID", "TELEGRAM_USER_IDS",
)  # fmt: skip

#: Settings whose value is never shown.
SECRETS = (
    "DHAN_ACCESS_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_PROXY", "SUPABASE_SECRET_KEY", "SUPABASE_ANON_KEY",
    "REDIS_URL", "ALIVE_URL", "ALERT_URLS",
)  # fmt: skip

#: The real services: the outside addresses when nothing else is set.
DEFAULT_URLS = {
    "DHAN_API_URL": "https://api.dhan.co/v2",
    "DHAN_AUTH_URL": "https://auth.dhan.co",
    "DHAN_FEED_URL": "wss://api-feed.dhan.co",
    "DHAN_ORDER_UPDATE_URL": "wss://api-order-update.dhan.co",
    "DHAN_INSTRUMENTS_URL": "https://images.dhan.co/api-data",
    "TELEGRAM_API_URL": "https://api.telegram.org",
}

_DHAN = "get it at web.dhan.co > My Profile > Access DhanHQ APIs"
_SUPABASE = "get it in the Supabase dashboard > Project Settings > API Keys"

#: What each setting wants to be and, where somebody hands it out, who does.
EXPECTED: dict[str, str] = {
    "DHAN_CLIENT_ID": f"your Dhan client id, digits only; {_DHAN}",
    "DHAN_ACCESS_TOKEN": f"the access token (valid 24 hours), one word; {_DHAN} > Generate Access Token",
    "TELEGRAM_BOT_TOKEN": "digits, a colon and about 35 letters; ask @BotFather in Telegram: /newbot",
    "TELEGRAM_CHAT_ID": "the number of the chat to talk in (a private chat has your own user id); "
    "python -m bot --find-chat shows it",
    "TELEGRAM_USER_IDS": "the numbers of the people who may command, separated by commas; "
    "python -m bot --find-chat shows yours",
    "TELEGRAM_GROUP_COMMANDS": "on or off (default off)",
    "TELEGRAM_PROXY": "an address with its port such as socks5://user:password@192.0.2.1:1080, or http://…",
    "TELEGRAM_PROTECT": "on or off (default on)",
    "TELEGRAM_SUMMARY": "on or off (default on)",
    "TELEGRAM_QUIET_HOURS": "two times of India such as 22:00-08:00 (the default), or off",
    "ALERT_REPEAT_MIN": "minutes from 0.5 to 240, separated by commas (default 1, 2, 2, 5, 10)",
    "ALERT_SECOND_USER_ID": "the number of one more person, who has pressed Start at the bot; "
    "ask @userinfobot in Telegram",
    "ALERT_SECOND_AFTER_MIN": "minutes from 0.5 to 240 (default 3)",
    "ALERT_URLS": "addresses such as ntfys://ntfy.sh/your-topic or mailtos://…, separated by blanks",
    "ALERT_URLS_AFTER_MIN": "minutes from 0.5 to 240 (default 5)",
    "SUPABASE_URL": f"an address such as https://abc.supabase.co; {_SUPABASE}",
    "SUPABASE_SECRET_KEY": f"a key that begins with sb_secret_ or eyJ, one word; {_SUPABASE}",
    "SUPABASE_ANON_KEY": f"a key that begins with sb_publishable_ or eyJ, one word; {_SUPABASE}",
    "REDIS_HOST": "a host name or address such as 127.0.0.1",
    "REDIS_PORT": "a port from 1 to 65535 (default 6379)",
    "REDIS_URL": "redis://host:port/0, rediss://… or unix://…",
    "REDIS_COMPRESS": "on or off (default off)",
    "FEED_SOURCE": "dhan or redis (default dhan)",
    "LEASE_IN": "store or redis (default: Supabase with the trades, else a Redis elsewhere, else DATA_DIR)",
    "ACCOUNTS_FILE": "the path of an accounts.toml",
    "DATA_DIR": "a directory (default data)",
    "TRADES_SOURCE": "sqlite, supabase or broker (default: supabase when SUPABASE_URL and a key are set)",
    "RULES_FILE": "the path of a rules.toml",
    "SESSIONS_FILE": "the path of a sessions.toml",
    "ORDERS_BY": "direct or dhanhq (default direct)",
    "EVENT_LOOP": "auto or asyncio (default auto: uvloop where it is installed)",
    "LEASE_TTL_S": "seconds from 5 to 7200 (default 30; in Redis 300, in Supabase 3600)",
    "RECORD_DAYS": "a whole number of days from 0 to 3650 (default 60; in the sandbox 0)",
    "ALIVE_URL": "an address that is asked for each minute while all is well, such as https://hc-ping.com/…",
    "METRICS_PORT": "a port from 1 to 65535 of this host alone (default: none)",
    "LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR (default INFO)",
    "CLOCK_START": "a moment with its offset such as 2026-02-03T09:20:00+05:30",
    **TUNING_WORDS,
} | {name: f"an address such as {url}" for name, url in DEFAULT_URLS.items()}

#: So many recorded days are kept unless the owner says otherwise: a quarter of sessions, below 2 GB.
RECORD_DAYS = 60

#: The chat's ways into the world, which the sandbox has not.
CHAT_OUTSIDE = ("TELEGRAM_PROXY", "ALERT_SECOND_USER_ID", "ALERT_URLS")
