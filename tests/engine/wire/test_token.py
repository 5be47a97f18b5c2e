"""What a token says of itself, and what of other words is not believed."""

from __future__ import annotations

import base64
import json

import pytest

from engine.errors import WireError
from engine.wire import parse_renewal
from engine.wire.token import TokenClaims, parse_token


def token(claims):
    """A token with these claims, or with this text in their place."""
    text = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"eyJ0.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.sig"


@pytest.mark.parametrize("kind", ["SELF", "APP"])
def test_the_claims_are_read(kind):
    """End and kind, whatever else is in it."""
    made = token({"iss": "dhan", "exp": 1_770_090_600, "tokenConsumerType": kind})
    assert parse_token(made) == TokenClaims(1_770_090_600.0, kind)


@pytest.mark.parametrize(
    "words",
    [
        "", "one-word", "a.b", "a.b.c", "a.é.c", "a.!!!!.c",
        token([1]), token(b"\xff\xfe"), token(b"[" * 100_000), token({}), token({"exp": "soon"}),
        token({"exp": True}), token({"exp": -5}), token({"exp": 1e300}), token({"tokenConsumerType": 7}),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_claims_nothing(words):
    """Another broker's token, a broken one, nonsense."""
    assert parse_token(words) == TokenClaims(None, "")


@pytest.mark.parametrize(
    "row", [[], None, {}, {"accessToken": ""}, {"accessToken": "two words"}, {"accessToken": "ü"}]
)
def test_a_renewal_without_a_token_is_an_error(row):
    """And the error does not quote it."""
    with pytest.raises(WireError) as error:
        parse_renewal(row)
    assert "two" not in str(error.value)


def test_a_renewal_brings_the_new_token():
    """The documented answer."""
    assert parse_renewal({"dhanClientId": "1", "accessToken": "eyJ.a.b", "expiryTime": "x"}) == "eyJ.a.b"
