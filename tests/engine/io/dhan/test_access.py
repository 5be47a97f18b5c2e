"""What Dhan says of our access, over real sockets, and the renewal of a token."""

from __future__ import annotations

import pytest

from engine.io.dhan.access import DhanAccess
from engine.io.dhan.rest import DhanRest
from engine.io.token_file import TokenFile
from engine.messages import TokenRenewal
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.tokens import mint
from tests.engine.io.dhan.conftest import MORNING_S
from tests.support.clock import VirtualClock


class Door:
    """A client whose token comes from its file, on a clock of its own."""

    def __init__(self, server, executor, directory):
        self.account = server.exchange.accounts[DEFAULT_CLIENT]
        mint(self.account, MORNING_S)
        self.clock, self.learnt = VirtualClock(MORNING_S), []
        self.file = TokenFile(directory, self.account.token, self.learnt.append)
        self.rest = DhanRest(
            client_id=DEFAULT_CLIENT, access_token=self.file.reveal, base_url=server.api_url,
            executor=executor, clock=self.clock,
        )  # fmt: skip
        self.access = DhanAccess(self.rest, self.file, self.clock)


@pytest.fixture
async def door(server, executor, tmp_path):
    made = Door(server, executor, tmp_path)
    yield made
    made.rest.close()


async def test_all_is_well(door):
    """Token, kind, address, data, derivatives and clocks, all from the wire."""
    state = await door.access.state()
    assert state.valid_until_s == MORNING_S + 86_400
    assert (state.kind, state.number, state.refused, state.failed) == ("SELF", 1, "", "")
    assert (state.orders_allowed, state.data_plan, state.derivatives) == (True, True, True)
    assert abs(state.skew_s) <= 1


async def test_what_is_wrong_is_seen(door, server):
    """A foreign address, no data plan, and a clock that is ahead or behind."""
    server.faults.wrong_ip = server.faults.no_data_plan = True
    server.habits.date_ahead_s = 40
    state = await door.access.state()
    assert (state.orders_allowed, state.data_plan) == (False, False)
    assert state.skew_s == pytest.approx(-40, abs=1)
    server.habits.date_ahead_s = -40
    assert (await door.access.state()).skew_s == pytest.approx(40, abs=1)


@pytest.mark.parametrize("as_order_error", [False, True])
async def test_a_token_that_is_refused(door, server, as_order_error):
    """HTTP 401 as documented, or the 400 DH-906 that was seen; the token's own claims stay."""
    server.faults.refuse_tokens, server.faults.token_as_order_error = True, as_order_error
    state = await door.access.state()
    assert "invalid" in state.refused.casefold()
    assert (state.failed, state.orders_allowed, state.kind) == ("", None, "SELF")


async def test_a_broker_that_does_not_answer_refuses_nothing(door, server):
    """No answer, a gateway's page and nonsense are not known, not bad."""
    for body in (None, {"dhanClientId": ""}):
        server.faults.error(verb="GET", path="/profile", status=502 if body is None else 200, body=body)
        state = await door.access.state()
        assert state.failed
        assert (state.refused, state.data_plan) == ("", None)


async def test_an_address_that_is_not_told_is_not_known(door, server):
    """Not every answer has ordersAllowed."""
    server.faults.error(verb="GET", path="/ip/getIP", status=200, body={"primaryIP": "10.0.0.1"})
    assert (await door.access.state()).orders_allowed is None
    server.faults.error(verb="GET", path="/ip/getIP", status=500)
    assert (await door.access.state()).orders_allowed is None


async def test_a_renewed_token_is_used_at_once(door):
    """The old one is dead, the books are read with the new one, the log knows it, the file keeps it."""
    old = door.file.reveal()
    assert await door.access.renew() == TokenRenewal("")
    assert door.file.reveal() == door.account.token != old
    assert door.learnt == [door.account.token]
    assert await door.rest.orders() == []
    assert (await door.access.state()).number == 2


async def test_one_renewal_in_two_minutes(door):
    """The second never leaves."""
    await door.access.renew()
    assert "one token in two minutes" in (await door.access.renew()).failed
    assert door.account.mints == 2
    await door.clock.advance(120)
    assert await door.access.renew() == TokenRenewal("")


@pytest.mark.parametrize("lost", [False, True])
async def test_a_renewal_that_brings_nothing(door, server, lost):
    """A kind that cannot be renewed, and an answer that is lost: the old token stays in use here."""
    door.account.token_type = "APP"
    if lost:
        server.faults.reset(verb="GET", path="/RenewToken")
    before = door.file.reveal()
    failed = (await door.access.renew()).failed
    assert ("no answer" if lost else "Renewal of token not allowed") in failed
    assert door.file.reveal() == before
