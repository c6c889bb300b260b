"""Right flows: everything that the language can say, without a Problem."""

import pytest

from flows.language import Template
from flows.templates import parse
from tests.flows.shop import TABLES, catalog, flow

KNOWN = catalog()
MAYBE = "{if: [{left: '{{ event.total }}', less than: 5}], then: [$LOOK]}"
SAY = "{stop: done, say: '{{ steps.order.total }}'}"
EVENT = "event: shop.ordered, from: $ACCOUNT"

RIGHT = [
    pytest.param(flow(), id="a step"),
    pytest.param(flow(f"[$LOOK, {SAY}]"), id="what a step gave"),
    pytest.param(
        flow(f"[{MAYBE}, {{if: [{{left: '{{{{ steps.order }}}}', exists: true}}], then: [{SAY}]}}]"), id="guarded"
    ),
    pytest.param(
        flow(
            f"[{MAYBE}, {{if: [{{all: [{{left: '{{{{ steps.order.id }}}}', exists: true}}]}}], "
            f"then: [{{if: [{{left: 1, is: 1}}], then: [{SAY}]}}]}}]"
        ),
        id="guarded by something in it, and deeper",
    ),
    pytest.param(
        flow(
            f"[{MAYBE}, {{if: [{{left: '{{{{ steps.order }}}}', exists: true}}, "
            "{left: '{{ steps.order.total }}', at least: 5}], then: []}]"
        ),
        id="a condition after the one that guards it",
    ),
    pytest.param(
        flow(f"[{MAYBE}, {{if: [{{left: '{{{{ steps.order.id }}}}', is empty: true}}], then: []}}]"), id="is empty"
    ),
    pytest.param(
        flow(
            "[{id: order, do: shop.look, using: $ACCOUNT, with: {order: abc}, on error: {try again: {attempts: 3},"
            " give: {id: none, total: 0}}}, {stop: done, say: '{{ steps.order.id }} {{ steps.order.total }}'}]"
        ),
        id="given after an error",
    ),
    pytest.param(
        flow("[{each: [a], steps: [{wait: 1s}], on error: {steps: [{stop: failed, say: '{{ error.kind }}'}]}}]"),
        id="steps after an error",
    ),
    pytest.param(
        flow(
            "[{id: order, do: shop.look, using: $ACCOUNT, with: {order: abc}, on error: {only for: [missing],"
            " steps: [{stop: done, say: Gone}]}}, {stop: done, say: '{{ steps.order.id }}'}]"
        ),
        id="an error that ends the run",
    ),
    pytest.param(
        flow(
            "[{id: order, do: shop.look, using: $ACCOUNT, with: {order: abc}, on error: {give: {id: '{{ error.kind }}',"
            " total: 0, why: 'No: {{ error.message }}'}}}, {stop: done, say: '{{ steps.order.id }}'}]"
        ),
        id="given of an error",
    ),
    pytest.param(
        flow(
            "[{id: loop, each: '{{ event.customer.tags }}', as: tag, at once: 5, failing: set aside,"
            " collect: '{{ steps.upper.text }}', steps: [{id: upper, do: text.upper, with: {text: '{{ tag }}'}}]},"
            " {if: [{left: '{{ steps.loop.failed }}', greater than: 0}, {left: '{{ steps.loop.results }}', contains: A}],"
            " then: [{stop: failed, say: '{{ steps.loop.failures.0.message }}', give: {all: '{{ steps.loop.results }}'}}]}]"
        ),
        id="a loop",
    ),
    pytest.param(
        flow(
            "[{id: all, do: shop.orders, using: $ACCOUNT}, {id: totals, each: '{{ steps.all }}', as: order,"
            " collect: '{{ order.total }}', steps: [{do: shop.look, using: $ACCOUNT, with: {order: '{{ order.id }}'}}]},"
            " {each: '{{ steps.totals.results }}', steps: [{if: [{left: '{{ item }}', at most: 5}], then: [{wait: 1h}]}]}]"
        ),
        id="a loop over a dataset, and over what it collected",
    ),
    pytest.param(
        flow(
            "[{id: q, ask: '{{ event.id }}?', in: '{{ settings.room }}', details: {Who: '{{ event.customer.email }}'},"
            " choices: {keep: {title: Keep}, drop: {title: Drop, style: danger, confirm: '{{ event.id }} goes.'}},"
            " within: '{{ settings.patience }}', otherwise: keep, on error: {try again: {}, give: {choice: keep}}},"
            " {if: [{left: '{{ steps.q.choice }}', is one of: [keep]}], then: [], else if: [{if: [{left:"
            " '{{ steps.q.choice }}', is: drop}], then: [{wait: '{{ settings.patience }}'}]}], else: [{wait: 1h}]}]"
        ),
        id="a question",
    ),
    pytest.param(
        flow("[{wait: {until: 2030-01-31}}, {wait: {until: 1900000000}}, {wait: {until: '{{ event.at }}'}}]"),
        id="waiting",
    ),
    pytest.param(
        flow(
            "[{answer: {deny: 'Not {{ event.id }}', claims: {id token: {a: '{{ event.total }}'}}}}, {answer: allow}]",
            when=f"when: {{{EVENT}, answers: {{within: 2s, otherwise: deny}}}}",
        ),
        id="an answer",
    ),
    pytest.param(
        flow(
            "[{if: [{any: [{left: '{{ event.reason }}', matches: '^a+$'}, {not: {left: '{{ event.by }}', is: U1}}]}], then: []}]",
            when=f"when: [{{{EVENT}, only if: [{{left: '{{{{ event.level }}}}', is one of: '{{{{ settings.levels }}}}'}}],"
            " once per: {key: '{{ event.id }}', within: 1h}}, {event: shop.returned, from: $ACCOUNT}, {every: 5m},"
            " {by hand: {who: {type: text, title: Who}}}, {called: {who: {type: text, title: Who}}}]",
            more="runs: {mode: queued, limit: 5, per: '{{ event.id }}'}",
        ),
        id="several triggers",
    ),
    pytest.param(
        flow(
            "[{do: shop.delete, using: $ACCOUNT, with: {order: '{{ event.id }}'}}]",
            more="limits: {changes: {per run: '{{ settings.most }}'}, destroys: {per day: 5}}",
        ),
        id="caps",
    ),
    pytest.param(
        flow(
            "[{id: some, do: lists.filter, with: {items: '{{ event.customer.tags }}', where: [{left: '{{ item }}',"
            " starts with: '{{ event.level }}'}]}}, {each: '{{ steps.some.items }}', steps: [{wait: 1h}]}]"
        ),
        id="conditions of each item",
    ),
    pytest.param(
        flow(
            "[{do: rows.insert, with: {table: people, row: {email: '{{ event.customer.email }}', visits: 1, vip: false,"
            " seen: '{{ event.at }}', more: [1]}}}, {id: it, do: rows.get, with: {table: people, key: {email: a}}},"
            " {do: rows.increment, with: {table: people, key: {email: '{{ steps.it.row.email }}'}, column: visits}},"
            " {id: found, do: rows.find, with: {table: people, where: [{left: '{{ row.visits }}', less than: 3}], sort: [seen]}},"
            " {each: '{{ steps.found.rows }}', steps: [{stop: done, say: '{{ item.email }}'}]}]",
            more=TABLES,
        ),
        id="rows",
    ),
    pytest.param(
        flow(
            "[{do: shop.refund, using: $ACCOUNT, with: {order: 'about {{ event.id }}', amount: '{{ event.id }}',"
            " notes: '{{ event.customer.notes }}', told: '{{ event.customer.vip }}', tags: ['{{ event.id }}', b]}}]"
        ),
        id="what may fit is not refused",
    ),
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_flow_has_no_problem(text: str) -> None:
    assert isinstance(parse(text, KNOWN), Template)


# --- flows that call one another ------------------------------------------------------------------------------------


def named(name: str, steps: str = "[{wait: 1h}]", when: str = "when: {called: {}}") -> Template:
    found = parse(flow(steps, when=when).replace("template: tidy-orders", f"template: {name}"), KNOWN)
    assert isinstance(found, Template), found
    return found


OTHERS = {
    "greet": named(
        "greet",
        when="when: {called: {who: {type: text, title: Who}, often: {type: number, min: 1, max: 5, title: How often}}}",
    ),
    "b": named("b", "[{if: [{left: 1, is: 1}], then: [{each: [1], steps: [{call: c}]}]}]"),
    "c": named("c", "[{wait: 1h, on error: {steps: [{call: tidy-orders}]}}]"),
    "daily": named("daily", when="when: {cron: 0 9 * * *}"),
}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{call: greet, with: {who: '{{ event.id }}', often: 3}}", []),
        ("{id: it, call: greet, with: {who: Ann, often: 3}, background: true, on error: {give: {gave: {}}}}", []),
        ("{call: gret}", ["steps/0/call: there is no flow gret (did you mean greet?)"]),
        (
            "{call: greet, with: {hwo: 5, often: 9}}",
            [
                "steps/0/with/who: greet needs who",
                "steps/0/with/hwo: greet knows no hwo (did you mean who?)",
                "steps/0/with/often: 9 is too large: at most 5, please",
            ],
        ),
        (
            "{call: greet, with: {who: '{{ event.customer.tags }}', often: many}}",
            [
                "steps/0/with/who: {{ event.customer.tags }} is a list, and greet needs a text",
                "steps/0/with/often: a whole number is needed here",
            ],
        ),
        (
            "{call: b}",
            [
                (
                    "steps/0/call: tidy-orders → b → c → tidy-orders: flows cannot call one another in a circle"
                    " (use `each:` to do something again and again)"
                )
            ],
        ),
        (
            "{call: tidy-orders}",
            [
                (
                    "steps/0/call: tidy-orders → tidy-orders: flows cannot call one another in a circle"
                    " (use `each:` to do something again and again)"
                )
            ],
        ),
        ("{call: daily}", ["steps/0/call: daily is not to be called (it needs `called:` among its `when:`)"]),
    ],
)
def test_a_call_fits_the_flow_that_it_calls(step: str, expected: list[str]) -> None:
    found = parse(flow(f"[{step}]"), KNOWN, flows=OTHERS)
    assert ([] if isinstance(found, Template) else [str(problem) for problem in found]) == expected


def test_without_the_other_flows_a_call_is_not_looked_at() -> None:
    assert isinstance(parse(flow("[{call: whatever, with: {a: 1}}]"), KNOWN), Template)


def test_of_a_flow_with_another_name_than_its_template_the_name_counts() -> None:
    assert isinstance(parse(flow("[{call: b}]"), KNOWN, flows=OTHERS, name="mine"), Template)
