"""What botocore's service models say of requests: operations, valid values, and which constraints a value breaks, in AWS's words.

This is written from AWS's documentation of its errors and from texts that its services are known to answer, not from this
repository's sources: tests compare the server with it.
"""

import functools
import re
import re._parser as regex_parser

import botocore.loaders

SERVICES = ("lambda", "dynamodb", "dynamodbstreams", "iam", "sts")

# Unicode classes of Java, as far as the samples here go; \w and \d are ASCII there.
_JAVA_CLASSES = {r"\p{L}": "a-zA-Z\u00c0-\u024f", r"\p{Z}": " \u00a0", r"\p{N}": "0-9", r"\p{Print}": "[ -~]"}
# Surrogate pairs stand for all of Unicode beyond the basic plane.
_SURROGATES = (r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")

# IAM's own words for names that do not match, where nothing else is wrong.
PATTERN_WORDS = {("iam", r"[\w+=,.@-]+"): "It must contain only alphanumeric characters and/or the following: +=,.@_-"}
SECRET, NULL = object(), object()  # in the place of a value that a message does not repeat

# Enumerations that the service itself checks, in other words.
SERVICE_ENUMS = {("lambda", "Runtime")}


@functools.cache
def compiled(pattern):
    text = pattern.replace(*_SURROGATES)
    for java, python in _JAVA_CLASSES.items():
        text = text.replace(java, python)
    return re.compile(text, re.ASCII)


def _sample(parsed, more):
    """A text that the parsed expression matches, at first guess; repeats that have no bound are `more` longer."""
    out = []
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            out.append(chr(value))
        elif name == "NOT_LITERAL":
            out.append("b" if value == ord("a") else "a")
        elif name == "ANY":
            out.append("a")
        elif name == "IN":
            out.append(_sample_of_class(value))
        elif name == "BRANCH":
            out.append(_sample(value[1][0], more))
        elif name == "SUBPATTERN":
            out.append(_sample(value[3], more))
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            out.append("".join(_sample(inner, more) for _ in range(min(int(most), least + more))))
    return "".join(out)


def _sample_of_class(items):
    matches = {"CATEGORY_WORD": "a", "CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_NOT_SPACE": "a",
               "CATEGORY_NOT_WORD": " ", "CATEGORY_NOT_DIGIT": "a"}
    if str(items[0][0]) == "NEGATE":
        taken = {value for kind, value in items[1:] if str(kind) == "LITERAL"}
        return next(c for c in "abcdefgh" if ord(c) not in taken)
    letters = [lo for kind, value in items if str(kind) == "RANGE" for lo in [value[0]] if chr(lo).isalnum()]
    if letters:
        return chr(letters[0])
    kind, value = items[0]
    if str(kind) == "CATEGORY":
        return matches[str(value)]
    return chr(value[0] if str(kind) == "RANGE" else value)


def texts_like(pattern, length):
    """Texts that match the pattern and have about that length; the caller picks."""
    parsed = regex_parser.parse(compiled(pattern).pattern)
    for more in sorted({0, 1, 2, 3, 8, length, max(0, length - 1)}):
        text = _sample(parsed, more)
        if compiled(pattern).fullmatch(text):
            yield text
        for filler in ("a", "1", "A", "/"):
            longer = text + filler * (length - len(text))
            if len(longer) == length and compiled(pattern).fullmatch(longer):
                yield longer
            middle = text[:1] + filler * (length - len(text)) + text[1:]
            if len(middle) == length and compiled(pattern).fullmatch(middle):
                yield middle


class Model:
    """One service."""

    def __init__(self, service):
        self.service = service
        self.raw = botocore.loaders.Loader().load_service_model(service, "service-2")
        self.metadata = self.raw["metadata"]
        self.protocol = self.metadata["protocol"]
        self.shapes = self.raw["shapes"]
        self.operations = self.raw["operations"]

    def shape(self, name):
        return self.shapes[name]

    def input_name(self, operation):
        return self.operations[operation].get("input", {}).get("shape")

    @functools.cached_property
    def attribute_values(self):
        """The shapes that are DynamoDB's values, which the service reads itself."""
        wanted = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}
        return {name for name, shape in self.shapes.items() if set(shape.get("members", {})) == wanted}

    def valid(self, name, samples, member=""):
        """The least value that breaks nothing. `samples`: by member's or shape's name, what must be something in particular."""
        for key in (member, name):
            if key in samples:
                return samples[key]
        shape = self.shape(name)
        kind = shape["type"]
        if name in self.attribute_values:
            return {"S": "a"}
        if kind == "structure":
            chosen = list(shape.get("required", []))
            if self.protocol == "query" and not chosen and shape.get("members"):
                chosen = [next(iter(shape["members"]))]  # Query cannot say "an empty structure"
            return {each: self.valid(shape["members"][each]["shape"], samples, each) for each in chosen}
        if kind == "list":
            element = shape["member"]["shape"]
            return [self.valid(element, samples) for _ in range(max(1, shape.get("min", 0)))]
        if kind == "map":
            return {self.valid(shape["key"]["shape"], samples): self.valid(shape["value"]["shape"], samples)}
        if kind == "string":
            return self._valid_string(name, shape)
        if kind in ("integer", "long", "double", "float"):
            return max(shape.get("min", 1), min(1, shape.get("max", 1)))
        return {"boolean": True, "blob": b"YWJj", "timestamp": 1700000000}[kind]

    def _valid_string(self, name, shape):
        least = shape.get("min", 0)
        if shape.get("enum"):
            return shape["enum"][0]
        if "pattern" not in shape:
            return "a" * max(1, least)
        for text in texts_like(shape["pattern"], max(1, least)):
            if least <= len(text) <= shape.get("max", len(text)) and text:
                return text
        raise AssertionError(f"{self.service}: no sample for {name}: {shape['pattern']}")

    # What a value breaks: (the value as AWS shows it or None where that is not checked, path, constraint).
    # Values have the right types: what has not is a SerializationException before.

    def broken(self, operation, tree):
        name = self.input_name(operation)
        return list(self._broken_members(self.shape(name), tree, "")) if name else []

    def _broken_members(self, shape, value, path):
        for member, reference in shape.get("members", {}).items():
            here = f"{path}.{_lower_first(member)}" if path else _lower_first(member)
            inner = value.get(member)
            if inner is None:
                if member in shape.get("required", []):
                    yield NULL, here, "Member must not be null"
                continue
            yield from self._broken_value(reference["shape"], inner, here)

    def _broken_value(self, name, value, path):
        yield from self._broken_inside(name, value, path)
        for constraint in self.constraints(name, value):
            yield self.shown(name, value), path, constraint

    def _broken_inside(self, name, value, path):
        """What members and elements break. Of elements that are no structures the container tells, all their constraints."""
        shape = self.shape(name)
        kind = shape["type"]
        if name in self.attribute_values:
            return
        if kind == "structure":
            yield from self._broken_members(shape, value, path)
        elif kind == "list":
            element = shape["member"]["shape"]
            structures = self.shape(element)["type"] == "structure"
            for index, each in enumerate(value):
                here = f"{path}.{index + 1}.member"
                if each is not None:
                    yield from self._broken_inside(element, each, here)
                elif structures and element not in self.attribute_values:
                    yield NULL, here, "Member must not be null"
            nulls = not structures and None in value
            if nulls or any(self.constraints(element, each) for each in value if each is not None):
                yield (None if nulls else self.shown(name, value), path,
                       f"Member must satisfy constraint: {self._all_constraints(element, True)}")
        elif kind == "map":
            key, inner = shape["key"]["shape"], shape["value"]["shape"]
            for each, held in value.items():
                yield from self._broken_inside(inner, held, f"{path}.{each}.member")
            if any(self.constraints(key, each) for each in value):
                yield self.shown(name, value), path, f"Map keys must satisfy constraint: {self._all_constraints(key, True)}"
            if any(self.constraints(inner, held) for held in value.values()):
                yield self.shown(name, value), path, f"Map value must satisfy constraint: {self._all_constraints(inner, False)}"

    def constraints(self, name, value):
        """The texts of the constraints of this shape itself that the value breaks."""
        shape = self.shape(name)
        kind = shape["type"]
        if kind in ("structure", "boolean", "timestamp"):
            return []
        if kind == "string":
            size = len(value.encode("utf-16-le")) // 2
        else:
            size = value if kind in ("integer", "long", "double", "float") else len(value)
        found = []
        if "max" in shape and size > shape["max"]:
            found.append(_bound(kind, "less", shape["max"]))
        if "min" in shape and size < shape["min"]:
            found.append(_bound(kind, "greater", shape["min"]))
        if kind == "string":
            if "pattern" in shape and not compiled(shape["pattern"]).fullmatch(value):
                found.append(f"Member must satisfy regular expression pattern: {shape['pattern']}")
            if shape.get("enum") and value not in shape["enum"] and (self.service, name) not in SERVICE_ENUMS:
                found.append(_enum(shape))
        return found

    def _all_constraints(self, name, not_null):
        shape = self.shape(name)
        kind = shape["type"]
        found = []
        if kind not in ("structure", "boolean", "timestamp"):
            found += [_bound(kind, word, shape[side]) for side, word in (("max", "less"), ("min", "greater")) if side in shape]
        if "pattern" in shape and kind == "string":
            found.append(f"Member must satisfy regular expression pattern: {shape['pattern']}")
        if shape.get("enum") and (self.service, name) not in SERVICE_ENUMS:
            found.append(_enum(shape))
        return f"[{', '.join(found + (['Member must not be null'] if not_null else []))}]"

    def shown(self, name, value):
        """The value in a message; None where this does not say (structures)."""
        shape = self.shape(name)
        if shape.get("sensitive"):
            return SECRET
        kind = shape["type"]
        if kind == "string":
            return value if len(value) < 1000 else None
        if kind in ("integer", "long"):
            return str(value)
        if kind == "list" and self._is_shown(shape["member"]["shape"]):
            text = f"[{', '.join(map(str, value))}]"
        elif kind == "map" and len(value) == 1 and self._is_shown(shape["key"]["shape"]) and self._is_shown(shape["value"]["shape"]):
            text = f"{{{', '.join(f'{key}={held}' for key, held in value.items())}}}"
        else:
            return None
        return text if len(text) < 1000 else None

    def _is_shown(self, name):
        return self.shape(name)["type"] in ("string", "integer", "long") and not self.shape(name).get("sensitive")


def message_form(service, broken):
    """A compiled expression for the whole message of these broken constraints."""
    if len(broken) == 1:
        _, path, constraint = broken[0]
        words = PATTERN_WORDS.get((service, constraint.partition("regular expression pattern: ")[2]))
        if words and constraint.startswith("Member must satisfy regular"):
            return re.compile(re.escape(f"The specified value for {path} is invalid. {words}"))
    parts = []
    for value, path, constraint in broken:
        shown = {None: r"Value(?: '.*')?", SECRET: "Value", NULL: "Value null"}.get(value, f"Value '{re.escape(str(value))}'")
        parts.append(f"{shown} at '{re.escape(path)}' failed to satisfy constraint: {re.escape(constraint)}")
    plural = "s" if len(parts) > 1 else ""
    return re.compile(f"{len(parts)} validation error{plural} detected: " + "; ".join(parts), re.DOTALL)


def _bound(kind, word, bound):
    what = "value" if kind in ("integer", "long", "double", "float") else "length"
    return f"Member must have {what} {word} than or equal to {bound:g}" if bound < 1e6 else (
        f"Member must have {what} {word} than or equal to {bound}")


def _enum(shape):
    return f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]"


def _lower_first(name):
    return name[:1].lower() + name[1:]
