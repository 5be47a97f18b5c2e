"""Telegram's HTML: what it takes, what it makes of it, what it refuses."""

from __future__ import annotations

import html
from typing import Any

import pytest
from aiogram.types import MessageEntity
from aiogram.utils.text_decorations import html_decoration
from hypothesis import given
from hypothesis import strategies as st

from sandbox.telegram_entities import plain, utf16_length
from sandbox.telegram_html import BadMarkup, parse_html


def spans(source: str) -> tuple[str, list[tuple[Any, ...]]]:
    """Parse, and show entities as (type, offset, length)."""
    formatted = parse_html(source)
    return formatted.text, [(e["type"], e["offset"], e["length"]) for e in formatted.entities]


ACCEPTED = [
    ("<b>a</b><strong>b</strong>", "ab", [("bold", 0, 1), ("bold", 1, 1)]),
    ("<i>a</i><em>b</em>", "ab", [("italic", 0, 1), ("italic", 1, 1)]),
    ("<u>a</u><ins>b</ins>", "ab", [("underline", 0, 1), ("underline", 1, 1)]),
    ("<s>a</s><strike>b</strike><del>c</del>", "abc", [("strikethrough", n, 1) for n in range(3)]),
    ("<tg-spoiler>x</tg-spoiler>", "x", [("spoiler", 0, 1)]),
    ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
    ("<B>a</B>", "a", [("bold", 0, 1)]),
    ("<b>a</>", "a", [("bold", 0, 1)]),
    ("<b>a</b  >", "a", [("bold", 0, 1)]),
    ("<b><i>x</i>y</b>", "xy", [("bold", 0, 2), ("italic", 0, 1)]),
    ("<b></b>x", "x", []),
    ("1 &lt; 2 &amp;&amp; &quot;3&quot; &gt; 2", '1 < 2 && "3" > 2', []),
    ("&#8377;5 &#x20B9;6", "₹5 ₹6", []),
    ("M&M &nbsp; &copy; &", "M&M &nbsp; &copy; &", []),
    ("&#0;&#x110000;", "&#0;&#x110000;", []),
    ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
    ("<b>1<code>2</code>3</b>", "123", [("bold", 0, 1), ("code", 1, 1), ("bold", 2, 1)]),
    ("<pre><b>x</b></pre>", "x", [("pre", 0, 1)]),
    ("<code><pre>x</pre></code>", "x", [("pre", 0, 1)]),
    ("<blockquote>a<blockquote>b</blockquote></blockquote>", "ab", [("blockquote", 0, 2)]),
    (
        "<b><blockquote><code>1</code>2</blockquote>3</b>",
        "123",
        [("blockquote", 0, 2), ("code", 0, 1), ("bold", 1, 1), ("bold", 2, 1)],
    ),
    ("<blockquote expandable>a</blockquote>", "a", [("expandable_blockquote", 0, 1)]),
    ("  \n a <b>b</b> \n", "a b", [("bold", 2, 1)]),
    ("<pre>  12\n   3</pre>", "  12\n   3", [("pre", 0, 9)]),
    ("<b>x \n</b>", "x", [("bold", 0, 1)]),
    ("try /exit now", "try /exit now", [("bot_command", 4, 5)]),
    ("<code>/exit</code> a/b 9:20/30", "/exit a/b 9:20/30", [("code", 0, 5)]),
    ("<b>a /ex</b>it", "a /exit", [("bold", 0, 5)]),
    (
        "<b>/exit</b> /s<i>top</i>",
        "/exit /stop",
        [("bold", 0, 5), ("bot_command", 0, 5), ("bot_command", 6, 5), ("italic", 8, 3)],
    ),
    ("see https://example.org/x.", "see https://example.org/x.", [("url", 4, 21)]),
    ("<a href='https://example.org/?a=1&amp;b=2'>x</a>", "x", [("text_link", 0, 1)]),
    ("<a href='javascript:alert(1)'>x</a>", "x", []),
    ("<a>example.org</a>", "example.org", [("text_link", 0, 11)]),
]


@pytest.mark.parametrize(("source", "text", "entities"), ACCEPTED, ids=[case[0] for case in ACCEPTED])
def test_markup_becomes_text_and_entities(source, text, entities):
    """Each allowed tag and reference gives the text and the UTF-16 spans that Telegram gives."""
    assert spans(source) == (text, entities)


