"""Dhan's trader's control over real sockets: each command leaves once, and what stands is read back."""

from __future__ import annotations

import threading

import pytest

from engine.controls import ALL_PRODUCTS, ControlState, PnlExit
from engine.errors import WireError
from engine.io.dhan import control as controls
from engine.io.dhan.control import DhanControl
from engine.io.read_only import ReadOnlyControl
from engine.messages import Accepted, Refused, Unknown, Verb
from engine.wire import parse_held_rows, parse_kill_switch, parse_pnl_exit
from sandbox.exchange import DEFAULT_CLIENT
from tests.engine.io.dhan.http_peers import answering, client, hanging

TERMS = PnlExit(750_000, 999_999_900)
PATHS = {Verb.ARM: "/pnlExit", Verb.DISARM: "/pnlExit", Verb.KILL: "/killswitch", Verb.EXIT_ALL: "/positions"}
VERBS = tuple(PATHS)
HTTP = {Verb.ARM: "POST", Verb.DISARM: "DELETE", Verb.KILL: "POST", Verb.EXIT_ALL: "DELETE"}


@pytest.fixture
def account(server):
    return server.exchange.accounts[DEFAULT_CLIENT]


async def test_nothing_is_armed_and_nothing_is_held_at_first(rest):
    """Three answers, three things known; none of them is a guess."""
    assert await DhanControl(rest).state(3) == ControlState(3, killed=False, armed=(), held=())


async def test_what_dhan_says_is_understood_on_the_thread_that_has_read_it(rest, monkeypatch):
    """A thousand positions would hold the loop for 15 ms."""
    threads = []

    def noted(body):
        threads.append(threading.get_ident())
        return parse_held_rows(body)

    monkeypatch.setattr(controls, "parse_held_rows", noted)
    assert (await DhanControl(rest).state(1)).held == ()
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_what_is_armed_is_read_back_as_it_was_asked_for(rest, account):
    """Rupees go out and come back as text; disarmed again, nothing is armed."""
    control = DhanControl(rest)
    assert await control.command(Verb.ARM, TERMS) == Accepted("")
    assert account.pnl_exit.loss_rupees == 7_500
    armed = (await control.state(1)).armed or ()
    assert [terms.same(TERMS) for terms in armed] == [True]
    assert await control.command(Verb.DISARM, None) == Accepted("")
    assert (await control.state(2)).armed == ()


async def test_the_kill_switch_is_refused_with_a_position_and_taken_without(rest, server, account, option):
    """Dhan wants the account flat first; afterwards it is read back as on."""
    control = DhanControl(rest)
    server.exchange.carry(option.key, -65, 10_000)
    assert isinstance(await control.command(Verb.KILL, None), Refused)
    state = await control.state(1)
    (row,) = state.open_rows
    assert (row.units, row.key, row.product, state.killed) == (-65, option.key, "MARGIN", False)
    assert state.pnl_paise == row.pnl_paise is not None
    assert await control.command(Verb.EXIT_ALL, None) == Accepted("")
    assert (await control.state(2)).open_rows == ()
    assert await control.command(Verb.KILL, None) == Accepted("")
    assert (await control.state(3)).killed is True
    assert account.killed


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("fault", ["reset", "half_body", "error"])
async def test_an_answer_that_is_lost_is_unknown_and_the_truth_is_read_back(
    rest, server, account, verb, accepted, fault
):
    """A reset, half an answer and a 502, taken or not: unknown each time; one call, and the state tells."""
    control = DhanControl(rest)
    if verb is Verb.DISARM:
        await control.command(Verb.ARM, TERMS)
    getattr(server.faults, fault)(verb=HTTP[verb], path=PATHS[verb], accepted=accepted)
    assert isinstance(await control.command(verb, TERMS if verb is Verb.ARM else None), Unknown)
    state = await control.state(1)
    done = {
        Verb.ARM: bool(state.armed), Verb.DISARM: state.armed == (), Verb.KILL: state.killed,
        Verb.EXIT_ALL: accepted,
    }  # fmt: skip
    assert done[verb] is accepted
    assert not state.failed


