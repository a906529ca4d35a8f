"""Requests that break one rule each, for every operation of a service model, and the answer that AWS gives to each.

The rules of the answers stand in Rules; what is generated, in Generator. Nothing here looks at what the server answers.
"""

import dataclasses
import json
import re

import aws_model
import raw_aws

MAX_BODY_TEXT = 300_000  # no longer values than this: there is a limit of its own for bodies
MAX_HEAD_TEXT = 6_000  # in paths, queries and headers
# Tried in this order for a text of the right length that does not match; headers and paths carry only some of them.
NO_MATCH = ("!", "*", "a b", " ", "\u00e9", "\u65e5\u672c", "\x01", "\n", "$", "\U0001f600", "-", "a")
DEEP = 20_000

# Its expression looks ahead, which the server's automata do not: it is matched less exactly there. No operation that
# works takes one.
NOT_EXACT = {("iam", "accountAliasType")}


@dataclasses.dataclass(frozen=True)
class Expected:
    status: int
    code: str
    message: re.Pattern | None = None  # of the whole message


@dataclasses.dataclass(frozen=True)
class Case:
    operation: str
    what: str
    raw: raw_aws.Raw
    expected: Expected | None = None  # None: what the base request of this operation is answered with


class Rules:
    """What AWS answers, by protocol."""

    def __init__(self, model):
        self.protocol, self.service = model.protocol, model.service
        # https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html: ValidationError in Query,
        # https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html: ValidationException elsewhere.
        self.validation = "ValidationError" if self.protocol == "query" else "ValidationException"
        # Query's reader says MalformedInput where JSON's says SerializationException.
        self.serialization = "MalformedInput" if self.protocol == "query" else "SerializationException"

    def broken(self, broken):
        return Expected(400, self.validation, aws_model.message_form(self.service, broken))

    def conversion(self, token, java_type):
        """A scalar of another type. DynamoDB's texts are older than those of the REST services and of Query."""
        if self.protocol == "json":
            text = f"{token} cannot be converted to {java_type}"
        else:
            article = "an" if java_type[0] in "AEIOU" else "a"
            text = f"{token} can not be converted to {article} {java_type}"
        return Expected(400, self.serialization, re.compile(text))

    def unreadable(self, text=None):
        return Expected(400, self.serialization, re.compile(text) if text is not None else None)

    def no_json(self):
        """A body that is no JSON."""
        if self.protocol == "rest-json":
            return Expected(400, "InvalidRequestContentException", re.compile("Could not parse request body into json: .+", re.DOTALL))
        return Expected(400, "SerializationException", re.compile(""))


JAVA_TYPES = {"string": "String", "integer": "Integer", "long": "Long", "double": "Double", "float": "Float",
              "boolean": "Boolean", "timestamp": "Date", "blob": "Blob"}
OBJECT = "Start of structure or map found where not expected"
LIST = "Start of list found where not expected"


