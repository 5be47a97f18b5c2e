"""python-telegram-bot, composed: its handlers and its wire, our poll, our clock, our outbox."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeChatMember,
    BotCommandScopeDefault,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    Defaults,
    ExtBot,
    MessageHandler,
    TypeHandler,
    filters,
)
from telegram.request import HTTPXRequest

from bot.faults import WIRE_FAULTS, kind_of
from bot.menu import COMMANDS, START
from bot.poller import UpdatesRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.access import Gate
    from bot.presses import Presses
    from bot.roles import Role
    from bot.switchboard import Switchboard
    from engine.chat_tuning import ChatTuning

log = logging.getLogger(__name__)

App = Application[Any, Any, Any, Any, Any, Any]

_CONNECT_S = 5.0
#: A healthy answer comes within one second; after six nobody can say whether the message arrived, and
#: saying a HIGH alert twice is better than waiting.
_ANSWER_S = 6.0


def quiet_libraries() -> None:
    """Keep the libraries' chatter out of the log: httpx writes each URL, and the URL holds the token."""
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)


def build(token: str, api_url: str, tuning: ChatTuning) -> App:
    """Build the application; blocks for a tenth of a second (certificates), so call it in a thread.

    No Updater (it dies at one 404), no job queue (a second scheduler on another time zone), no rate
    limiter (it knows no priorities). Handlers run side by side, so that none waits for another.
    """
    wire: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "write_timeout": _ANSWER_S,
        "media_write_timeout": _ANSWER_S,  # our pictures are small
        "pool_timeout": 2.0,
    }
    if tuning.proxy is not None:
        wire["proxy"] = tuning.proxy.reveal()
    defaults = Defaults(
        parse_mode=ParseMode.HTML,
        protect_content=tuning.protect,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    return (
        ApplicationBuilder()
        .token(token)
        .base_url(f"{api_url}/bot")
        .base_file_url(f"{api_url}/file/bot")
        .request(HTTPXRequest(connection_pool_size=16, read_timeout=_ANSWER_S, **wire))
        .get_updates_request(UpdatesRequest(connection_pool_size=1, **wire))
        .defaults(defaults)
        .updater(None)
        .job_queue(None)
        .concurrent_updates(16)
        .build()
    )


def add_handlers(
    app: App, gate: Gate, switchboard: Switchboard, presses: Presses, say: Callable[[str], None]
) -> None:
    """Put the gate before everything, then commands and buttons; edited messages reach none of them.

    ``say`` tells the person when a handler of ours fails.
    """
    new = filters.UpdateType.MESSAGE
    app.add_handler(TypeHandler(Update, gate), group=-1)
    for entry in (START, *COMMANDS):
        app.add_handler(CommandHandler(entry.word, switchboard.typed(entry.word), filters=new))
    app.add_handler(MessageHandler(new & ~filters.StatusUpdate.ALL, switchboard.unknown))
    app.add_handler(CallbackQueryHandler(presses))

    async def failed(_update: object, context: Any) -> None:
        _log_failure(context.error)
        say("That went wrong inside the monitor; its log says more. /status shows where everything stands.")

    app.add_error_handler(failed)


async def take_over(bot: ExtBot[None]) -> None:
    """Delete a webhook that somebody left: it would answer every poll with a conflict."""
    try:
        await bot.delete_webhook(drop_pending_updates=False)
    except WIRE_FAULTS as error:
        log.info("chat: a webhook could not be deleted: %s", kind_of(error))


async def show_menu(bot: ExtBot[None], chat_id: int, ranks: Mapping[int, Role]) -> None:
    """Show to each person, by user id, the commands that they may give, in this chat alone.

    Strangers see none, those of a group neither: the lists for everybody are emptied, whoever has filled
    them. What fails, the next start does.
    """
    everybody: list[BotCommandScope] = [
        BotCommandScopeDefault(), BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()
    ]  # fmt: skip
    if chat_id > 0:  # a private chat has one person in it
        menus: dict[BotCommandScope, Role] = {
            BotCommandScopeChat(chat_id): ranks.get(chat_id, max(ranks.values()))
        }
    else:
        everybody.append(BotCommandScopeChat(chat_id))
        menus = {BotCommandScopeChatMember(chat_id, user): rank for user, rank in ranks.items()}
    for scope, rank in menus.items():
        menu = [BotCommand(entry.word, entry.text) for entry in COMMANDS if entry.needs <= rank]
        await _tried(bot.set_my_commands(menu, scope=scope))
    for scope in everybody:
        await _tried(bot.delete_my_commands(scope=scope))


async def _tried(call: Awaitable[bool]) -> None:
    try:
        await call
    except WIRE_FAULTS as error:
        log.info("chat: the command list could not be set: %s", kind_of(error))


def _log_failure(error: Exception | None) -> None:
    """Log a handler's failure; an error of the library is only named, its text may hold the token."""
    if isinstance(error, TelegramError):
        log.error("chat: a handler failed: %s", kind_of(error))
    else:
        log.error("chat: a handler failed", exc_info=error)
