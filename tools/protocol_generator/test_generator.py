"""Tests of the generator's parts. Run: python3 -m unittest discover -s tools/protocol_generator (pytest works too)."""

import random
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import automaton  # noqa: E402
import charset  # noqa: E402
import regex  # noqa: E402
from emit_patterns import emit_patterns  # noqa: E402
from emit_service import body_class, emit_service_header, emit_service_source, parse_uri  # noqa: E402
from emit_tables import emit_tables, share  # noqa: E402
from emit_types import emit_types  # noqa: E402
from model import ModelError, Service  # noqa: E402
from names import literal, snake, unique  # noqa: E402

METADATA = {"protocol": "rest-json", "serviceId": "Toy Box", "serviceFullName": "Toys", "apiVersion": "2020-01-02",
            "endpointPrefix": "toys"}


def toy(shapes: dict, **operation) -> Service:
    base = {"Text": {"type": "string"}, "Number": {"type": "integer"}}
    op = {"name": "Play", "http": {"method": "POST", "requestUri": "/play"}, "input": {"shape": "PlayRequest"}}
    return Service("toys", {"metadata": METADATA, "shapes": base | shapes, "operations": {"Play": op | operation}})


def structure(required=(), **members) -> dict:
    return {"type": "structure", "required": list(required), "members": {k: {"shape": v} for k, v in members.items()}}


class Names(unittest.TestCase):
    def test_snake_case(self):
        for name, expected in {"FunctionName": "function_name", "KMSKeyArn": "kms_key_arn", "S3Bucket": "s3_bucket",
                               "CodeSha256": "code_sha256", "UUID": "uuid", "Delete": "delete_", "NULL": "null",
                               "python3.11": "python3_11", "$LATEST": "latest", "": "empty", "2x": "v2x"}.items():
            self.assertEqual(snake(name), expected)

    def test_unique(self):
        self.assertEqual(unique(["a", "b", "a"]), ["a", "b", "a_2"])

    def test_literals_hold_every_byte(self):
        self.assertEqual(literal('a"\\\n?é'), '"a\\"\\\\\\012\\077\\303\\251"')


