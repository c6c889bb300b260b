"""The page's texts: mrkdwn, rich text and times, as Slack's clients show them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.page.emoji import with_emoji
from sandbox.page.moments import Moments
from sandbox.page.mrkdwn import Mrkdwn
from sandbox.page.names import Names
from sandbox.page.rich_text import rich_text

NAMES = Names(
    users={"U1": "Analyst", "U2": "<!channel> & <script>alert(1)</script>"},
    channels={"C1": "security"},
    groups={"S1": "security-team"},
)
NOW = datetime(2023, 11, 14, 22, 30, tzinfo=UTC)
MOMENTS = Moments(zone=UTC, now=NOW)
READER = Mrkdwn(names=NAMES, moments=MOMENTS)


def a(address: str, label: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{label}</a>'


def mention(name: str) -> str:
    return f'<span class="mention">{name}</span>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _italic_ ~struck~ `code`", "<strong>bold</strong> <em>italic</em> <s>struck</s> <code>code</code>"),
        ("*_both_*", "<strong><em>both</em></strong>"),
        ("a*b*c snake_case_name 2 * 3 * 4", "a*b*c snake_case_name 2 * 3 * 4"),
        ("* not bold * and ** neither", "* not bold * and ** neither"),
        ("(*bold*), “_it_”", "(<strong>bold</strong>), “<em>it</em>”"),
        ("*over\nlines*", "*over<br>lines*"),
        ("`*not bold*`", "<code>*not bold*</code>"),
        ("*<https://example.com/a*b|a link>*", f"<strong>{a('https://example.com/a*b', 'a link')}</strong>"),
        ("<https://example.com>", a("https://example.com", "https://example.com")),
        ("<https://example.com/?a=1&amp;b=2|see>", a("https://example.com/?a=1&amp;b=2", "see")),
        ("<mailto:who@example.com|who@example.com>", a("mailto:who@example.com", "who@example.com")),
        ("see https://example.com/x.", f"see {a('https://example.com/x', 'https://example.com/x')}."),
        ("<@U1> <@U1|analyst> <@U404>", f"{mention('@Analyst')} {mention('@Analyst')} {mention('@U404')}"),
        ("<#C1> <#C404|gone>", f"{mention('#security')} {mention('#gone')}"),
        ("<!subteam^S1> <!subteam^S404|@them>", f"{mention('@security-team')} {mention('@them')}"),
        ("<!here>", '<span class="mention loud">@here</span>'),
        ("<!channel|channel>", '<span class="mention loud">@channel</span>'),
        (":wave: :not_an_emoji: 10:30:45", "👋 :not_an_emoji: 10:30:45"),
        ("> one\n> two\nthree", "<blockquote>one<br>two</blockquote>three"),
        ("&gt; one\nbeside", "<blockquote>one</blockquote>beside"),
        ("before\n>>> all\nthe rest", "before<blockquote>all<br>the rest</blockquote>"),
        ("see:\n```\n*a* &lt;b&gt;\n  c\n```\nafter", "see:<pre>*a* &lt;b&gt;\n  c</pre>after"),
        ("```no end", "```no end"),
        ("", ""),
    ],
)
def test_mrkdwn_comes_out_as_slack_shows_it(text, html):
    assert READER.html(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("&lt;!channel&gt; &amp; &lt;script&gt;", "&lt;!channel&gt; &amp; &lt;script&gt;"),
        ("&amp;lt;b&amp;gt;", "&amp;lt;b&amp;gt;"),
        ("&quot;&#60;", "&amp;quot;&amp;#60;"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
        ("<data:text/html,x|click>", "&lt;data:text/html,x|click&gt;"),
        ("<http://[|broken>", "&lt;http://[|broken&gt;"),
        ('<https://example.com/"onclick=x|a>', a("https://example.com/&#34;onclick=x", "a")),
        ("<https://example.com|<b>", f"&lt;{a('https://example.com', 'https://example.com')}|&lt;b&gt;"),
        ("<@U2>", mention("@&lt;!channel&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;")),
        ("`<@U2>`", f"<code>{mention('@&lt;!channel&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;')}</code>"),
        ("*&lt;b&gt;*", "<strong>&lt;b&gt;</strong>"),
        ("<!unknown|<b>", "&lt;!unknown|&lt;b&gt;"),
        ("<!unknown>", "&lt;!unknown&gt;"),
    ],
)
def test_whatever_is_not_markup_is_text_and_entities_are_undone_once(text, html):
    assert READER.html(text) == html


def test_a_name_that_was_written_with_entities_is_shown_as_it_is_called():
    names = Names(users={"U1": "A &lt;b&gt; &amp; c"})
    shown = Mrkdwn(names=names, moments=MOMENTS).html("<@U1>")
    assert shown == mention("@A &amp;lt;b&amp;gt; &amp;amp; c")


def test_verbatim_text_makes_no_links():
    assert READER.html("https://example.com", verbatim=True) == "https://example.com"


def test_a_long_text_of_opening_marks_is_read_in_no_time():
    assert len(READER.html("*<_~`" * 600)) > 3000


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("{date_num} {time_secs}", "2023-11-14 22:13:20"),
        ("{date}", "November 14th, 2023"),
        ("{date_short}", "Nov 14, 2023"),
        ("{date_long}", "Tuesday, November 14th, 2023"),
        ("{date_short_pretty} at {time}", "today at 22:13"),
        ("{ago}", "16 minutes ago"),
        ("{date_slash}", "11/14/2023"),
    ],
)
def test_a_date_token_is_written_for_the_reader(form, text):
    assert MOMENTS.written(1_700_000_000, form) == text
    assert f">{text}</time>" in READER.html(f"<!date^1700000000^{form}|later>")


def test_a_date_is_in_the_readers_zone():
    moments = Moments(zone=ZoneInfo("Asia/Tokyo"), now=NOW)
    assert moments.written(1_700_000_000, "{date_short_pretty} {time}") == "today 07:13"
    assert moments.clock("1700000000.000100") == "07:13"


@pytest.mark.parametrize(
    "text",
    ["<!date^soon^{time}|later>", "<!date^1^{moon}|later>", "<!date^99999999999999999^{time}|later>", "<!date^|later>"],
)
def test_a_date_that_cannot_be_written_shows_its_fallback(text):
    assert READER.html(text) == "later"


def test_a_date_may_be_a_link():
    shown = READER.html("<!date^1700000000^{time}^https://example.com|later>")
    assert shown.startswith('<a href="https://example.com"')
    assert "<a" not in READER.html("<!date^1700000000^{time}^javascript:x|later>")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_700_000_000, "22:13:20"),
        ("2023-11-14T22:13:20.000Z", "22:13:20"),
        ("1699000000", "3 Nov 08:26"),
        (None, "never"),
        ("nonsense", "never"),
        (True, "never"),
        (1e30, "never"),
    ],
)
def test_a_time_in_the_corner_is_short(value, text):
    assert MOMENTS.brief(value) == text


def test_days_near_now_have_names():
    assert MOMENTS.day(1_700_000_000) == "Today"
    assert MOMENTS.day(1_700_000_000 - 86_400) == "Yesterday"
    assert MOMENTS.day(1_700_000_000 - 864_000) == "Saturday, 4 November"


def test_emoji_with_a_skin_tone_lose_it_and_unknown_ones_stay():
    assert with_emoji(":+1::skin-tone-3: :nope:") == "👍 :nope:"


def rich(*elements: Any) -> str:
    return rich_text({"type": "rich_text", "elements": list(elements)}, READER)


def section(*elements: Any) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def words(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, "style": style}


def test_rich_text_has_styles_and_is_escaped():
    shown = rich(
        section(words("a <b> & *c*\n"), words("d", bold=True, italic=True, strike=True), words("e", code=True))
    )
    assert shown == "<p>a &lt;b&gt; &amp; *c*<br><s><em><strong>d</strong></em></s><code>e</code></p>"


def test_rich_text_names_people_channels_groups_and_everybody():
    shown = rich(
        section(
            {"type": "user", "user_id": "U2"},
            {"type": "channel", "channel_id": "C1"},
            {"type": "usergroup", "usergroup_id": "S1"},
            {"type": "broadcast", "range": "channel"},
        )
    )
    assert "@&lt;!channel&gt; &amp; &lt;script&gt;" in shown
    assert "#security" in shown
    assert "@security-team" in shown
    assert '<span class="mention loud">@channel</span>' in shown


def test_rich_text_has_links_emoji_dates_and_colours():
    shown = rich(
        section(
            {"type": "link", "url": "https://example.com/?a=1&b=2", "text": "see"},
            {"type": "link", "url": "javascript:alert(1)", "text": "no"},
            {"type": "emoji", "name": "tada"},
            {"type": "emoji", "name": "custom", "unicode": "1f468-200d-1f4bb"},
            {"type": "emoji", "name": "custom"},
            {"type": "date", "timestamp": 1_700_000_000, "format": "{time}", "fallback": "then"},
            {"type": "date", "timestamp": 1_700_000_000, "format": "{moon}", "fallback": "then"},
            {"type": "color", "value": "#ff0000"},
        )
    )
    expected = a("https://example.com/?a=1&amp;b=2", "see") + "no🎉👨‍💻:custom:22:13then<code>#ff0000</code>"
    assert shown == f"<p>{expected}</p>"


def test_rich_text_has_lists_quotes_and_preformatted_text():
    bullets = {"type": "rich_text_list", "style": "bullet", "elements": [section(words("one")), section(words("two"))]}
    numbers = {
        "type": "rich_text_list",
        "style": "ordered",
        "indent": 1,
        "offset": 2,
        "elements": [section(words("c"))],
    }
    shown = rich(
        bullets,
        numbers,
        {"type": "rich_text_quote", "elements": [words("said")]},
        {"type": "rich_text_preformatted", "elements": [words("x\n  <y>")]},
    )
    assert shown == (
        '<ul class="indent-0"><li>one</li><li>two</li></ul>'
        '<ol class="indent-1" start="3" type="a"><li>c</li></ol>'
        "<blockquote>said</blockquote><pre>x\n  &lt;y&gt;</pre>"
    )


@pytest.mark.parametrize("elements", [None, "text", [None, 3], [{"type": "rich_text_section", "elements": 7}], [{}]])
def test_rich_text_that_is_not_as_it_should_be_does_not_break_the_page(elements):
    assert "error" not in rich_text({"type": "rich_text", "elements": elements}, READER)
