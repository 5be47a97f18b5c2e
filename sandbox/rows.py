"""What Dhan's REST and order-update socket print of orders, trades and positions.

Field sets, spellings and sentinels (``"NA"``, ``"0"``, ``"0001-01-01 00:00:00"``) are those of recorded
replies; times are Indian wall-clock text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.broker_nouns import OrderStatus, Product
from engine.model import Right, Segment, key_parts
from sandbox.ist import wall_text
from sandbox.master import instrument_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Instrument
    from sandbox.account import Holding
    from sandbox.orders import Order, Trade
    from sandbox.quotes import Quote

_NO_TIME = "0001-01-01 00:00:00"
_NO_DATE = "0001-01-01"
_PRODUCT_LETTER = {Product.CNC: "C", Product.INTRADAY: "I", Product.MARGIN: "M", Product.MTF: "F"}
_TYPE_LETTERS = {"LIMIT": "LMT", "MARKET": "MKT", "STOP_LOSS": "SL"}


def order_row(order: Order) -> dict[str, Any]:
    """One element of ``GET /orders``."""
    ticket = order.ticket
    return {
        "dhanClientId": order.client_id,
        "orderId": order.order_id,
        "exchangeOrderId": order.exchange_id,
        "correlationId": ticket.correlation_id or "NA",
        "orderStatus": str(order.status),
        "transactionType": str(ticket.side),
        "exchangeSegment": str(ticket.instrument.segment),
        "productType": str(ticket.product),
        "orderType": order.order_type,
        "validity": "IOC" if ticket.ioc else "DAY",
        "tradingSymbol": ticket.instrument.trading_symbol,
        "securityId": str(ticket.instrument.security_id),
        "quantity": order.quantity,
        "disclosedQuantity": ticket.disclosed,
        "price": order.price_paise / 100,
        "triggerPrice": ticket.trigger_paise / 100,
        "afterMarketOrder": ticket.after_market,
        "boProfitValue": 0.0,
        "boStopLossValue": 0.0,
        "legName": "NA",
        "createTime": wall_text(order.created_s),
        "updateTime": wall_text(order.updated_s),
        "exchangeTime": wall_text(order.exchange_s) if order.exchange_s else _NO_TIME,
        **_contract(ticket.instrument),
        "omsErrorCode": "RMS" if order.reason else "0",
        "omsErrorDescription": order.reason,
        "algoId": "0",
        "remainingQuantity": order.remaining,
        "averageTradedPrice": order.average_rupees,
        "filledQty": order.filled,
    }


def trade_row(trade: Trade, order: Order) -> dict[str, Any]:
    """One element of ``GET /trades``: one per match at the exchange."""
    instrument = order.ticket.instrument
    at = wall_text(trade.at_s)
    return {
        "dhanClientId": order.client_id,
        "orderId": trade.order_id,
        "exchangeOrderId": order.exchange_id,
        "exchangeTradeId": trade.trade_id,
        "transactionType": str(trade.side),
        "exchangeSegment": str(instrument.segment),
        "productType": str(trade.product),
        "orderType": order.order_type,
        "tradingSymbol": instrument.trading_symbol,
        "customSymbol": None,
        "securityId": str(instrument.security_id),
        "tradedQuantity": trade.quantity,
        "tradedPrice": trade.price_paise / 100,
        "createTime": at,
        "updateTime": at,
        "exchangeTime": at,
        **_contract(instrument),
        "drvOptionType": "NA",
    }


def position_row(
    client_id: str, holding: Holding, instrument: Instrument, quote: Quote | None
) -> dict[str, Any]:
    """One element of ``GET /positions``; squared-off contracts stay in the list as CLOSED."""
    net = holding.net
    buy, sell = holding.buy_average / 100, holding.sell_average / 100
    cost = buy if net > 0 else sell
    last = quote.ltp_paise / 100 if quote and quote.ltp_paise else cost
    state = "LONG" if net > 0 else "SHORT" if net < 0 else "CLOSED"
    return {
        "dhanClientId": client_id,
        "tradingSymbol": instrument.trading_symbol,
        "securityId": str(instrument.security_id),
        "positionType": state,
        "exchangeSegment": str(instrument.segment),
        "productType": str(holding.product),
        "buyAvg": round(buy, 4),
        "buyQty": holding.bought,
        "costPrice": round(cost, 4),
        "sellAvg": round(sell, 4),
        "sellQty": holding.sold,
        "netQty": net,
        "realizedProfit": round(holding.realised_paise / 100, 2),
        "unrealizedProfit": round(net * (last - cost), 2),
        "rbiReferenceRate": 1.0,
        "multiplier": 1,
        "carryForwardBuyQty": holding.carried_buy,
        "carryForwardSellQty": holding.carried_sell,
        "carryForwardBuyValue": holding.carried_buy_paise / 100,
        "carryForwardSellValue": holding.carried_sell_paise / 100,
        "dayBuyQty": holding.day_buy,
        "daySellQty": holding.day_sell,
        "dayBuyValue": holding.day_buy_paise / 100,
        "daySellValue": holding.day_sell_paise / 100,
        **_contract(instrument),
        "drvOptionType": _right(instrument),
        "crossCurrency": False,
    }


def order_update(order: Order, now_s: float) -> dict[str, Any]:
    """The ``Data`` of one order-update frame, in the wire's camelCase.

    Status words are title case, and there is no word for a partial fill: it is Pending with a traded
    quantity. Product, type and segment are letters.
    """
    ticket = order.ticket
    segment, security_id = key_parts(ticket.key)
    instrument = ticket.instrument
    last = order.trades[-1].price_paise / 100 if order.trades else 0
    status = OrderStatus.PENDING if order.status is OrderStatus.PART_TRADED else order.status
    return {
        "exchange": segment.value[:3],
        "segment": "E" if segment in {Segment.NSE_EQ, Segment.BSE_EQ} else "D",
        "source": "P",
        "securityId": str(security_id),
        "clientId": order.client_id,
        "exchOrderNo": order.exchange_id,
        "orderNo": order.order_id,
        "product": _PRODUCT_LETTER[ticket.product],
        "txnType": ticket.side.value[0],
        "orderType": _TYPE_LETTERS[order.order_type],
        "validity": "IOC" if ticket.ioc else "DAY",
        "discQuantity": ticket.disclosed,
        "discQtyRem": 0,
        "remainingQuantity": order.remaining,
        "quantity": order.quantity,
        "tradedQty": order.filled,
        "price": order.price_paise / 100,
        "triggerPrice": ticket.trigger_paise / 100,
        "tradedPrice": last,
        "avgTradedPrice": order.average_rupees,
        "algoOrdNo": "0",
        "offMktFlag": "1" if ticket.after_market else "0",
        "orderDateTime": wall_text(order.created_s),
        "exchOrderTime": wall_text(order.exchange_s) if order.exchange_s else _NO_TIME,
        "lastUpdatedTime": wall_text(now_s),
        "remarks": "NR",
        "mktType": "NL",
        "reasonDescription": order.reason or "CONFIRMED",
        "legNo": 1,
        "instrument": instrument_word(instrument),
        "symbol": instrument.symbol,
        "productName": str(ticket.product),
        "status": status.value.title(),
        "lotSize": instrument.lot,
        "strikePrice": (instrument.strike_paise or 0) / 100,
        "expiryDate": f"{instrument.expiry or _NO_DATE} 00:00:00",
        "optType": str(instrument.right or "XX"),
        "displayName": instrument.display,
        "isin": "NA",
        "series": "XX",
        "goodTillDaysDate": wall_text(now_s)[:10],
        "refLtp": last,
        "tickSize": instrument.tick_paise / 100,
        "algoId": "0",
        "multiplier": 1,
        "correlationId": ticket.correlation_id or "NA",
    }


def pascal(data: Mapping[str, Any]) -> dict[str, Any]:
    """The documented spelling of the same frame: capital first letters, status in capitals."""
    spelled = {name[0].upper() + name[1:]: value for name, value in data.items()}
    return spelled | {"Status": str(data["status"]).upper()}


def _contract(instrument: Instrument) -> dict[str, Any]:
    return {
        "drvExpiryDate": str(instrument.expiry) if instrument.expiry else _NO_DATE,
        "drvOptionType": _right(instrument) or "NA",
        "drvStrikePrice": (instrument.strike_paise or 0) / 100,
    }


def _right(instrument: Instrument) -> str | None:
    if instrument.right is None:
        return None
    return "CALL" if instrument.right is Right.CALL else "PUT"
