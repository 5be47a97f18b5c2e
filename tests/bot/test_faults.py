"""What an exception of the library means: its family tree is full of traps."""

from __future__ import annotations

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.faults import Fault, Unsure, delivery, kind_of
from bot.sender import Failed, Flooded, Outcome, Refused, judge


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    """An error as the library raises it from httpx."""
    error.__cause__ = cause
    return error


CONNECT = httpx.ConnectError("refused")
NOT_SENT, PERHAPS = Unsure.NOT_SENT, Unsure.PERHAPS_SENT


@pytest.mark.parametrize(
    ("error", "fault", "sent"),
    [
        (caused(NetworkError("x"), CONNECT), Fault.UNREACHABLE, NOT_SENT),
        (caused(TimedOut(), httpx.ConnectTimeout("x")), Fault.UNREACHABLE, NOT_SENT),
        (caused(TimedOut(), httpx.PoolTimeout("x")), Fault.UNREACHABLE, NOT_SENT),
        (caused(TimedOut(), httpx.ReadTimeout("x")), Fault.SILENT, PERHAPS),
        (caused(TimedOut(), httpx.WriteTimeout("x")), Fault.SILENT, PERHAPS),
        (caused(NetworkError("x"), httpx.ReadError("reset")), Fault.UNREACHABLE, PERHAPS),
        (caused(NetworkError("x"), httpx.RemoteProtocolError("x")), Fault.UNREACHABLE, PERHAPS),
        (NetworkError("Bad Gateway"), Fault.SERVER, NOT_SENT),
        (Forbidden("blocked"), Fault.BLOCKED, NOT_SENT),
        (InvalidToken(), Fault.REFUSED, NOT_SENT),
        (Conflict("two"), Fault.CONFLICT, NOT_SENT),
        (KeyError("result"), Fault.UNREADABLE, NOT_SENT),
    ],
)
def test_the_kinds_of_failure(error: Exception, fault: Fault, sent: Unsure):
    """A connection never made is certain; a missing answer may hide a delivered message."""
    assert kind_of(error) is fault
    assert delivery(error) is sent
    assert judge(error) == Failed(fault, sent)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RetryAfter(17), Flooded(17.0)),
        (BadRequest("can't parse entities: x"), Refused("can't parse entities: x")),
        (ChatMigrated(-100123), Failed(Fault.MOVED, NOT_SENT, "TELEGRAM_CHAT_ID=-100123")),
        (BadRequest("Chat not found"), Failed(Fault.NO_CHAT, NOT_SENT)),
        (
            BadRequest("Not enough rights to manage pinned messages in the chat"),
            Refused("Not enough rights to manage pinned messages in the chat"),
        ),
    ],
)
def test_what_is_not_tried_again(error: Exception, outcome: Outcome):
    """A flood wait is obeyed, a refusal is final, although BadRequest is a NetworkError in the library."""
    assert judge(error) == outcome


def test_no_word_of_a_refused_token_is_passed_on():
    """The library writes the token into InvalidToken's text; the outcome has only the kind."""
    outcome = judge(InvalidToken("The token `7000000001:canary` was rejected by the server."))
    assert "canary" not in repr(outcome)
