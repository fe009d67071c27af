"""parse: exactly one JSON object, or the reason why not; nothing of it lost or changed."""

from __future__ import annotations

import json

import pytest
from builders import Json, event, first, joined, to_json

VALID = to_json(event())

NOT_JSON = {
    "truncated": VALID[:-1],
    "cut in a string": VALID[: VALID.index("page_view") + 3],
    "only an opening brace": "{",
    "a word": "event",
    "trailing garbage": VALID + " xx",
    "a second document": VALID + VALID,
    "a second document on a line of its own": VALID + "\n" + VALID,
    "a trailing NUL": VALID + "\0",
    "a trailing comma": VALID + ",",
    "a trailing bracket": VALID + "]",
    "an escape from an array": VALID + '],{"b":2}',
    "an escape from an array that closes it again": VALID + ',["b"]',
    "an escape from an object": VALID + ',"z":null',
    "an escape from an object that closes it": VALID + '},{"b":2',
    "a closed object and an open one": VALID + "}{",
    "a comma before the object": "," + VALID,
    "a byte order mark": "\ufeff" + VALID,
    "a control character in a string": to_json(event(user_id=Json('"a\tb"'))),
    "a NUL in a string": to_json(event(user_id=Json('"a\0b"'))),
    "single quotes": VALID.replace('"', "'"),
    "one value in single quotes": to_json(event(user_id=Json("'u'"))),
    "a key without quotes": VALID.replace('"event_id"', "event_id"),
    "NaN": to_json(event(session_number=Json("NaN"))),
    "Infinity": to_json(event(session_number=Json("Infinity"))),
    "minus Infinity": to_json(event(session_number=Json("-Infinity"))),
    "NaN in an unknown field": to_json(event(foo=[Json("NaN")])),
    "a block comment": VALID[:-1] + "/* note */}",
    "a line comment": VALID + "// note",
    "a hash comment": "# note\n" + VALID,
    "a comma after the last member": VALID[:-1] + ",}",
    "a comma after the last element": to_json(event(foo=Json("[1,]"))),
    "a leading zero": to_json(event(session_number=Json("01"))),
    "a plus sign": to_json(event(session_number=Json("+1"))),
    "a number without an integer part": to_json(event(session_number=Json(".5"))),
    "a number without a fraction": to_json(event(session_number=Json("5."))),
    "a hexadecimal number": to_json(event(session_number=Json("0x1F"))),
    "Python's True": to_json(event(foo=Json("True"))),
    "an unknown escape": to_json(event(user_id=Json(r'"\x41"'))),
    "a short unicode escape": to_json(event(user_id=Json(r'"\u12"'))),
    "a lone high surrogate": to_json(event(user_id=Json(r'"\ud83d"'))),
    "a lone low surrogate": to_json(event(user_id=Json(r'"\ude00 x"'))),
    "surrogates in the wrong order": to_json(event(user_id=Json(r'"\ude00\ud83d"'))),
    "a repeated key and trailing garbage": first(event(), '"event_id":"x"') + " xx",
    "a repeated key and a second document": first(event(), '"event_id":"x"') + "{}",
    "a repeated key and single quotes": first(event(), "'event_id':'x'"),
    "a repeated key and NaN": first(event(), '"event_id":NaN'),
    "a repeated key and a control character": first(event(), '"event_id":"a\tb"'),
    "a repeated key and a lone surrogate": first(event(), r'"event_id":"\ud83d"'),
}
BEYOND_THE_PARSER = {
    "2,000 arrays deep": to_json(event(foo=Json("[" * 2000 + "]" * 2000))),
    "2,000 objects deep": to_json(event(foo=Json('{"a":' * 2000 + "1" + "}" * 2000))),
    "100,000 arrays deep": to_json(event(foo=Json("[" * 100_000 + "]" * 100_000))),
    "201 levels deep": to_json(event(foo=Json("[" * 200 + "]" * 200))),
    "999 objects deep": to_json(event(foo=Json('{"a":' * 998 + "1" + "}" * 998))),
    "999 objects deep beside a repeated key": first(event(foo=Json('{"a":' * 998 + "1" + "}" * 998)), '"event_id":"x"'),
    "a number of 1,500 digits": to_json(event(foo=Json("1" * 1500))),
    "a fraction of 1,500 digits": to_json(event(foo=Json("0." + "1" * 1500))),
    "1,001 digits around a point": to_json(event(foo=Json("1" * 500 + "." + "1" * 501))),
    "1,001 digits with the exponent's": to_json(event(foo=Json("1" * 999 + "e10"))),
    "a key of 50,001 characters": to_json(event(**{"k" * 50_001: 1})),
    "a key of 50,001 quotes": to_json(event(foo={'"' * 50_001: 1})),
    "a quantity of 1,500 digits": to_json(event(items=[{"item_id": "a", "quantity": Json("1" * 1500)}])),
}
NOT_OBJECT = {
    "null": "null",
    "a number": "5",
    "a negative fraction": "-1.5e3",
    "a string": '"s"',
    "true": "true",
    "an empty array": "[]",
    "an array of events": f"[{VALID}]",
    "a scalar in blanks": " \n5 ",
    "an array in which a key is repeated": '[{"a":1,"a":2}]',
    "an array of events that repeat a key": "[" + VALID + "," + first(event(), '"event_id":"x"') + "]",
}
WHOLE = {
    "a plain event": VALID,
    "blanks around the object": f" \r\n\t{VALID}\n \n",
    "blanks inside": json.dumps(event(), indent=4),
    "a string of 2,000 brackets": event(user_id="[{" * 1000),
    "a string of 2,000 quotes and brackets": event(user_id='"[\\' * 1000),
    "a string of 1,500 digits": event(user_id="1" * 1500),
    "a string of 500,000 characters": event(user_id="x" * 500_000),
    "200 levels deep": event(foo=Json("[" * 199 + "]" * 199)),
    "200 levels deep twice": event(foo=Json("[" * 199 + "]" * 199), bar=Json('{"a":' * 199 + "1" + "}" * 199)),
    "a number of 1,000 digits": event(foo=Json("1" * 1000)),
    "a key of 50,000 characters": event(**{"k" * 50_000: 1}),
    "an escaped key": VALID.replace('"event_name"', r'"event\u005fname"'),
}
# name → (record, keyword); written out these have a billion digits
HOSTILE_NUMBERS = {
    text: (event(ecommerce={"value": Json(text), "currency": "EUR"}), keyword)
    for text, keyword in (("1e999999999", "range"), ("-1e2147483648", "range"), ("1e-999999999", "multipleOf"))
}
STRINGS = {
    "an empty string": '""',
    "blanks": '"  "',
    "a literal emoji": '"😀👩‍👩‍👧"',
    "an emoji as a surrogate pair": r'"\ud83d\ude00"',
    "a surrogate pair in upper case": r'"\uD83D\uDE00"',
    "text that looks like an escape": r'"\\ud83d"',
    "a backslash before a surrogate pair": r'"\\\ud83d\ude00"',
    "right-to-left text": '"مرحبا \u202e שלום"',
    "combining characters": '"e\u0301"',
    "every short escape": r'"\"\\\/\b\f\n\r\t"',
    "an escaped NUL": r'"a\u0000b"',
    "an escaped control character": r'"\u001b[31m"',
    "a line separator": '"\u2028\u2029"',
    "a non-character": '"\uffff"',
    "a string that looks like JSON": r'"{\"a\":[1,2]}"',
    "a string that looks like a number": '"1e5"',
    "a string that says null": '"null"',
    "a comment in a string": '"/* a */ // b"',
    "single quotes in a string": '"it\'s"',
}