class Models(unittest.TestCase):
    def test_values_come_before_their_holders(self):
        service = toy({"PlayRequest": structure(A="Outer"), "Outer": structure(B="Inner"), "Inner": structure(C="Text")})
        names = [s.name for s in service.structures]
        self.assertLess(names.index("Inner"), names.index("Outer"))
        self.assertLess(names.index("Outer"), names.index("PlayRequest"))

    def test_recursion_through_a_list_is_allowed(self):
        service = toy({"PlayRequest": structure(Tree="Node"), "Node": structure(Children="Nodes"),
                       "Nodes": {"type": "list", "member": {"shape": "Node"}}})
        self.assertIn("std::optional<std::vector<Node>> children;", emit_types(service))

    def test_recursion_by_value_stops_the_build(self):
        with self.assertRaisesRegex(ModelError, "contains itself"):
            toy({"PlayRequest": structure(Next="PlayRequest")})

    def test_unknown_protocols_stop_the_build(self):
        with self.assertRaisesRegex(ModelError, "rest-xml"):
            Service("toys", {"metadata": METADATA | {"protocol": "rest-xml"}, "shapes": {}, "operations": {}})

    def test_required_members_are_plain(self):
        types = emit_types(toy({"PlayRequest": structure(required=["A"], A="Number", B="Number")}))
        self.assertIn("  std::int32_t a{};", types)
        self.assertIn("  std::optional<std::int32_t> b;", types)

    def test_attribute_values_are_the_native_type(self):
        members = {n: "Text" for n in ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")}
        types = emit_types(toy({"PlayRequest": structure(Value="AttributeValue"), "AttributeValue": structure(**members)}))
        self.assertIn("std::optional<protocol::AttributeValue> value;", types)
        self.assertNotIn("struct AttributeValue", types)

    def test_only_reachable_shapes_are_emitted(self):
        self.assertNotIn("Lost", emit_types(toy({"PlayRequest": structure(), "Lost": structure()})))

    def test_operations_without_input_or_output(self):
        service = Service("toys", {"metadata": METADATA, "shapes": {}, "operations": {
            "Stop": {"name": "Stop", "http": {"method": "POST", "requestUri": "/stop"}}}})
        self.assertIn("Answer<protocol::Nothing> stop(const protocol::CallContext& call, StopRequest request)",
                      emit_service_header(service))
        self.assertIn("struct StopRequest {", emit_types(service))


class Emission(unittest.TestCase):
    def test_uris(self):
        self.assertEqual(parse_uri("/a/{B}/{C+}?d=e&f"),
                         ([("a", False, False), ("B", True, False), ("C", True, True)], [("d", "e"), ("f", "")]))
        with self.assertRaises(ValueError):
            parse_uri("/a{B}")

    def test_parts_share_everything_once(self):
        items = list(range(17))
        self.assertEqual([i for part in range(3) for i in share(items, part, 3)], items)

    def test_body_class_follows_the_input(self):
        blob = {"Bytes": {"type": "blob"}}
        service = toy(blob | {"PlayRequest": structure(Zip="Bytes")})
        self.assertEqual(body_class(service, service.operations[0]), "package")
        service = toy(blob | {"PlayRequest": structure(Data="Bytes") | {"payload": "Data"}})
        self.assertEqual(body_class(service, service.operations[0]), "payload")
        service = toy({"PlayRequest": structure(Name="Text")})
        self.assertEqual(body_class(service, service.operations[0]), "control")

    def test_constraints_and_errors_are_in_the_tables(self):
        service = toy({"PlayRequest": structure(Name="Short"), "Short": {"type": "string", "min": 1, "max": 3, "pattern": "a+"},
                       "Broken": structure(Message="Text") | {"exception": True, "error": {"httpStatusCode": 409}}},
                      errors=[{"shape": "Broken"}])
        tables = emit_tables(service, 0, 1)
        self.assertIn(".has_min = true, .has_max = true, .min = 1, .max = 3, .pattern = &pattern_0", tables)
        self.assertIn('"Broken", "Message", 409, false}', tables)

    def test_a_pattern_that_cannot_be_translated_stops_the_build(self):
        service = toy({"PlayRequest": structure(Name="Odd"), "Odd": {"type": "string", "pattern": r"(a)\1"}})
        with self.assertRaisesRegex(ModelError, "unknown escape"):
            emit_patterns(service)

    def test_source_names_every_operation(self):
        source = emit_service_source(toy({"PlayRequest": structure()}))
        self.assertIn("make_call<&Service::play>", source)
        self.assertIn('.error_namespace = "com.amazonaws.toybox.v20200102"', source)


class Patterns(unittest.TestCase):
    # Where Python and Java agree, Python's own engine is the judge.
    AGREED = [r"[a-zA-Z0-9_.-]+", r"(a|b)*c{2,3}", r"(?!^[0-9]+$)([a-z0-9]+)", r"[a-c\.\-_]*(?<!\.)", r"(ab?){0,3}", r"",
              r"^[^\$]+$", r"a.c", r"(|x)y", r"(^(?!(system\x2e)))(^[_a-z0-9])([^$]*)", r"x(:((?!\d+$)[0-9a-z]+))?",
              r"((?!^\d+$)^[0-9a-z]+$)", r"a{3}", r"a{2,}", r"(a*)*b", r"[\x21-\x7E]+", r"\d{1,2}|\w+@"]

    def test_same_answers_as_python(self):
        rng = random.Random(7)
        alphabet = "abcxy019._-:$@ system\n"
        for pattern in self.AGREED:
            built = automaton.build(pattern)
            reference = re.compile(rf"(?:{pattern})\Z", re.ASCII)
            texts = ["", "system.", "system.a", "x:1a", "x:11"] + [
                "".join(rng.choice(alphabet) for _ in range(rng.randrange(8))) for _ in range(3000)]
            for text in texts:
                # Python's '$' also matches before a last line end, which full matches of these patterns never reach.
                if "$" in pattern and text.endswith("\n"):
                    continue
                self.assertEqual(built.matches(text), reference.match(text) is not None, (pattern, text))

    def test_unicode_classes(self):
        built = automaton.build(r"[\p{L}\p{Z}]+")
        self.assertTrue(built.matches("é 日"))
        self.assertFalse(built.matches("1"))
        self.assertTrue(automaton.build(r"\p{Print}+").matches("a~"))
        self.assertFalse(automaton.build(r"\p{Print}+").matches("é"))

    def test_escaped_surrogate_pairs_are_one_code_point(self):
        built = automaton.build(r"[\uD800\uDC00-\uDBFF\uDFFF]+")
        self.assertTrue(built.matches("\U0001F600"))
        self.assertFalse(built.matches("a"))

    def test_what_is_not_understood_is_refused(self):
        for pattern in (r"a++", r"(a", r"a)", r"[a", r"\1", r"[a[b]]", r"[a&&b]", r"\p{Greek}", r"*a", r"a{x}", r"(a^b)*",
                        r"(?>a)", r"[z-a]"):
            with self.assertRaises((regex.PatternError, ValueError), msg=pattern):
                automaton.build(pattern)

    def test_minimal(self):
        self.assertEqual(len(automaton.build("(a|b)*").table), 2)  # the dead state and one more

    def test_charset_inversion(self):
        some = charset.union(((5, 9),), ((1, 2),), ((10, 12),))
        self.assertEqual(some, ((1, 2), (5, 12)))
        self.assertEqual(charset.invert(charset.invert(some)), some)


if __name__ == "__main__":
    unittest.main()