@pytest.mark.parametrize("verb", VERBS)
async def test_a_server_that_hangs_or_is_not_there(executor, verb):
    """Half an answer without an end is unknown; without a connection nothing was sent."""
    async with hanging(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{") as url:
        made = client(url, executor)
        assert isinstance(await DhanControl(made).command(verb, TERMS), Unknown)
        made.close()
    made = client("http://127.0.0.1:9/v2", executor)
    said = await DhanControl(made).command(verb, TERMS)
    assert isinstance(said, Refused)
    assert said.code == "NOT-SENT"
    made.close()


async def test_what_cannot_be_read_is_not_known(executor):
    """Nonsense is neither on nor off, neither armed nor not, and nothing is flat by it."""
    async with answering(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status": "x"}') as url:
        made = client(url, executor)
        state = await DhanControl(made).state(5)
        made.close()
    assert (state.request, state.killed, state.armed, state.held, state.pnl_paise) == (
        5,
        None,
        None,
        None,
        None,
    )
    assert all(path in state.failed for path in ("/killswitch", "/pnlExit", "/positions"))


async def test_a_mode_that_only_looks_changes_nothing(rest, account):
    """Simulate and alert-only can read; every command is refused in the house."""
    control = ReadOnlyControl(DhanControl(rest))
    for verb in VERBS:
        assert isinstance(await control.command(verb, TERMS), Refused)
    assert (await control.state(1)).armed == ()
    assert (account.pnl_exit, account.killed) == (None, False)


@pytest.mark.parametrize(
    ("body", "armed"),
    [
        ({"pnlExitStatus": "INACTIVE"}, ()),
        ({"pnlExitStatus": "disabled"}, ()),
        (
            {"pnlExitStatus": "ACTIVE", "profit": "1500.00", "loss": "500.00", "productType": ["INTRADAY"],
             "enable_kill_switch": True},
            (PnlExit(50_000, 150_000, ("INTRADAY",), kill_switch=True),),
        ),
        ({"pnlExitStatus": "ACTIVE", "profit": 1500, "loss": -500}, (PnlExit(50_000, 150_000, ()),)),
    ],
)  # fmt: skip
def test_every_form_of_the_p_and_l_exit_s_answer(body, armed):
    """Text or number, with a sign or without; what is not said is not made up."""
    assert parse_pnl_exit(body) == armed


@pytest.mark.parametrize(
    "body", [[], {}, {"pnlExitStatus": "PAUSED"}, {"pnlExitStatus": "ACTIVE"},
             {"pnlExitStatus": "ACTIVE", "profit": "1", "loss": "nan"}],
)  # fmt: skip
def test_an_answer_that_says_neither_is_an_error(body):
    """Never taken for not armed."""
    with pytest.raises(WireError):
        parse_pnl_exit(body)


@pytest.mark.parametrize(("word", "on"), [("ACTIVATE", True), ("deactivate", False)])
def test_both_words_of_the_kill_switch(word, on):
    """On or off."""
    assert parse_kill_switch({"killSwitchStatus": word}) is on


@pytest.mark.parametrize("body", [{}, {"killSwitchStatus": "?"}, [], None])
def test_any_other_word_of_the_kill_switch_is_an_error(body):
    """Never taken for off."""
    with pytest.raises(WireError):
        parse_kill_switch(body)


def test_rows_of_any_segment_are_seen():
    """A bracket order's position, a row without figures: they are named, and units are never guessed."""
    rows = parse_held_rows([
        {"tradingSymbol": "GOLD", "exchangeSegment": "MOON", "securityId": "7", "productType": "BO",
         "netQty": 3},
        {"exchangeSegment": "NSE_EQ", "securityId": "1333", "netQty": "0", "realizedProfit": 1.5,
         "unrealizedProfit": "-0.25"},
    ])  # fmt: skip
    assert [(row.name, row.key is None, row.units, row.pnl_paise) for row in rows] == [
        ("GOLD", True, 3, None), ("NSE_EQ 1333", False, 0, 125),
    ]  # fmt: skip
    assert str(rows[0]) == "GOLD +3"
    for body in ({}, [{"tradingSymbol": "X"}], [7]):
        with pytest.raises(WireError):
            parse_held_rows(body)


def test_terms_that_say_less_are_the_same_terms_that_say_other_are_not():
    """Products that are not told are no difference; amounts always are."""
    assert TERMS.same(PnlExit(750_000, 999_999_900, ()))
    assert TERMS.same(PnlExit(750_000, 999_999_900, ALL_PRODUCTS[::-1]))
    assert not TERMS.same(PnlExit(750_000, 999_999_900, ("INTRADAY",)))
    assert not TERMS.same(PnlExit(750_100, 999_999_900))
    assert not TERMS.same(PnlExit(750_000, 999_999_900, kill_switch=True))
    assert PnlExit.from_json(TERMS.to_json()) == TERMS
