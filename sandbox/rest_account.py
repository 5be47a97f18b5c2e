"""Endpoints of the account: profile, token, address, positions, funds, margins, trader's control."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from engine.broker_nouns import Product
from engine.model import Side
from sandbox import desk, refusals, risk, rows
from sandbox.account import Carried, PnlExit
from sandbox.dhan_rest import Call, Route, bare
from sandbox.ist import ist
from sandbox.limits import Group
from sandbox.orders import find_instrument, paise, whole
from sandbox.refusals import bad_input, order_error
from sandbox.tokens import mint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model import InstrumentKey


_IP_LOCK = timedelta(days=7)
_PNL_EXIT_PRODUCTS = ("INTRADAY", "DELIVERY")


def _profile(call: Call) -> Any:
    return {
        "dhanClientId": call.account.client_id,
        "tokenValidity": ist(call.account.token_expires_s).strftime("%d/%m/%Y %H:%M"),
        "activeSegment": "Equity, Derivative, Currency, Commodity",
        "ddpi": "Active",
        "mtf": "Active",
        "dataPlan": "Deactive" if call.world.faults.no_data_plan else "Active",
        "dataValidity": ist(call.now_s + 30 * 86_400).strftime("%Y-%m-%d %H:%M:%S.0"),
    }


def _renew(call: Call) -> Any:
    if call.account.token_type != "SELF":  # noqa: S105 - a kind, not a token
        raise bad_input("Renewal of token not allowed for this token type")
    return mint(call.account, call.now_s)


def _renew_by_post(_call: Call) -> Any:
    raise bad_input()


def _set_ip(call: Call) -> Any:
    flag, address = call.body.get("ipFlag"), call.body.get("ip")
    if flag not in ("PRIMARY", "SECONDARY") or not isinstance(address, str):
        raise bad_input()
    today, name = ist(call.now_s).date(), str(flag).title()
    before = call.account.ip.get(f"modifyDate{name}")
    if before and today - date.fromisoformat(before) < _IP_LOCK:
        raise bad_input("IP can be modified once in 7 days")
    call.account.ip |= {f"{name.lower()}IP": address, f"modifyDate{name}": str(today)}
    return {"message": "IP saved successfully", "status": "SUCCESS"}


def _get_ip(call: Call) -> Any:
    seen = call.request.remote or ""
    allowed = not call.world.faults.wrong_ip
    match = "MATCH" if allowed else "MISMATCH"
    return call.account.ip | {"detectedIP": seen, "ipMatchStatus": match, "ordersAllowed": allowed}


def _positions(call: Call) -> Any:
    until_s = call.now_s - call.fault.seconds if call.fault else float("inf")
    source = call.world.exchange.source
    return [
        rows.position_row(call.account.client_id, at, source.instruments[at.key], source.quote(at.key))
        for at in call.account.holdings(until_s).values()
    ]


def _holdings(_call: Call) -> Any:
    raise refusals.trading(500, "Holding_Error", "DH-1111", "No holdings available")


def _convert(call: Call) -> Any:
    """Move units from one product to another, at their average price."""
    instrument = find_instrument(call.body, call.world.exchange.source.instruments)
    units = whole(call.body.get("convertQty"))
    try:
        old, new = Product(call.body["fromProductType"]), Product(call.body["toProductType"])
    except (KeyError, ValueError) as wrong:
        raise bad_input() from wrong
    held = call.account.holdings().get((instrument.key, old))
    if held is None or not 0 < units <= abs(held.net) or units % instrument.lot:
        raise order_error("Position does not hold this quantity")
    sign = 1 if held.net > 0 else -1
    price = round(held.buy_average if held.net > 0 else held.sell_average)
    call.account.carried.append(Carried(instrument.key, old, -sign * units, price))
    call.account.carried.append(Carried(instrument.key, new, sign * units, price))
    return bare(call.world, {"status": "success"})


def _exit_all(call: Call) -> Any:
    desk.exit_all(call.world.exchange, call.account, call.now_s)
    words = "All orders and positions exited successfully"
    return bare(call.world, {"status": "SUCCESS", "message": words})


def _funds(call: Call) -> Any:
    free, funds = _free(call), call.account.funds_paise
    return {
        "dhanClientId": call.account.client_id,
        "availabelBalance": free / 100,
        "sodLimit": funds / 100,
        "collateralAmount": 0.0,
        "receiveableAmount": 0.0,
        "utilizedAmount": (funds - free) / 100,
        "blockedPayoutAmount": 0.0,
        "withdrawableBalance": max(0, free) / 100,
    }


def _margin_of_one(call: Call) -> Any:
    total = _margin(call, _legs(call, [call.body])) + _premium_paise(call, [call.body], {})
    free = _free(call)
    return {
        "totalMargin": total / 100,
        "spanMargin": total / 100,
        "exposureMargin": 0.0,
        "availableBalance": free / 100,
        "variableMargin": 0.0,
        "insufficientBalance": max(0, total - free) / 100,
        "brokerage": 20.0,
        "leverage": "1X",
    }


def _margin_of_many(call: Call) -> Any:
    scripts = call.body.get("scripList") or call.body.get("scripts")
    if not isinstance(scripts, list) or not scripts or not all(isinstance(s, dict) for s in scripts):
        raise bad_input()
    held = _beside(call)
    legs = _legs(call, scripts)
    for key, units in held.items():
        legs[key] = legs.get(key, 0) + units
    alone = sum(_margin(call, {key: units}) for key, units in legs.items())
    together = _margin(call, legs)
    total = together + _premium_paise(call, scripts, held)
    return {
        "total_margin": f"{total / 100:.2f}",
        "span_margin": f"{together / 100:.2f}",
        "exposure_margin": "0.00",
        "equity_margin": "0.00",
        "fo_margin": f"{total / 100:.2f}",
        "commodity_margin": "0.00",
        "currency": "0.00",
        "hedge_benefit": f"{max(0, alone - together) / 100:.2f}",
    }


def _legs(call: Call, bodies: Iterable[Mapping[str, Any]]) -> dict[InstrumentKey, int]:
    legs: dict[InstrumentKey, int] = {}
    for body in bodies:
        key = find_instrument(body, call.world.exchange.source.instruments).key
        sign = 1 if body.get("transactionType") == Side.BUY else -1
        legs[key] = legs.get(key, 0) + sign * whole(body.get("quantity"))
    return legs


def _beside(call: Call) -> dict[InstrumentKey, int]:
    """What the scripts are added to: signed units held, and those that working sales would open."""
    net, committed = call.account.net(), risk.committed(call.account)[0]
    held = dict(net) if call.body.get("includePosition") else {}
    if call.body.get("includeOrder") or call.body.get("includeOrders"):  # two spellings are documented
        for key, units in committed.items():
            held[key] = held.get(key, 0) + units - net.get(key, 0)
    return held


def _premium_paise(
    call: Call, bodies: Iterable[Mapping[str, Any]], beside: Mapping[InstrumentKey, int]
) -> int:
    """What the purchases cost, as far as they open something: the desk asks no money for what closes."""
    held, premium_paise = dict(beside), 0
    for body in bodies:
        key, units = next(iter(_legs(call, [body]).items()))
        before = held.get(key, 0)
        held[key] = before + units
        premium_paise += max(0, units - max(0, -before)) * paise(body.get("price"))
    return premium_paise


def _margin(call: Call, net: Mapping[InstrumentKey, int]) -> int:
    exchange = call.world.exchange
    return risk.margin_paise(net, exchange.source, hedge_aware=exchange.hedge_aware)


def _free(call: Call) -> int:
    exchange = call.world.exchange
    return risk.free_paise(call.account, exchange.source, hedge_aware=exchange.hedge_aware)


def _kill(call: Call) -> Any:
    wanted = call.request.query.get("killSwitchStatus")
    if wanted not in {"ACTIVATE", "DEACTIVATE"}:
        raise bad_input()
    if wanted == "ACTIVATE" and (call.account.net() or call.account.live_orders()):
        raise order_error("Kill Switch needs all positions closed and no pending orders")
    call.account.killed = wanted == "ACTIVATE"
    words = f"Kill Switch has been successfully {wanted.lower()}d"
    return {"dhanClientId": call.account.client_id, "killSwitchStatus": words}


def _killed(call: Call) -> Any:
    state = "ACTIVATE" if call.account.killed else "DEACTIVATE"
    return {"dhanClientId": call.account.client_id, "killSwitchStatus": state}


def _set_pnl_exit(call: Call) -> Any:
    products = call.body.get("productType")
    if not isinstance(products, list) or any(each not in _PNL_EXIT_PRODUCTS for each in products):
        raise bad_input()
    call.account.pnl_exit = PnlExit(
        profit_rupees=paise(call.body.get("profitValue")) / 100,
        loss_rupees=paise(call.body.get("lossValue")) / 100,
        products=products,
        kill_switch=bool(call.body.get("enableKillSwitch")),
    )
    return {"pnlExitStatus": "ACTIVE", "message": "P&L based exit configured successfully"}


def _pnl_exit(call: Call) -> Any:
    terms = call.account.pnl_exit
    if terms is None:
        return {"pnlExitStatus": "INACTIVE"}
    return {
        "pnlExitStatus": "ACTIVE",
        "profit": f"{terms.profit_rupees:.2f}",
        "loss": f"{terms.loss_rupees:.2f}",
        "productType": terms.products,
        "enable_kill_switch": terms.kill_switch,
    }


def _stop_pnl_exit(call: Call) -> Any:
    call.account.pnl_exit = None
    return {"pnlExitStatus": "DISABLED", "message": "P&L based exit stopped successfully"}


ROUTES = (
    Route("GET", "/profile", Group.FREE, _profile),
    Route("GET", "/RenewToken", Group.FREE, _renew),
    Route("POST", "/RenewToken", Group.FREE, _renew_by_post),
    Route("POST", "/ip/setIP", Group.FREE, _set_ip, changes=True),
    Route("PUT", "/ip/modifyIP", Group.FREE, _set_ip, changes=True),
    Route("GET", "/ip/getIP", Group.FREE, _get_ip),
    Route("GET", "/positions", Group.OTHER, _positions),
    Route("DELETE", "/positions", Group.ORDER, _exit_all, changes=True),
    Route("POST", "/positions/convert", Group.ORDER, _convert, changes=True),
    Route("GET", "/holdings", Group.OTHER, _holdings),
    Route("GET", "/fundlimit", Group.OTHER, _funds),
    Route("POST", "/margincalculator", Group.OTHER, _margin_of_one),
    Route("POST", "/margincalculator/multi", Group.OTHER, _margin_of_many),
    Route("POST", "/killswitch", Group.OTHER, _kill, changes=True),
    Route("GET", "/killswitch", Group.OTHER, _killed),
    Route("POST", "/pnlExit", Group.OTHER, _set_pnl_exit, changes=True),
    Route("PUT", "/pnlExit", Group.OTHER, _set_pnl_exit, changes=True),
    Route("GET", "/pnlExit", Group.OTHER, _pnl_exit),
    Route("DELETE", "/pnlExit", Group.OTHER, _stop_pnl_exit, changes=True),
)