TABLE = joined(
    NOT_JSON,
    BEYOND_THE_PARSER,
    NOT_OBJECT,
    WHOLE,
    {name: record for name, (record, _) in HOSTILE_NUMBERS.items()},
    {name: event(user_id=Json(text)) for name, text in STRINGS.items()},
    {f"{name}, beside an unknown field": event(user_id=Json(text), foo=1) for name, text in STRINGS.items()},
    {
        f"{name}, beside a repeated key": first(event(user_id=Json(text)), '"session_id":"x"')
        for name, text in STRINGS.items()
    },
)


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_one_json_document_is_dead(outcomes, name):
    outcome = outcomes[name]
    assert (outcome.verdict, outcome.stage, outcome.complaints) == ("NOT_JSON", "parse", {("", "malformed")})


@pytest.mark.parametrize("name", BEYOND_THE_PARSER)
def test_a_document_beyond_the_parsers_limits_is_dead_and_says_so(outcomes, name):
    outcome = outcomes[name]
    assert (outcome.verdict, outcome.stage) == ("NOT_JSON", "parse")
    assert outcome.complaints == {("", "parser_limit")}


@pytest.mark.parametrize("name", HOSTILE_NUMBERS)
def test_a_money_number_of_many_digits_is_dead_without_being_written_out(outcomes, name):
    outcome = outcomes[name]
    assert outcome.complaints == {("ecommerce.value", HOSTILE_NUMBERS[name][1])}


@pytest.mark.parametrize("name", NOT_OBJECT)
def test_json_that_is_not_an_object_is_dead(outcomes, name):
    outcome = outcomes[name]
    assert (outcome.verdict, outcome.stage, outcome.complaints) == ("NOT_OBJECT", "parse", {("", "type")})


@pytest.mark.parametrize("name", WHOLE)
def test_one_whole_object_is_accepted(outcomes, name):
    assert outcomes[name].verdict == "accepted"


@pytest.mark.parametrize("neighbour", ["", ", beside an unknown field", ", beside a repeated key"])
@pytest.mark.parametrize("name", STRINGS)
def test_text_arrives_as_the_producer_wrote_it(outcomes, name, neighbour):
    outcome = outcomes[name + neighbour]
    assert outcome.event.user_id == json.loads(STRINGS[name], strict=False)
    assert outcome.enriched["user_id"] == json.loads(STRINGS[name], strict=False)