class Generator:
    """The cases of one service."""

    def __init__(self, model, samples):
        self.model = model
        self.rules = Rules(model)
        self.samples = samples
        self.left_out = 0  # constraints that no request can break, or not without breaking another rule first

    def base(self, operation):
        name = self.model.input_name(operation)
        tree = self.model.valid(name, self.samples) if name else {}
        assert not self.model.broken(operation, tree), (operation, tree)
        return raw_aws.build(self.model, operation, tree)

    def cases(self, operation):
        name = self.model.input_name(operation)
        if not name:
            return
        shape = self.model.shape(name)
        tree = self.model.valid(name, self.samples)
        self._walked = set()
        yield from self._structure(operation, name, tree, lambda value: value, "", top=shape)
        yield from self._bodies(operation, shape, tree)

    # Each of the following is given `wrap`, which puts a value into the whole request at the place in question.

    def _structure(self, operation, name, value, wrap, path, top=None):
        shape = self.model.shape(name)
        if name in self._walked:
            return
        self._walked.add(name)
        for member, reference in shape.get("members", {}).items():
            here = f"{path}.{member}".lstrip(".")
            place = (reference.get("location") or ("payload" if top.get("payload") == member else "body")) if top else "body"
            if self.model.shape(reference["shape"]).get("eventstream"):
                continue

            def put(inner, member=member):
                return wrap({**value, member: inner})

            if member in shape.get("required", []):
                if place == "uri":
                    self.left_out += 1  # without it, it is another path
                else:
                    without = {key: inner for key, inner in value.items() if key != member}
                    yield self._broken(operation, f"{here} missing", wrap(without))
                    if place != "payload":
                        yield self._broken(operation, f"{here} null", put(None))
            elif place == "body" and not path:
                yield Case(operation, f"{here} null", raw_aws.build(self.model, operation, put(None)))
            yield from self._value(operation, reference["shape"], put, here, place, member)
        if not path and self._has_body(top):
            yield from self._unknown(operation, value, wrap)

    def _unknown(self, operation, value, wrap):
        for inner in ("x", 5, [1, {"a": None}], {"deep": {"er": []}}):
            if self.model.protocol == "query":
                inner = "x"
            tree = wrap({**value, "NoSuchMember": inner})
            yield Case(operation, f"unknown member {inner!r}", raw_aws.build(self.model, operation, tree))
            if self.model.protocol == "query":
                return

    def _value(self, operation, name, put, here, place, member=""):
        shape = self.model.shape(name)
        kind = shape["type"]
        if (self.model.service, name) in NOT_EXACT:
            self.left_out += 1
            return
        if name in self.model.attribute_values:
            yield from self._attribute_value(operation, put, here)
            return
        yield from self._constraints(operation, name, shape, put, here, place)
        yield from self._types(operation, name, shape, put, here, place)
        if place not in ("body", "payload") or here.count(".") > 8:
            return
        if kind == "structure":
            yield from self._structure(operation, name, self.model.valid(name, self.samples, member), put, here)
        elif kind == "list":
            element = shape["member"]["shape"]
            filler = [self.model.valid(element, self.samples) for _ in range(max(0, shape.get("min", 0) - 1))]
            if self.model.protocol != "query":
                if element not in self.model.attribute_values:
                    yield self._broken(operation, f"{here}[null]", put([None, *filler]))
            yield from self._value(operation, element, lambda inner: put([inner, *filler]), f"{here}[]", "body")
        elif kind == "map":
            key, inner_name = shape["key"]["shape"], shape["value"]["shape"]
            valid_key = self.model.valid(key, self.samples)
            inner_valid = self.model.valid(inner_name, self.samples)
            for text, what in self._bad_texts(key, self.model.shape(key), "body"):
                yield self._broken(operation, f"{here} key {what}", put({text: inner_valid}))
            yield from self._value(operation, inner_name, lambda inner: put({valid_key: inner}), f"{here}{{}}", "body")

    def _broken(self, operation, what, tree):
        broken = self.model.broken(operation, tree)
        assert broken, (operation, what, tree)
        return Case(operation, what, raw_aws.build(self.model, operation, tree), self.rules.broken(broken))

    def _constraints(self, operation, name, shape, put, here, place):
        kind = shape["type"]
        for value, what in self._bad_values(name, shape, kind, place):
            if isinstance(value, list) and not value and (self.model.protocol == "query" or place == "querystring"):
                self.left_out += 1  # an empty list is no parameter at all
                continue
            yield self._broken(operation, f"{here} {what}", put(value))

    def _bad_values(self, name, shape, kind, place):
        if kind == "string":
            yield from self._bad_texts(name, shape, place)
        elif kind in ("integer", "long", "double", "float"):
            for side, step in (("min", -1), ("max", 1)):
                if side in shape and abs(shape[side] + step) < 2**31:
                    yield shape[side] + step, f"beyond {side}"
        elif kind == "blob":
            if shape.get("min", 0) > 0 and place == "body":
                yield b"", "empty"
            if shape.get("max", MAX_BODY_TEXT) < MAX_BODY_TEXT:
                yield b"x" * (shape["max"] + 1), "too long"
        elif kind in ("list", "map"):
            yield from self._bad_sizes(shape, kind)

    def _bad_sizes(self, shape, kind):
        inner = self.model.valid((shape["member"] if kind == "list" else shape["value"])["shape"], self.samples)
        for size, what in ((shape.get("min", 0) - 1, "too few"), (shape.get("max", 10**9) + 1, "too many")):
            if not 0 <= size <= 3000:
                continue
            if kind == "list":
                yield [inner] * size, what
                continue
            key_shape = self.model.shape(shape["key"]["shape"])
            keys = [f"k{i}" for i in range(size)]
            if all(not self.model.constraints(shape["key"]["shape"], key) for key in keys) or not size:
                yield {key: inner for key in keys}, what
            else:
                self.left_out += 1
                assert "pattern" in key_shape or "enum" in key_shape

    def _bad_texts(self, name, shape, place):
        head = place in ("uri", "querystring", "header")
        bound = MAX_HEAD_TEXT if head else MAX_BODY_TEXT
        least = shape.get("min", 0)
        if least > 0 and place != "uri" and not (place == "header"):
            yield from self._shorter(shape, least)
        if "max" in shape:
            if shape["max"] + 1 > bound:
                self.left_out += 1
            else:
                yield self._longer(shape, shape["max"] + 1), "too long"
        if "pattern" in shape and not shape.get("enum"):
            for unit in NO_MATCH:
                text = unit * max(1, -(-least // len(unit)))
                if head and (not text.strip() or not text.isascii() or not text.isprintable() or text != text.strip()):
                    continue
                if self.model.protocol == "query" and not text.isprintable():
                    continue
                if self.model.constraints(name, text) == [f"Member must satisfy regular expression pattern: {shape['pattern']}"]:
                    yield text, f"does not match: {text!r}"
                    break
            else:
                self.left_out += 1
        if shape.get("enum") and (self.model.service, name) not in aws_model.SERVICE_ENUMS:
            yield "no-such-value", "not of the enumeration"
            yield shape["enum"][0].swapcase(), "in another case"

    def _shorter(self, shape, least):
        if "pattern" in shape and least > 1:
            for text in aws_model.texts_like(shape["pattern"], least - 1):
                if len(text) < least:
                    yield text, "too short"
                    return
        yield "a" * (least - 1), "too short"

    def _longer(self, shape, length):
        for text in aws_model.texts_like(shape["pattern"], length) if "pattern" in shape else ():
            if len(text) == length:
                return text
        return "a" * length

    def _types(self, operation, name, shape, put, here, place):
        kind = shape["type"]
        for value, expected in self._wrong_types(kind, place):
            yield Case(operation, f"{here} is {value!r}", raw_aws.build(self.model, operation, put(value)), expected)

    def _wrong_types(self, kind, place):
        rules = self.rules
        if place in ("uri", "querystring", "header") or self.model.protocol == "query":
            yield from self._wrong_texts(kind)
            return
        if place == "payload" and kind != "structure":
            return
        if kind in ("structure", "map"):
            yield from ((value, rules.unreadable("Unexpected field type")) for value in ("x", 5, True))
            yield [], rules.unreadable(r"Unrecognized collection type .+")
        elif kind == "list":
            yield from ((value, rules.unreadable("Unexpected field type")) for value in ("x", 5, False))
            yield {}, rules.unreadable(OBJECT)
        else:
            yield {}, rules.unreadable(OBJECT)
            yield [], rules.unreadable(LIST)
            yield from self._wrong_scalars(kind)

    def _wrong_scalars(self, kind):
        java = JAVA_TYPES[kind]
        tokens = {"STRING_VALUE": "x", "NUMBER_VALUE": 5, "TRUE_VALUE": True, "FALSE_VALUE": False}
        right = {"string": "STRING_VALUE", "blob": "STRING_VALUE", "boolean": "BOOLEAN"}.get(kind, "NUMBER_VALUE")
        for token, value in tokens.items():
            if token != right and not (right == "BOOLEAN" and token in ("TRUE_VALUE", "FALSE_VALUE")):
                yield value, self.rules.conversion(token, java)
        if kind in ("integer", "long"):
            for value in (2**31 if kind == "integer" else 2**63, 1.5, -(2**31) - 1):
                if kind == "integer" or value != -(2**31) - 1:
                    yield value, self.rules.conversion("NUMBER_VALUE", java)
            if self.rules.protocol == "json":
                yield -(2**63) - 1, self.rules.unreadable()
        if kind == "blob":
            yield "***!", self.rules.unreadable("Invalid Base64 character.*")
            yield "YWJ", self.rules.unreadable("Base64 encoded length is expected a multiple of 4 bytes but found: 3")

    def _wrong_texts(self, kind):
        if kind in ("integer", "long", "double", "float", "boolean", "timestamp"):
            for text in ("x", "1x", "--1") if kind != "boolean" else ("x", "2"):
                yield text, self.rules.conversion("STRING_VALUE", JAVA_TYPES[kind])
        if kind in ("integer", "long"):
            yield str(2**31 if kind == "integer" else 2**63), self.rules.conversion("STRING_VALUE", JAVA_TYPES[kind])
        if self.model.protocol == "query" and kind == "list":
            yield "x", self.rules.unreadable("Unexpected list element termination")
        if self.model.protocol == "query" and kind == "structure":
            yield "x", self.rules.unreadable("Unexpected complex element termination")

    def _attribute_value(self, operation, put, here):
        for value, expected in (
                ("x", self.rules.unreadable("Unexpected field type")),
                ([], self.rules.unreadable("Unrecognized collection type .*AttributeValue")),
                ({"S": 5}, self.rules.conversion("NUMBER_VALUE", "String")),
                ({"N": 5}, self.rules.conversion("NUMBER_VALUE", "String")),
                ({"S": {}}, self.rules.unreadable(OBJECT)),
                ({"B": "***!"}, self.rules.unreadable("Invalid Base64 character.*")),
                ({"BOOL": "x"}, self.rules.conversion("STRING_VALUE", "Boolean")),
                ({"NULL": 1}, self.rules.conversion("NUMBER_VALUE", "Boolean")),
                ({"SS": "x"}, self.rules.unreadable("Unexpected field type")),
                ({"NS": [5]}, self.rules.conversion("NUMBER_VALUE", "String")),
                ({"L": {}}, self.rules.unreadable(OBJECT)),
                ({"M": []}, self.rules.unreadable("Unrecognized collection type .+")),
                ({"M": {"a": "x"}}, self.rules.unreadable("Unexpected field type"))):
            yield Case(operation, f"{here} is {value!r}", raw_aws.build(self.model, operation, put(value)), expected)

    def _has_body(self, shape):
        if self.model.protocol != "rest-json":
            return True
        return not shape.get("payload") and any("location" not in each for each in shape.get("members", {}).values())

    def _bodies(self, operation, shape, tree):
        """Bodies that are no JSON, or not an object."""
        if self.model.protocol == "query" or not self._has_body(shape):
            return
        good = raw_aws.build(self.model, operation, tree)
        closed = good.body or b"{}"
        for body in (b"{", b"nul", b"{\"a\":}", closed + b"}", closed[:-1], b"{'a': 1}", b"\xff\xfe", b"{\"a\": \"\xff\"}",
                     b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"x":' * DEEP + b"1" + b"}" * DEEP):
            yield Case(operation, f"body {body[:20]!r}", dataclasses.replace(good, body=body), self.rules.no_json())
        for body in (b"[]", b'"x"', b"5", b"true"):
            yield Case(operation, f"body {body!r}", dataclasses.replace(good, body=body), self.rules.unreadable())
        # null is no value: as if nothing had been given.
        empty = self.model.broken(operation, {key: value for key, value in tree.items()
                                              if shape["members"].get(key, {}).get("location")})
        if empty:
            for body in (b"", b"{}", json.dumps({"x": [None] * 3}).encode()):
                yield Case(operation, f"body {body!r}", dataclasses.replace(good, body=body), self.rules.broken(empty))
