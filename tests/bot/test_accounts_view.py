"""The pages about several accounts, exactly as they are sent."""

from __future__ import annotations

from bot.accounts_view import accounts_pages, all_status_pages
from bot.layout import COLUMNS, MESSAGE_LIMIT, plain
from bot.views import account_page, help_page, picker_page, start_page
from engine.messages import Actor
from engine.model import Mode, Urgency
from engine.view import AccountView, PositionState
from tests.bot.house import house, position


def pair() -> dict:
    """One that acts and has a day limit, one that is halted and stuck."""
    day = AccountView("HUF", 152_750, (), 600_000, None, None, "")
    busy = house(
        position(),
        position(3360, urgency=Urgency.HIGH),
        mode=Mode.EXECUTE, access="Token until 08:12", accounts=(day,),
    )  # fmt: skip
    stuck = house(
        position(symbol="BANKNIFTY", state=PositionState.STUCK, reason="the broker refuses"),
        position(3361, pnl_paise=None),
        halted=True,
    )
    return {"HUF": busy, "WIFE-AND-MOTHER": stuck}


def test_status_of_all():
    """Together, each account with its own limits and troubles, then the positions, the urgent first."""
    [page] = all_status_pages(pair())
    assert plain(page.html) == (
        "2 accounts · 09:21:33 IST\n"
        "Open until 15:30\n"
        "P&L together +₹4,582.50 · value −₹6,110.00\n"
        "⚠️ without 1 of 4, whose P&L is unknown\n"
        "\n"
        "HUF · EXECUTE · sandbox · feed live\n"
        "P&L +₹3,055.00 · value −₹3,055.00\n"
        "Day HUF +₹1,527.50 of −₹6,000.00\n"
        "\n"
        "WIFE-AND-MOTHER · SIMULATE · sandbox · feed live\n"
        "P&L +₹1,527.50 · value −₹3,055.00\n"
        "⚠️ without 1 of 2, whose P&L is unknown\n"
        "⚠️ Halted: no automatic exits until /resume\n"
        "⚠️ Stuck: 3359\n"
        "WIFE-AND-MOTHER\n"
        "3359 BANKNIFTY  +1,527.50 +49.9%\n"
        "Iron Condor         STUCK NORMAL\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50\n"
        "> the broker refuses\n"
        "\n"
        "WIFE-AND-MOTHER\n"
        "3361 NIFTY               unknown\n"
        "Iron Condor       MONITOR NORMAL\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50\n"
        "\n"
        "HUF/3360 NIFTY  +1,527.50 +49.9%\n"
        "Iron Condor         MONITOR HIGH\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50\n"
        "\n"
        "HUF/3359 NIFTY  +1,527.50 +49.9%\n"
        "Iron Condor       MONITOR NORMAL\n"
        "DTE 5           target +1,527.50\n"
        "                  stop -4,972.50"
    )
    table = page.html.partition("<pre>")[2]
    assert all(len(line) <= COLUMNS for line in plain(table).splitlines())


def test_many_troubled_accounts_take_more_messages():
    """No message becomes longer than Telegram takes, and no account is left out."""
    troubled = house(position(), degraded="x" * 290, troubles=("y" * 290, "z" * 290))
    views = {f"A{n}": troubled for n in range(9)}
    for pages in (all_status_pages(views), accounts_pages(views)):
        assert len(pages) > 1
        assert all(len(page.html) <= MESSAGE_LIMIT + 400 for page in pages)
        assert all(any(f"A{n}</b>" in page.html for page in pages) for n in range(9))


def test_the_accounts():
    """Mode, P&L, token, and what is wrong."""
    [page] = accounts_pages(pair())
    assert plain(page.html) == (
        "HUF · EXECUTE · sandbox · feed live\n"
        "P&L +₹3,055.00 · 2 positions\n"
        "Token until 08:12\n"
        "Day HUF +₹1,527.50 of −₹6,000.00\n"
        "\n"
        "WIFE-AND-MOTHER · SIMULATE · sandbox · feed live\n"
        "P&L +₹1,527.50 · 2 positions\n"
        "⚠️ Halted: no automatic exits until /resume\n"
        "⚠️ Stuck: 3359"
    )


def test_an_account_that_does_not_run_is_not_shown_as_empty():
    """What is not known is neither zero nor in the sum."""
    views = {**pair(), "AUNT": house(degraded="it cannot start: the journal is broken", down=True)}
    together, *_ = plain(all_status_pages(views)[0].html).split("\n\n")
    assert together.splitlines()[-1] == "⚠️ without 1 of 3 accounts, which do not run"
    [listed] = accounts_pages(views)
    assert "P&L unknown · positions unknown" in plain(listed.html)


def test_the_picker_of_several():
    """Each button carries its account, and so does all of them."""
    flat = position(9, state=PositionState.FLAT)
    views = {"HUF": pair()["HUF"], "OWN": house(position(), flat, degraded="so")}
    page = picker_page(views)
    assert plain(page.html).splitlines()[2:] == ["Not offered: OWN/9 flat.", "⚠️ Degraded OWN: so"]
    assert [(b.text, b.data) for row in page.keyboard for b in row] == [
        ("HUF/3359 NIFTY · +₹1,527", "p:HUF/3359"),
        ("HUF/3360 NIFTY · +₹1,527", "p:HUF/3360"),
        ("OWN/3359 NIFTY · +₹1,527", "p:OWN/3359"),
        ("All 2 positions of HUF", "p:HUF/all"),
    ]


def test_which_account():
    """A button is the command written out; what Telegram's 64 bytes do not hold is text to copy."""
    page = account_page("flatten", ["HUF", "OWN"], ["everything"])
    assert [b.data for row in page.keyboard for b in row] == [
        "x:/flatten HUF everything",
        "x:/flatten OWN everything",
    ]
    long = account_page("set", ["HUF"], ["3359", "trailing_stop", "<" * 60])
    assert long.keyboard == ()
    assert plain(long.html).endswith(f"/set HUF 3359 trailing_stop {'<' * 60}")


def test_greeting_and_help_name_the_accounts():
    """Only when there are several."""
    greeting = plain(start_page(pair(), Actor(42, 43, "Asha")).html)
    assert "HUF · EXECUTE · sandbox: exits are placed by themselves." in greeting
    assert "/exit HUF 3359" in plain(help_page(several=True).html)
    assert "HUF" not in help_page().html