REFUSED = [
    ("a < b", 'Unsupported start tag "" at byte offset 2'),
    ("₹ <div>", 'Unsupported start tag "div" at byte offset 4'),
    ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
    ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
    ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
    ("x</b>", "Unexpected end tag at byte offset 1"),
    ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
    ("<strong>x</b>", 'Unmatched end tag at byte offset 9, expected "</strong>", found "</b>"'),
    ("a <b", "Unclosed start tag at byte offset 2"),
    ("<a href", "Unclosed start tag at byte offset 0"),
    ("<a href=", "Unclosed start tag at byte offset 0"),
    ("<a href='x", "Unclosed start tag at byte offset 0"),
    ("<b>x</b", "Unclosed end tag at byte offset 4"),
    ("<b>x</b y>", "Unclosed end tag at byte offset 4"),
    ("<a href=x:y>", "Unexpected end of name token at byte offset 8"),
    ("<a ='x'>", 'Empty attribute name in the tag "a" at byte offset 3'),
    ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ("<tg-time>x</tg-time>", 'Tag "tg-time" must have a valid attribute "unix" at byte offset 0'),
    ("<tg-time unix='soon'>x</tg-time>", 'Tag "tg-time" must have a valid attribute "unix" at byte offset 0'),
    (
        "<tg-time unix='1' format='rt'>x</tg-time>",
        'Invalid date-time format specified in the tag "tg-time" at byte offset 0',
    ),
    ("<tg-emoji>x</tg-emoji>", 'Tag "tg-emoji" must have a valid attribute "emoji-id" at byte offset 0'),
]


@pytest.mark.parametrize(("source", "words"), REFUSED, ids=[case[0] for case in REFUSED])
def test_faulty_markup_is_refused_where_it_is_wrong(source, words):
    """What Telegram would not parse is refused with the fault and its byte offset."""
    with pytest.raises(BadMarkup) as refused:
        parse_html(source)
    assert str(refused.value) == words


def test_a_relative_time_carries_its_moment_and_format():
    """A tg-time becomes a date_time entity that the phone renders by itself."""
    (entity,) = parse_html('<tg-time unix="1770090643" format="r">in 43 s</tg-time>').entities
    assert (entity["unix_time"], entity["date_time_format"]) == (1770090643, "r")


def test_a_code_block_remembers_its_language():
    """Pre around code with a language class is one entity; inline code alone has no language."""
    (block,) = parse_html('<pre><code class="language-sql">x</code></pre>').entities
    (inline,) = parse_html('<code class="language-sql">x</code>').entities
    assert (block["type"], block["language"]) == ("pre", "sql")
    assert "language" not in inline


def test_a_custom_emoji_keeps_its_id():
    """The emoji inside the tag is the fallback; the id goes into the entity."""
    (entity,) = parse_html('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>').entities
    assert (entity["custom_emoji_id"], entity["length"]) == ("5368324170671202286", 2)


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text):
    """Whatever a person names a thing, once escaped it is shown as it is."""
    assert parse_html(html.escape(text, quote=False)) == plain(text)


@given(st.text(alphabet=st.sampled_from("<>/&;=\"' abi#x1tg-")))
def test_any_input_is_parsed_or_refused(source):
    """No markup, however broken, gives another error than BadMarkup, nor an entity outside the text."""
    try:
        formatted = parse_html(source)
    except BadMarkup:
        return
    total = utf16_length(formatted.text)
    assert all(0 <= e["offset"] < e["offset"] + e["length"] <= total for e in formatted.entities)


MARKUP = st.recursive(
    st.text("a/b <&😀\n₹").map(lambda words: html.escape(words, quote=False)),
    lambda inner: st.builds(
        "<{0}>{1}</{0}>{2}".format,
        st.sampled_from(["b", "i", "u", "s", "tg-spoiler", "code", "pre", "blockquote"]),
        inner,
        inner,
    ),
)


@given(MARKUP)
def test_entities_lie_apart_or_one_inside_the_other(source):
    """No two entities overlap in part, whatever was nested in what: clients rely on it."""
    spans_ = [(e["offset"], e["offset"] + e["length"]) for e in parse_html(source).entities]
    for a_start, a_end in spans_:
        assert not any(a_start < b_start < a_end < b_end for b_start, b_end in spans_)


@given(MARKUP)
def test_aiogram_writes_the_same_markup_back(source):
    """Text and entities turned into HTML by aiogram, a second opinion, parse to the same again."""
    formatted = parse_html(source)
    entities = [MessageEntity.model_validate(entity) for entity in formatted.entities]
    assert parse_html(html_decoration.unparse(formatted.text, entities)) == formatted
