"""Wrong flows: every Problem with its place and what to do about it."""

import pytest

from flows.days import DAYS
from flows.templates import parse
from tests.flows.shop import HEAD, TABLES, catalog, flow

KNOWN = catalog()

WRONG = [
    pytest.param(
        flow("[{stop: done, say: x}]", when="when: {at: '9 am', days: caturday, time zone: Berlin}"),
        [
            ("when/0/at", "write a time of day such as 09:00 or 17:30", ""),
            (
                "when/0/days/0",
                f"caturday is none of {', '.join(DAYS)}",
                "did you mean saturday?",
            ),
            ("when/0/time zone", "there is no time zone 'Berlin'; write one such as Europe/Berlin", ""),
        ],
        id="no time",
    ),
    pytest.param(
        flow("[{stop: done, say: x}]", when="when: {at: '{{ settings.shop }}', days: '{{ event.days }}'}"),
        [
            (
                "when/0/at",
                "{{ settings.shop }} is no reference to a setting of the type time of day",
                "such as {{ settings.at }}",
            ),
            (
                "when/0/days",
                "{{ event.days }} is no reference to a setting of the type days",
                "such as {{ settings.days }}",
            ),
        ],
        id="a time of something else",
    ),
    pytest.param(
        flow("[{stop: done, say: x, sya: y}]"),
        [("steps/0/sya", "`sya:` is not known here", "did you mean say?")],
        id="unknown key",
    ),
    pytest.param(
        flow("[{ask: x, id: q, choices: [a], within: 1h, otherwise: a}]"),
        [("steps/0/in", "`in:` is missing", "")],
        id="missing",
    ),
    pytest.param(
        flow("[{stop: dne, say: x}]"),
        [("steps/0/stop", "dne is none of done, failed", "did you mean done?")],
        id="literal",
    ),
    pytest.param(
        flow("[{doo: shop.look}]"),
        [
            (
                "steps/0",
                "a step has exactly one of `do:`, `ask:`, `answer:`, `show:`, `invite:`, `hear:`, `if:`, `each:`, `wait:`, `set:`, `call:`, `stop:`",
                "did you mean do?",
            )
        ],
        id="no kind",
    ),
    pytest.param(
        flow("[{do: shop.look, wait: 1h}]"),
        [
            (
                "steps/0",
                "a step has exactly one of `do:`, `ask:`, `answer:`, `show:`, `invite:`, `hear:`, `if:`, `each:`, `wait:`, `set:`, `call:`, `stop:`",
                "it has `do:` and `wait:`",
            )
        ],
        id="two kinds",
    ),
    pytest.param(
        flow("[{id: Not OK, wait: 1h}]"),
        [("steps/0/id", "Not OK is no name of the right form", "small letters, digits and _, beginning with a letter")],
        id="bad id",
    ),
    pytest.param(
        flow("[{do: refund}]"),
        [("steps/0/do", "refund is no name of the right form", "connector.name, such as auth0.block_user")],
        id="bad action",
    ),
    pytest.param(
        flow("[{id: a, set: {Big: 1}}]"),
        [
            (
                "steps/0/set/Big",
                "Big is no name of the right form",
                "small letters, digits and _, beginning with a letter",
            )
        ],
        id="bad set name",
    ),
    pytest.param(
        flow("[{each: [], steps: []}]"), [("steps/0/steps", "at least 1 must stand here", "")], id="empty each"
    ),
    pytest.param(
        flow("[{each: [a], at once: 99, steps: [{wait: 1h}]}]"),
        [("steps/0/at once", "99 is too large: at most 50, please", "")],
        id="at once",
    ),
    pytest.param(flow("[{wait: [1]}]"), [("steps/0/wait", "a text is needed here", "")], id="wait shape"),
    pytest.param(
        flow("[{wait: {until: 5, untl: 6}}]"),
        [("steps/0/wait/untl", "`untl:` is not known here", "did you mean until?")],
        id="wait until",
    ),
    pytest.param(
        flow(
            "[{do: shop.look, using: $ACCOUNT, with: {order: abc}, on error: {try again: {errors: [latr], attempts: many}}}]"
        ),
        [
            ("steps/0/on error/try again/attempts", "a whole number is needed here", ""),
            (
                "steps/0/on error/try again/errors/0",
                "latr is none of later, ambiguous, missing, refused, reconnect",
                "did you mean later?",
            ),
        ],
        id="retry",
    ),
    pytest.param(
        flow("[{wait: 1h, on error: {give: {a: 1}, steps: [{wait: 1h}]}}]"),
        [("steps/0/on error", "after an error a flow goes on with `give:` or with `steps:`, not with both", "")],
        id="on error both",
    ),
    pytest.param(
        flow("[{wait: 1h, on error: {}}]"),
        [("steps/0/on error", "say `try again:`, `give:` or `steps:`", "")],
        id="on error empty",
    ),
    pytest.param(
        flow("[{wait: 1h, on error: {only for: [missing], try again: {}}}]"),
        [("steps/0/on error", "`only for:` is about `give:` or `steps:`", "")],
        id="on error only for nothing",
    ),
    pytest.param(
        flow("[{if: [{left: 1, iss: 1}], then: []}]"),
        [
            (
                "steps/0/if/0",
                "a condition is `left:` and exactly one of `is:`, `is not:`, `is one of:`, `contains:`, `starts with:`, `ends with:`, `matches:`, `less than:`, `greater than:`, `at least:`, `at most:`, `before:`, `after:`, `exists:`, `is empty:`",
                "did you mean is?",
            )
        ],
        id="operator unknown",
    ),
    pytest.param(
        flow('[{if: [{any: [{not: {left: 1, matches: "("}}]}], then: []}]'),
        [("steps/0/if/0/any/0/not", "not a regular expression of the RE2 kind: missing ): (", "")],
        id="nested cond",
    ),
    pytest.param(
        flow("[{if: [{left: 1, is: 1}], then: [], else if: [{if: [{left: 1, is: 1}]}]}]"),
        [("steps/0/else if/0/then", "`then:` is missing", "")],
        id="else if",
    ),
    pytest.param(
        flow(when="when: {evnt: shop.ordered}"),
        [
            (
                "when/0",
                "a trigger has exactly one of `event:`, `cron:`, `at:`, `every:`, `by hand:`, `called:`",
                "did you mean event?",
            )
        ],
        id="trigger unknown",
    ),
    pytest.param(
        flow(when="when: {by hand: {who: {type: txt, title: Who}}}"),
        [
            (
                "when/0/by hand/who",
                "a field needs `connection:`, or a `type:` of channel, text, number, yes or no, choice, choices, duration, pick, time of day, days or time zone",
                "did you mean text?",
            )
        ],
        id="field kind",
    ),
    pytest.param(
        flow(
            when="when:\n  by hand:\n"
            '    shelf: {type: pick, from: shop.shelfs, using: "{{ settings.account }}", title: Shelf}\n'
            '    item: {type: pick, from: shop.items, using: "{{ settings.acount }}", title: Item}\n'
            '    other: {type: pick, from: shop.shelves, of: x, using: "{{ settings.help }}", title: Other}\n'
        ),
        [
            ("when/0/by hand/shelf/from", "nothing is picked from shop.shelfs", "did you mean shop.shelves?"),
            (
                "when/0/by hand/item/using",
                "this must refer to a connection setting",
                "did you mean account?",
            ),
            ("when/0/by hand/item/of", "shop.items needs a shelf, such as A1", ""),
            (
                "when/0/by hand/other/using",
                "help is a connection to desk, and shop is needed",
                "a setting with `connection: shop`",
            ),
            ("when/0/by hand/other/of", "shop.shelves is of nothing", "leave `of:` out"),
        ],
        id="nothing to pick from",
    ),
    pytest.param(
        flow(
            head="template: a\nversion: 1\ntitle: A\nabout: x\nsettings:\n"
            "  account: {connection: shop, title: Shop, optional: true}\n"
            '  shelf: {type: pick, from: shop.shelves, using: "{{ settings.account }}", title: Shelf}\n',
            when="when: {by hand: {}}",
        ),
        [("settings/shelf", "account may be left empty, and then there is nothing to pick from", "optional: true")],
        id="nothing to pick from yet",
    ),
    pytest.param(
        flow(when="when: {called: {who: {type: text}}}"),
        [("when/0/called/who/title", "`title:` is missing", "")],
        id="field missing",
    ),
    pytest.param(
        flow(when="when: {by hand: {who: {type: text, title: Who, optionl: true}}}"),
        [("when/0/by hand/who/optionl", "`optionl:` is not known here", "did you mean optional?")],
        id="field extra",
    ),
    pytest.param(
        flow(when="when: {event: shop.ordered, from: $ACCOUNT, answers: {within: 1h}}"),
        [("when/0/answers/within", "at most 9 seconds, please", "")],
        id="answers too long",
    ),
    pytest.param(
        flow(more="limits: {changes: {per run: [1], perday: 5}}"),
        [
            ("limits/changes/per run", "a whole number is needed here", ""),
            ("limits/changes/perday", "`perday:` is not known here", "did you mean per day?"),
        ],
        id="cap shape",
    ),
    pytest.param(
        flow(more="runs: {mode: serial}"),
        [("runs/mode", "serial is none of parallel, single, queued, restart", "")],
        id="runs mode",
    ),
    pytest.param(
        flow(more="tables: {a: {columns: {b: txt}}}"),
        [("tables/a/columns/b", "txt is none of text, number, boolean, time, json", "did you mean text?")],
        id="column type",
    ),
    pytest.param(
        flow("[{do: shop.loook, using: $ACCOUNT}]"),
        [("steps/0/do", "there is no action shop.loook", "did you mean shop.look?")],
        id="action",
    ),
    pytest.param(
        flow(when="when: {event: shop.orderd, from: $ACCOUNT}"),
        [("when/0/event", "there is no event shop.orderd", "did you mean shop.ordered?")],
        id="event",
    ),
    pytest.param(
        flow(when="when: {by hand: {a: {connection: shp, title: A}}}"),
        [("when/0/by hand/a/connection", "there is no connector shp", "did you mean shop?")],
        id="connector",
    ),
    pytest.param(
        flow(when='when: {event: shop.ordered, from: "{{ settings.acount }}"}'),
        [("when/0/from", "this must refer to a connection setting", "did you mean account?")],
        id="from",
    ),
    pytest.param(
        flow(when='when: {event: shop.ordered, from: "{{ settings.room }}"}'),
        [
            (
                "when/0/from",
                "this must refer to a connection setting",
                "for instance {{ settings.shop }}, with a setting shop: {connection: shop}",
            )
        ],
        id="from room",
    ),
    pytest.param(
        flow('[{do: shop.look, using: "{{ settings.help }}", with: {order: abc}}]'),
        [("steps/0/using", "help is a connection to desk, and shop is needed", "a setting with `connection: shop`")],
        id="using desk",
    ),
    pytest.param(
        flow("[{do: shop.look, with: {order: abc}}]"),
        [
            (
                "steps/0/using",
                "shop.look needs to know which connection to use",
                "using: a reference to a connection setting",
            )
        ],
        id="using none",
    ),
    pytest.param(
        flow("[{do: text.upper, using: $ACCOUNT, with: {text: abc}}]"),
        [("steps/0/using", "text.upper needs no connection", "leave `using:` out")],
        id="using unneeded",
    ),
    pytest.param(
        flow("[{do: shop.look, using: $ACCOUNT}]"),
        [("steps/0/with/order", "shop.look needs order", "Which order.")],
        id="input missing",
    ),
    pytest.param(
        flow("[{do: shop.look, using: $ACCOUNT, with: {ordr: abc, order: abc}}]"),
        [("steps/0/with/ordr", "shop.look knows no ordr", "did you mean order?")],
        id="input unknown",
    ),
    pytest.param(
        flow("[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, why: brken}}]"),
        [("steps/0/with/why", "brken is none of late, broken", "did you mean broken?")],
        id="const literal",
    ),
    pytest.param(
        flow("[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 0}}]"),
        [("steps/0/with/amount", "0 is too small: at least 1, please", "")],
        id="const bound",
    ),
    pytest.param(
        flow("[{do: shop.refund, using: $ACCOUNT, with: {order: 5, amount: lots}}]"),
        [
            ("steps/0/with/order", "a text is needed here", ""),
            ("steps/0/with/amount", "a whole number is needed here", ""),
        ],
        id="const type",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, tags: [a, 5, "{{ event.id }}"]}}]'),
        [("steps/0/with/tags/1", "a text is needed here", "")],
        id="const inner",
    ),
    pytest.param(
        flow(
            '[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, notes: {a: b, c: "{{ event.total }}"}}}]'
        ),
        [("steps/0/with/notes/a", "a whole number is needed here", "")],
        id="const names",
    ),
    pytest.param(
        flow("[{do: shop.look, using: $ACCOUNT, with: {order: a}}]"),
        [("steps/0/with/order", "at least 2 characters must stand here", "")],
        id="const short",
    ),
    pytest.param(
        flow('[{do: shop.look, using: $ACCOUNT, with: {order: "{{ event.customer.tags }}"}}]'),
        [("steps/0/with/order", "{{ event.customer.tags }} is a list, and shop.look needs a text", "Which order.")],
        id="ref list for text",
    ),
    pytest.param(
        flow('[{do: shop.look, using: $ACCOUNT, with: {order: "{{ event.total }}"}}]'),
        [("steps/0/with/order", "{{ event.total }} is a number, and shop.look needs a text", "Which order.")],
        id="ref number for text",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: "{{ event.customer }}"}}]'),
        [
            (
                "steps/0/with/amount",
                "{{ event.customer }} is names with values, and shop.refund needs a number",
                "How much.",
            )
        ],
        id="ref names for number",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, tags: "{{ event.id }}"}}]'),
        [("steps/0/with/tags", "{{ event.id }} is a text, and shop.refund needs a list", "")],
        id="ref text for list",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, tags: [["{{ event.id }}"]]}}]'),
        [("steps/0/with/tags", "this is a list (each a list), and shop.refund needs a list (each a text)", "")],
        id="ref list items",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, why: "{{ event.level }}"}}]'),
        [("steps/0/with/why", "{{ event.level }} is low or high, and shop.refund needs late or broken", "")],
        id="ref literals",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, notes: "about {{ event.id }}"}}]'),
        [("steps/0/with/notes", "this is a text, and shop.refund needs names with values", "")],
        id="text for names",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ event.custmer.email }}"}]'),
        [
            (
                "steps/0/say",
                "{{ event.custmer.email }} points nowhere: there is no custmer in event",
                "did you mean customer?",
            )
        ],
        id="event name",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ event.customer.email.host }}"}]'),
        [
            (
                "steps/0/say",
                "{{ event.customer.email.host }} points nowhere: there is no host in event.customer.email",
                "",
            )
        ],
        id="inside text",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ evnt.id }}"}]'),
        [("steps/0/say", "{{ evnt.id }} points nowhere: there is no evnt", "did you mean event?")],
        id="first word",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ event.id | upper }}"}]'),
        [("steps/0/say", "{{ event.id | upper }} is no reference", "write {{ event.user.email }}")],
        id="no reference",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ settings.grating }}"}]'),
        [
            (
                "steps/0/say",
                "{{ settings.grating }} points nowhere: there is no grating in settings",
                "did you mean greeting?",
            )
        ],
        id="setting",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ steps.order.id }}"}, $LOOK]'),
        [("steps/0/say", "{{ steps.order.id }} points nowhere: there is no order in steps", "")],
        id="later step",
    ),
    pytest.param(
        flow('[$LOOK, {stop: done, say: "{{ steps.order.totl }}"}]'),
        [
            (
                "steps/1/say",
                "{{ steps.order.totl }} points nowhere: there is no totl in steps.order",
                "did you mean total?",
            )
        ],
        id="output",
    ),
    pytest.param(
        flow(
            '[{id: q, ask: x, in: C1, choices: [a], within: 1h, otherwise: a}, {stop: done, say: "{{ steps.q.chioce }}"}]'
        ),
        [("steps/1/say", "{{ steps.q.chioce }} points nowhere: there is no chioce in steps.q", "did you mean choice?")],
        id="choice",
    ),
    pytest.param(
        flow(
            '[{stop: done, say: "{{ event.reson }} {{ event.scheduled_for }} {{ event.id }}"}]',
            when="when: [{event: shop.ordered, from: $ACCOUNT}, {event: shop.returned, from: $ACCOUNT}, {cron: 0 9 * * *}]",
        ),
        [("steps/0/say", "{{ event.reson }} points nowhere: there is no reson in event", "did you mean reason?")],
        id="several triggers",
    ),
    pytest.param(
        flow(
            '[{stop: done, say: "{{ event.whom }} {{ event.by }} {{ event.who }}"}]',
            when="when: {by hand: {who: {type: text, title: Who}}}",
        ),
        [("steps/0/say", "{{ event.whom }} points nowhere: there is no whom in event", "did you mean who?")],
        id="by hand",
    ),
    pytest.param(
        flow(
            '[{if: [{left: "{{ event.total }}", less than: 5}], then: [$LOOK]}, {stop: done, say: "{{ steps.order.id }}"}]'
        ),
        [
            (
                "steps/1/say",
                "{{ steps.order.id }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            )
        ],
        id="branch",
    ),
    pytest.param(
        flow(
            '[{if: [{left: "{{ event.total }}", less than: 5}], then: [$LOOK], else: [{stop: done, say: "{{ steps.order.id }}"}]}]'
        ),
        [("steps/0/else/0/say", "{{ steps.order.id }} points nowhere: there is no order in steps", "")],
        id="other branch",
    ),
    pytest.param(
        flow(
            '[{if: [{left: "{{ event.total }}", less than: 5}], then: [$LOOK]}, {if: [{any: [{left: "{{ steps.order }}", exists: true}]}], then: [{stop: done, say: "{{ steps.order.id }}"}]}]'
        ),
        [
            (
                "steps/1/then/0/say",
                "{{ steps.order.id }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            )
        ],
        id="guard any",
    ),
    pytest.param(
        flow(
            '[{if: [{left: "{{ event.total }}", less than: 5}], then: [$LOOK]}, {if: [{left: "{{ steps.order }}", exists: false}], then: [{stop: done, say: "{{ steps.order.id }}"}]}]'
        ),
        [
            (
                "steps/1/then/0/say",
                "{{ steps.order.id }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            )
        ],
        id="guard false",
    ),
    pytest.param(
        flow(
            '[{if: [{left: "{{ event.total }}", less than: 5}], then: [$LOOK]}, {if: [{left: "{{ steps.order }}", exists: true}], then: [], else: [{stop: done, say: "{{ steps.order.id }}"}]}]'
        ),
        [
            (
                "steps/1/else/0/say",
                "{{ steps.order.id }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            )
        ],
        id="guard else",
    ),
    pytest.param(
        flow(
            '[{if: [{left: 1, is: 1}], then: [], else if: [{if: [{left: 1, is: 2}], then: [$LOOK]}]}, {stop: done, say: "{{ steps.order.id }}"}]'
        ),
        [
            (
                "steps/1/say",
                "{{ steps.order.id }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            )
        ],
        id="else if branch",
    ),
    pytest.param(
        flow(
            '[{if: [{left: 1, is: 1}], then: [$LOOK]}, {if: [{left: "{{ steps.order.total }}", at least: 5}], then: []}]'
        ),
        [
            (
                "steps/1/if/0/left",
                "{{ steps.order.total }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            )
        ],
        id="unsure compared",
    ),
    pytest.param(
        flow(
            '[{id: order, do: shop.look, using: $ACCOUNT, with: {order: abc}, on error: {steps: [{id: sad, set: {a: "{{ error.message }}"}}]}}, {stop: done, say: "{{ steps.order.id }} {{ steps.sad.a }}"}]'
        ),
        [
            (
                "steps/1/say",
                "{{ steps.order.id }}: steps.order may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order }}", exists: true}',
            ),
            (
                "steps/1/say",
                "{{ steps.sad.a }}: steps.sad may not have run here",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.sad }}", exists: true}',
            ),
        ],
        id="on error steps",
    ),
    pytest.param(
        flow(
            '[{id: order, do: shop.look, using: $ACCOUNT, with: {order: abc}, on error: {give: {id: none}}}, {stop: done, say: "{{ steps.order.id }} {{ steps.order.total }}"}]'
        ),
        [
            (
                "steps/1/say",
                "{{ steps.order.total }}: steps.order.total may not be there, because its step may have failed",
                'guard it: put it in the `then` of an `if` with {left: "{{ steps.order.total }}", exists: true}',
            )
        ],
        id="on error give",
    ),
    pytest.param(
        flow('[{stop: done, say: "{{ error.message }}"}]'),
        [
            (
                "steps/0/say",
                "{{ error.message }} points nowhere: there is no error",
                "there is event, run, settings, steps",
            )
        ],
        id="error outside",
    ),
    pytest.param(
        flow('[{wait: 1h, on error: {steps: [{stop: failed, say: "{{ error.mesage }}"}]}}]'),
        [
            (
                "steps/0/on error/steps/0/say",
                "{{ error.mesage }} points nowhere: there is no mesage in error",
                "did you mean message?",
            )
        ],
        id="error word",
    ),
    pytest.param(
        flow('[{id: loop, each: [a], steps: [{id: it, set: {a: 1}}]}, {stop: done, say: "{{ steps.it.a }}"}]'),
        [
            (
                "steps/1/say",
                "{{ steps.it.a }}: steps.it has another value for each item of a loop",
                "say in the loop what to `collect:`, and refer to steps.loop.results",
            )
        ],
        id="inside each",
    ),
    pytest.param(
        flow('[{each: [a], steps: [{id: it, set: {a: 1}}]}, {stop: done, say: "{{ steps.it.a }}"}]'),
        [
            (
                "steps/1/say",
                "{{ steps.it.a }}: steps.it has another value for each item of a loop",
                "say in the loop what to `collect:`, and refer to the loop's results, once it has an id",
            )
        ],
        id="inside nameless each",
    ),
    pytest.param(
        flow('[{each: [a], as: one, steps: [{wait: 1h}]}, {stop: done, say: "{{ one }}"}]'),
        [("steps/1/say", "{{ one }} points nowhere: there is no one", "there is event, run, settings, steps")],
        id="item outside",
    ),
    pytest.param(
        flow(
            '[{id: all, do: shop.orders, using: $ACCOUNT}, {each: "{{ steps.all }}", as: order, steps: [{stop: done, say: "{{ order.totl }}"}]}]'
        ),
        [("steps/1/steps/0/say", "{{ order.totl }} points nowhere: there is no totl in order", "did you mean total?")],
        id="item of dataset",
    ),
    pytest.param(
        flow(
            '[{id: loop, each: "{{ event.customer.tags }}", collect: "{{ event.total }}", steps: [{wait: 1h}]}, {do: shop.look, using: $ACCOUNT, with: {order: "{{ steps.loop.results.0 }}"}}]'
        ),
        [("steps/1/with/order", "{{ steps.loop.results.0 }} is a number, and shop.look needs a text", "Which order.")],
        id="results",
    ),
    pytest.param(
        flow(
            '[{do: lists.filter, with: {items: "{{ event.customer.tags }}", where: [{left: "{{ item }}", less than: 3}]}}]'
        ),
        [
            (
                "steps/0/with/where/0/less than",
                "`less than` compares numbers, and {{ item }} is a text",
                "for a text: is, is one of, contains, starts with, ends with, matches, before, after",
            )
        ],
        id="filter item",
    ),
    pytest.param(
        flow('[{do: lists.filter, with: {items: [1], where: [{left: "{{ row.a }}", is: 3}]}}]'),
        [
            (
                "steps/0/with/where/0/left",
                "{{ row.a }} points nowhere: there is no row",
                "there is event, item, run, settings, steps",
            )
        ],
        id="filter row",
    ),
    pytest.param(
        flow('[{do: lists.filter, with: {items: [1], where: {left: "{{ item }}", is: 3}}}]'),
        [("steps/0/with/where", "a list is needed here", "")],
        id="filter shape",
    ),
    pytest.param(
        flow(
            '[{do: shop.look, using: "{{ settings.spare }}", with: {order: "{{ settings.lobby }}"}}]',
            head=f"{HEAD}  spare: {{connection: shop, title: Spare, optional: true}}\n"
            "  lobby: {type: channel, title: Lobby, optional: true}\n",
        ),
        [
            (
                f"steps/0/{place}",
                f"{{{{ settings.{name} }}}}: settings.{name} may have been left empty",
                f'guard it: put it in the `then` of an `if` with {{left: "{{{{ settings.{name} }}}}", exists: true}}',
            )
            for place, name in (("using", "spare"), ("with/order", "lobby"))
        ],
        id="left empty",
    ),
    pytest.param(
        flow("[$LOOK, {if: [{left: 1, is: 1}], then: [$LOOK]}]"),
        [("steps/1/then/0/id", "two steps are called order", "give each its own id")],
        id="same ids",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", less than: 5}], then: []}]'),
        [
            (
                "steps/0/if/0/less than",
                "`less than` compares numbers, and {{ event.id }} is a text",
                "for a text: is, is one of, contains, starts with, ends with, matches, before, after",
            )
        ],
        id="less than on text",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.customer.vip }}", before: 2026-01-31}], then: []}]'),
        [
            (
                "steps/0/if/0/before",
                "`before` compares times, and {{ event.customer.vip }} is a yes or no",
                "for a yes or no: is, is not",
            )
        ],
        id="before on yes or no",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.total }}", contains: 5}], then: []}]'),
        [
            (
                "steps/0/if/0/contains",
                "`contains` looks into texts and lists, and {{ event.total }} is a number",
                "for a number: is, less than, greater than, at least, at most",
            )
        ],
        id="contains on number",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.customer.tags }}", starts with: a}], then: []}]'),
        [
            (
                "steps/0/if/0/starts with",
                "`starts with` compares texts, and {{ event.customer.tags }} is a list",
                "for a list: contains, is empty",
            )
        ],
        id="starts on list",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.total }}", matches: a}], then: []}]'),
        [
            (
                "steps/0/if/0/matches",
                "`matches` compares texts, and {{ event.total }} is a number",
                "for a number: is, less than, greater than, at least, at most",
            )
        ],
        id="matches on number",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.level }}", is: hgih}], then: []}]'),
        [("steps/0/if/0/is", "{{ event.level }} is never hgih: it is low or high", "did you mean high?")],
        id="is typo",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.level }}", is one of: [low, hgih]}], then: []}]'),
        [("steps/0/if/0/is one of/1", "{{ event.level }} is never hgih: it is low or high", "did you mean high?")],
        id="is one of typo",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.total }}", less than: five}], then: []}]'),
        [("steps/0/if/0/less than", "`less than` needs a number, and five is a text", "")],
        id="less than text",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.total }}", at most: "5"}], then: []}]'),
        [("steps/0/if/0/at most", "`at most` needs a number, and 5 is a text", "write 5 without quotes")],
        id="less than quoted",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.at }}", before: tomorrow-ish}], then: []}]'),
        [("steps/0/if/0/before", "tomorrow-ish is no time", "write 2026-01-31T12:00:00Z")],
        id="before nonsense",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", is one of: low}], then: []}]'),
        [("steps/0/if/0/is one of", "`is one of` needs a list, and low is a text", "[a, b]")],
        id="one of text",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", is one of: "{{ event.total }}"}], then: []}]'),
        [("steps/0/if/0/is one of", "`is one of` needs a list, and {{ event.total }} is a number", "[a, b]")],
        id="one of number ref",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.level }}", is one of: "{{ settings.colours }}"}], then: []}]'),
        [
            (
                "steps/0/if/0/is one of",
                "{{ event.level }} is low or high, and none of these is in {{ settings.colours }}",
                "there is red or green",
            )
        ],
        id="one of disjoint",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", exists: maybe}], then: []}]'),
        [("steps/0/if/0/exists", "`exists` needs true or false", "exists: true")],
        id="exists",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", is empty: "{{ settings.loud }}"}], then: []}]'),
        [("steps/0/if/0/is empty", "`is empty` needs true or false", "is empty: true")],
        id="empty",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.total }}", is: "5"}], then: []}]'),
        [("steps/0/if/0/is", "{{ event.total }} is a number, and 5 is a text", "write 5 without quotes")],
        id="is kinds",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.customer.vip }}", is: "true"}], then: []}]'),
        [("steps/0/if/0/is", "{{ event.customer.vip }} is a yes or no, and true is a text", "")],
        id="is bool text",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ settings.levels }}", contains: hihg}], then: []}]'),
        [
            (
                "steps/0/if/0/contains",
                "an item of {{ settings.levels }} is never hihg: it is low or high",
                "did you mean high?",
            )
        ],
        id="contains item",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", contains: 5}], then: []}]'),
        [("steps/0/if/0/contains", "`contains` needs a text, and 5 is a number", "")],
        id="contains in text",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.total }}", less than: "{{ event.id }}"}], then: []}]'),
        [("steps/0/if/0/less than", "`less than` needs a number, and {{ event.id }} is a text", "")],
        id="right ref",
    ),
    pytest.param(
        flow('[{if: [{all: [{any: [{not: {left: "{{ event.levl }}", is: low}}]}]}], then: []}]'),
        [
            (
                "steps/0/if/0/all/0/any/0/not/left",
                "{{ event.levl }} points nowhere: there is no levl in event",
                "did you mean level?",
            )
        ],
        id="deep",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.id }}", matches: "(?=a)"}], then: []}]'),
        [("steps/0/if/0", "not a regular expression of the RE2 kind: invalid perl operator: (?=", "")],
        id="matches",
    ),
    pytest.param(
        flow("[{id: q, ask: x, in: C1, choices: [keep, drop], within: 1h, otherwise: kep}]"),
        [("steps/0/otherwise", "kep is none of the choices", "did you mean keep?")],
        id="otherwise",
    ),
    pytest.param(
        flow("[{id: q, ask: x, in: C1, choices: [a], within: soon, otherwise: a}]"),
        [("steps/0/within", "soon is no duration", "write a number and a unit: 90s, 30m, 1h or 7d")],
        id="within",
    ),
    pytest.param(
        flow(
            '[{id: q, ask: x, in: "{{ settings.levels }}", choices: [a], within: "{{ settings.most }}", otherwise: a}]'
        ),
        [
            ("steps/0/within", "{{ settings.most }} is a number, and a duration is needed", ""),
            ("steps/0/in", "{{ settings.levels }} is a list, and a channel is needed", ""),
        ],
        id="within list",
    ),
    pytest.param(
        flow('[{wait: a while}, {wait: "{{ event.total }}"}]'),
        [
            ("steps/0/wait", "a while is no duration", "write a number and a unit: 90s, 30m, 1h or 7d"),
            ("steps/1/wait", "{{ event.total }} is a number, and a duration is needed", ""),
        ],
        id="wait",
    ),
    pytest.param(
        flow('[{wait: {until: tomorrow}}, {wait: {until: "{{ event.customer.tags }}"}}]'),
        [
            ("steps/0/wait/until", "tomorrow is no time", "write 2026-01-31T12:00:00Z"),
            ("steps/1/wait/until", "{{ event.customer.tags }} is a list, and a time is needed", ""),
        ],
        id="until",
    ),
    pytest.param(
        flow('[{each: "{{ event.id }}", steps: [{wait: 1h}]}]'),
        [
            (
                "steps/0/each",
                "{{ event.id }} is a text, and `each:` walks through lists and datasets",
                "refer to a list, or to the dataset that an action gives",
            )
        ],
        id="each text",
    ),
    pytest.param(
        flow('[{each: "{{ event.customer }}", steps: [{wait: 1h}]}]'),
        [
            (
                "steps/0/each",
                "{{ event.customer }} is names with values, and `each:` walks through lists and datasets",
                "refer to a list, or to the dataset that an action gives",
            )
        ],
        id="each record",
    ),
    pytest.param(
        flow("[{each: abc, steps: [{wait: 1h}]}]"),
        [
            (
                "steps/0/each",
                "abc is a text, and `each:` walks through lists and datasets",
                "refer to a list, or to the dataset that an action gives",
            )
        ],
        id="each word",
    ),
    pytest.param(
        flow("[{each: [a], as: steps, steps: [{wait: 1h}]}]"),
        [("steps/0/as", "steps is called something else", "for instance item")],
        id="as",
    ),
    pytest.param(
        flow("[{id: s, set: {a: 1}, on error: {try again: {attempts: 3}}}]"),
        [
            (
                "steps/0/on error/try again",
                "only `do:`, `ask:` and `call:` can be tried again",
                "put it at the step inside that can fail",
            )
        ],
        id="try again",
    ),
    pytest.param(
        flow("[{stop: done, say: x, on error: {give: {a: 1}}}]"),
        [("steps/0/on error", "a `stop:` cannot fail", "leave `on error:` out")],
        id="stop on error",
    ),
    pytest.param(
        flow("[{answer: {deny: no}}]", when="when: {event: shop.returned, from: $ACCOUNT, answers: {within: 2s}}"),
        [
            (
                "when/0/answers",
                "nobody waits for an answer to shop.returned",
                "leave `answers:` out, or listen to shop.ordered",
            )
        ],
        id="answers where nobody waits",
    ),
    pytest.param(
        flow(
            "[{show: Do you agree, id: asked, choices: [given], otherwise: declined, links: {Terms: 'javascript:x'}}]"
        ),
        [
            ("steps/0/otherwise", "declined is none of the choices", "one of given"),
            ("steps/0/links/Terms", "this is no address", "begin it with https://"),
            (
                "steps/0",
                "nobody waits who could be shown a page",
                "say `answers: {within: 2s}` at an event where a person logs in: ",
            ),
        ],
        id="a page for nobody",
    ),
    pytest.param(
        flow("[{show: '{{ event.oder }}', id: asked, choices: [given], otherwise: given, within: 2h}]"),
        [("steps/0/within", "at most 1 hour, please", "")],
        id="a page for too long",
    ),
    pytest.param(
        flow(
            "[{invite: Was it you, id: asked, choices: {sure: {title: Yes, after login: true}}, otherwise: sure, within: 1d},"
            " {hear: askd}, {stop: done, say: '{{ steps.asked.links.maybe }}'}]"
        ),
        [
            ("steps/0/choices/sure/after login", "nobody knows where they log in", "say `using:`, too"),
            ("steps/0/choices/sure/after login", "nobody knows who is to log in", "say `person:`, too"),
            ("steps/1/hear", "there is no invitation askd", "did you mean asked?"),
            (
                "steps/2/say",
                "{{ steps.asked.links.maybe }} points nowhere: there is no maybe in steps.asked.links",
                "",
            ),
        ],
        id="an invitation that nobody could answer",
    ),
    pytest.param(
        flow("[{hear: asked}]"),
        [("steps/0/hear", "there is no invitation asked", "an `invite:` before it")],
        id="nobody to hear",
    ),
    pytest.param(
        flow(
            "[{answer: {hold: {say: One moment}}}]",
            when="when: {event: shop.ordered, from: $ACCOUNT, answers: {within: 2s}}",
        ),
        [("steps/0/answer/hold", "nobody can be kept waiting there", "hold where a person logs in: ")],
        id="hold where nobody can be",
    ),
    pytest.param(
        flow(
            "[{answer: {hold: {say: One moment, at most: 2h}}}]",
            when="when: {event: shop.ordered, from: $ACCOUNT, answers: {within: 2s}}",
        ),
        [("steps/0/answer/hold/at most", "at most 1 hour, please", "")],
        id="hold for too long",
    ),
    pytest.param(
        flow("[{answer: {deny: no}}]"),
        [("steps/0", "nobody waits for an answer", "say `answers: {within: 2s}` at an event of `when:`")],
        id="answer",
    ),
    pytest.param(
        flow("[{if: [{left: 1, is: 1}], then: [{do: shop.delete, using: $ACCOUNT, with: {order: abc}}]}]"),
        [
            (
                "steps/0/then/0",
                "shop.delete destroys, and the flow does not say how much it may destroy",
                "add limits: {destroys: {per run: 1, per day: 50}} to the flow",
            )
        ],
        id="destroys",
    ),
    pytest.param(
        flow(more="limits: {destroys: {}}"),
        [("limits/destroys", "this limits nothing", "say `per run:` or `per day:`")],
        id="cap nothing",
    ),
    pytest.param(
        flow(more="limits: {changes: {per run: -1}}"),
        [("limits/changes/per run", "-1 is less than nothing", "0 allows none")],
        id="cap negative",
    ),
    pytest.param(
        flow(more='limits: {destroys: {per run: "{{ settings.mots }}", per day: "{{ settings.room }}"}}'),
        [
            (
                "limits/destroys/per run",
                "{{ settings.mots }} is neither a number nor a reference to a setting of the type number",
                "did you mean most?",
            ),
            (
                "limits/destroys/per day",
                "{{ settings.room }} is neither a number nor a reference to a setting of the type number",
                "such as 10, or {{ settings.most }}",
            ),
        ],
        id="cap ref",
    ),
    pytest.param(
        flow(when='when: {event: shop.ordered, from: $ACCOUNT, once per: {key: "{{ run.id }}", within: 1h}}'),
        [("when/0/once per/key", "{{ run.id }} points nowhere: there is no run", "there is event, settings")],
        id="once per",
    ),
    pytest.param(
        flow(when="when: {event: shop.ordered, from: $ACCOUNT, once per: {key: me, within: 1h}}"),
        [("when/0/once per/key", "the same for every event", "refer to the event, such as {{ event.user.email }}")],
        id="once per const",
    ),
    pytest.param(
        flow(
            when='when: [{every: 5m}, {event: shop.ordered, from: $ACCOUNT, only if: [{left: "{{ steps.a.b }}", is: 1}, {left: "{{ event.reason }}", is: 1}]}]'
        ),
        [
            ("when/1/only if/0/left", "{{ steps.a.b }} points nowhere: there is no steps", "there is event, settings"),
            ("when/1/only if/1/left", "{{ event.reason }} points nowhere: there is no reason in event", ""),
        ],
        id="only if",
    ),
    pytest.param(
        flow(more='runs: {per: "{{ event.custmer.email }}"}'),
        [
            (
                "runs/per",
                "{{ event.custmer.email }} points nowhere: there is no custmer in event",
                "did you mean customer?",
            )
        ],
        id="per",
    ),
    pytest.param(
        flow(
            when="when: {by hand: {a: {type: number, min: 5, max: 1, title: A}, b: {type: duration, min: 2h, max: 1h, title: B}}}"
        ),
        [
            ("when/0/by hand/a/min", "5 is more than the most, 1", ""),
            ("when/0/by hand/b/min", "2h is more than the most, 1h", ""),
        ],
        id="bounds",
    ),
    pytest.param(
        flow(
            when="when: {called: {a: {type: number, min: 1, max: 5, default: 9, title: A}, b: {type: choices, of: [x, y], default: [z], title: B}, c: {type: choice, of: [x, y], default: z, title: C}}}"
        ),
        [
            ("when/0/called/a/default", "9 is too large: at most 5, please", ""),
            ("when/0/called/b/default", "z is none of x, y", ""),
            ("when/0/called/c/default", "z is none of x, y", ""),
        ],
        id="default",
    ),
    pytest.param(
        flow("[{do: rows.insert, with: {table: pepole, row: {email: a}}}]", more=TABLES),
        [("steps/0/with/table", "the flow declares no table pepole", "did you mean people?")],
        id="table",
    ),
    pytest.param(
        flow("[{do: rows.insert, with: {table: a, row: {}}}]"),
        [("steps/0/with/table", "the flow declares no table a", "declare it under `tables:`")],
        id="no table",
    ),
    pytest.param(
        flow("[{do: rows.insert, with: {table: people, row: {emial: a}}}]", more=TABLES),
        [("steps/0/with/row/emial", "people has no column emial", "did you mean email?")],
        id="column",
    ),
    pytest.param(
        flow(
            '[{do: rows.insert, with: {table: people, row: {email: a, visits: many, vip: "{{ event.total }}", seen: soon, more: {a: 1}}}}]',
            more=TABLES,
        ),
        [
            ("steps/0/with/row/visits", "people.visits holds numbers, and many is a text", ""),
            ("steps/0/with/row/vip", "people.vip holds true or false, and {{ event.total }} is a number", ""),
            ("steps/0/with/row/seen", "soon is no time", "write 2026-01-31T12:00:00Z"),
        ],
        id="cell number",
    ),
    pytest.param(
        flow("[{do: rows.get, with: {table: people, key: {visits: 3}}}]", more=TABLES),
        [("steps/0/with/key", "this is not the key of people", "its key is email")],
        id="key",
    ),
    pytest.param(
        flow("[{do: rows.increment, with: {table: people, key: {email: a}, column: visit}}]", more=TABLES),
        [("steps/0/with/column", "people has no column visit", "did you mean visits?")],
        id="count column",
    ),
    pytest.param(
        flow(
            '[{do: rows.find, with: {table: people, where: [{left: "{{ row.emial }}", is: a}, {left: "{{ row.visits }}", starts with: a}], sort: [sen, {column: email}]}}]',
            more=TABLES,
        ),
        [
            (
                "steps/0/with/where/0/left",
                "{{ row.emial }} points nowhere: there is no emial in row",
                "did you mean email?",
            ),
            (
                "steps/0/with/where/1/starts with",
                "`starts with` compares texts, and {{ row.visits }} is a number",
                "for a number: is, less than, greater than, at least, at most",
            ),
            ("steps/0/with/sort/0", "people has no column sen", "did you mean seen?"),
        ],
        id="where",
    ),
    pytest.param(
        flow(
            '[{id: it, do: rows.get, with: {table: people, key: {email: a}}}, {stop: done, say: "{{ steps.it.row.vists }}"}]',
            more=TABLES,
        ),
        [
            (
                "steps/1/say",
                "{{ steps.it.row.vists }} points nowhere: there is no vists in steps.it.row",
                "did you mean visits?",
            )
        ],
        id="row given",
    ),
    pytest.param(
        flow(more="tables: {a: {columns: {email: text}, key: [emial]}}"),
        [("tables/a/key/0", "a has no column emial", "did you mean email?")],
        id="table key",
    ),
    pytest.param(
        flow('[{do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, tags: "{{ event.customer }}"}}]'),
        [("steps/0/with/tags", "{{ event.customer }} is names with values, and shop.refund needs a list", "")],
        id="deep list",
    ),
    pytest.param(
        flow(
            '[{id: a, set: {b: [[x]]}}, {do: shop.refund, using: $ACCOUNT, with: {order: abc, amount: 5, tags: "{{ steps.a.b }}"}}]'
        ),
        [
            (
                "steps/1/with/tags",
                "{{ steps.a.b }} is a list (each a list), and shop.refund needs a list (each a text)",
                "",
            )
        ],
        id="list of lists given",
    ),
    pytest.param(
        flow("[{each: null, steps: [{wait: 1h}]}]"),
        [
            (
                "steps/0/each",
                "this is nothing, and `each:` walks through lists and datasets",
                "refer to a list, or to the dataset that an action gives",
            )
        ],
        id="each null",
    ),
    pytest.param(
        flow(head="template: Big One\nversion: 0\ntitle: ''\nabout: x\nsettings: [a]\n"),
        [
            (
                "template",
                "Big One is no name of the right form",
                "small letters, digits, - and _, beginning with a letter",
            ),
            ("version", "0 is too small: at least 1, please", ""),
            ("title", "at least 1 character must stand here", ""),
            ("settings", "names with values are needed here", ""),
        ],
        id="whole",
    ),
    pytest.param(
        flow("[{do: rows.get, with: {table: people, key: [a]}}]", more=TABLES),
        [("steps/0/with/key", "names with values are needed here", "")],
        id="form of cells",
    ),
    pytest.param(
        flow('[{if: [{left: "{{ event.level }}", is: "{{ settings.colours.0 }}"}], then: []}]'),
        [("steps/0/if/0/is", "{{ event.level }} is never what {{ settings.colours.0 }} is", "it is low or high")],
        id="is ref disjoint",
    ),
    pytest.param(
        flow('[{id: s, wait: "{{ event.id }}", on error: {give: {until: "{{ error.mesage }}"}}}]'),
        [
            (
                "steps/0/on error/give",
                "{{ error.mesage }} points nowhere: there is no mesage in error",
                "did you mean message?",
            )
        ],
        id="given of an error",
    ),
    pytest.param(
        flow("[{wait: 1h}]", when="when: [{called: {}}, {every: 5m}, {called: {who: {type: text, title: Who}}}]"),
        [("when/2", "a flow is called in one way only", "put all its fields into one `called:`")],
        id="called twice",
    ),
    pytest.param(
        flow(
            '[{id: it, call: other, background: true}, {stop: done, say: "{{ steps.it.run }} {{ steps.it.outcome }}"}]'
        ),
        [
            (
                "steps/1/say",
                "{{ steps.it.outcome }} points nowhere: there is no outcome in steps.it",
                "",
            )
        ],
        id="a call in the background",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_every_problem_says_where_it_is_and_what_to_do(text: str, expected: list[tuple[str, str, str]]) -> None:
    found = parse(text, KNOWN)
    assert isinstance(found, list), "no problem was found"
    assert [(problem.path, problem.message, problem.hint) for problem in found] == expected
