"""The ways Dhan says no, each with its HTTP status and body.

The trading API answers ``{errorType, errorCode, errorMessage}``; the data API answers
``{"status": "failed", "data": {code: text}}``; charts have a third form and unknown paths a fourth. All
were recorded from the real service; where a text of ours stands in for one nobody recorded, the function
says so.
"""

from __future__ import annotations

from typing import Any

_DATA_TEXT = {
    800: "Internal Server Error",
    804: "Requested number of instruments exceeds limit",
    805: "Too many requests. Further requests may result in the user being blocked.",
    806: "Data APIs not subscribed",
    807: "Access token is expired",
    808: "Authentication Failed - Client ID or Access Token invalid",
    809: "Access token is invalid",
    810: "Client ID is invalid",
    811: "Invalid Expiry Date",
    812: "Invalid Date Format",
    813: "Invalid SecurityId",
    814: "Invalid Request",
}


class Refusal(Exception):
    """An answer that is not success; ``body`` goes out as JSON with ``status``."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        """Keep the HTTP status and the body."""
        self.status = status
        self.body = body
        super().__init__(str(body))


def trading(status: int, kind: str, code: str, text: str) -> Refusal:
    """The trading API's form."""
    return Refusal(status, {"errorType": kind, "errorCode": code, "errorMessage": text})


_BAD_INPUT = "Missing required fields, bad values for parameters etc."


def bad_input(text: str = _BAD_INPUT, *, status: int = 400) -> Refusal:
    """DH-905: something in the request itself is wrong; refused before any order exists."""
    return trading(status, "Input_Exception", "DH-905", text)


def order_error(text: str) -> Refusal:
    """DH-906: the order cannot be taken, changed or cancelled."""
    return trading(400, "Order_Error", "DH-906", text)


def bad_token() -> Refusal:
    """DH-901 with HTTP 401."""
    return trading(
        401,
        "Invalid_Authentication",
        "DH-901",
        "Client ID or user generated access token is invalid or expired.",
    )


def invalid_token_as_order_error() -> Refusal:
    """The other way a dead token was seen to be told: HTTP 400, DH-906."""
    return order_error("Invalid Token")


def too_fast() -> Refusal:
    """DH-904 with HTTP 429, for the trading API."""
    return trading(
        429,
        "Rate_Limit",
        "DH-904",
        "Too many requests on server from single user breaching rate limits. Try throttling API calls.",
    )


def data(status: int, code: int) -> Refusal:
    """The data API's form, by its code 800 to 814."""
    return Refusal(status, {"status": "failed", "data": {str(code): _DATA_TEXT[code]}})


def no_data_plan() -> Refusal:
    """806 as it was recorded: with HTTP 200, in a form of its own."""
    return Refusal(200, {"errorCode": 806, "errorMessage": _DATA_TEXT[806]})


def no_chart() -> Refusal:
    """The charts' form (RS-9005) for a question without an answer."""
    return _chart(400, "BAD_REQUEST", "Data not available")


def broken_chart() -> Refusal:
    """The charts' form for an id that is no number: HTTP 500. The text is ours."""
    return _chart(500, "INTERNAL_SERVER_ERROR", "Internal Server Error")


def _chart(status: int, name: str, text: str) -> Refusal:
    return Refusal(
        status,
        {
            "errorCode": "NONE",
            "httpStatus": name,
            "internalErrorCode": "RS-9005",
            "internalErrorMessage": text,
        },
    )


def unknown_path(path: str, now_s: float) -> Refusal:
    """What the server says about a path it does not have."""
    return Refusal(404, {"timestamp": int(now_s * 1000), "status": 404, "error": "Not Found", "path": path})
