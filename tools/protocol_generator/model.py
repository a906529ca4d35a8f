"""A botocore service model (service-2.json), read and put into the order that C++ needs."""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

from names import snake

PROTOCOLS = {"rest-json": "rest_json", "json": "aws_json", "query": "query"}
SCALARS = {
    "boolean": ("boolean", "bool"),
    "integer": ("integer", "std::int32_t"),
    "long": ("long_integer", "std::int64_t"),
    "float": ("floating", "double"),
    "double": ("floating", "double"),
    "string": ("string", "std::string"),
    "character": ("string", "std::string"),
    "blob": ("blob", "std::string"),
    "timestamp": ("timestamp", "protocol::Timestamp"),
}
TIME_FORMATS = {"unixTimestamp": "epoch_seconds", "iso8601": "iso8601", "rfc822": "http_date"}
PLACES = {
    "uri": "label",
    "querystring": "query",
    "header": "header",
    "headers": "header_prefix",
    "statusCode": "status_code",
}
ATTRIBUTE_VALUE = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}


class ModelError(Exception):
    """The model holds something that the generator has no translation for: the build stops."""


@dataclass
class Member:
    name: str
    wire: str
    shape: "Shape"
    place: str
    required: bool
    field_name: str = ""


@dataclass
class Shape:
    name: str
    type: str
    raw: dict
    members: list[Member] = field(default_factory=list)
    key: "Shape | None" = None
    element: "Shape | None" = None
    payload: str | None = None
    event_stream: str | None = None  # the C++ name of the member that is one

    @property
    def is_attribute_value(self) -> bool:
        return self.type == "structure" and set(self.raw.get("members", {})) == ATTRIBUTE_VALUE

    @property
    def is_structure(self) -> bool:
        return self.type == "structure" and not self.is_attribute_value

    @property
    def is_error(self) -> bool:
        return bool(self.raw.get("exception") or self.raw.get("error"))

    @property
    def is_event_stream(self) -> bool:
        return bool(self.raw.get("eventstream"))

    def kind(self) -> str:
        if self.type in SCALARS:
            return SCALARS[self.type][0]
        return "attribute_value" if self.is_attribute_value else self.type

    def cpp(self) -> str:
        """The C++ type of a value of this shape."""
        if self.type in SCALARS:
            return SCALARS[self.type][1]
        if self.is_attribute_value:
            return "protocol::AttributeValue"
        if self.type == "list":
            return f"std::vector<{self.element.cpp()}>"
        if self.type == "map":
            return f"protocol::Map<{self.element.cpp()}>"
        return self.name


@dataclass
class Operation:
    name: str
    method: str
    uri: str
    status: int
    input: Shape
    output: Shape | None
    result_wrapper: str
    streams_output: bool

    @property
    def cpp_name(self) -> str:
        return snake(self.name)

    @property
    def output_cpp(self) -> str:
        return self.output.name if self.output else "protocol::Nothing"


def find_model(venv: Path, service: str, version: str) -> Path:
    """The model's file inside a virtual environment, gzipped or plain."""
    for folder in sorted(venv.glob(f"lib/python3*/site-packages/botocore/data/{service}/{version}")):
        for name in ("service-2.json.gz", "service-2.json"):
            if (folder / name).is_file():
                return folder / name
    raise ModelError(f"no model of {service} {version} in {venv}: is botocore installed there (make venv)?")


def read_json(path: Path) -> dict:
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        return json.load(file)


class Service:
    """One service: shapes reachable from its operations, structures in an order that C++ can declare."""

    def __init__(self, name: str, raw: dict, quirks: dict | None = None):
        self.name = name
        self.metadata = raw["metadata"]
        self.quirks = quirks or {}
        for shape, pattern in self.quirks.get("patterns", {}).items():  # the same in words that regex.py knows
            raw["shapes"][shape]["pattern"] = pattern
        self._raw_shapes = raw["shapes"]
        self._shapes: dict[str, Shape] = {}
        protocol = self.metadata["protocol"]
        if protocol not in PROTOCOLS:
            raise ModelError(f"{name}: protocol {protocol} is not one of {', '.join(PROTOCOLS)}")
        self.protocol = PROTOCOLS[protocol]
        self.operations = [self._operation(key, op) for key, op in sorted(raw["operations"].items())]
        for op in raw["operations"].values():
            for error in op.get("errors", []):
                self.shape(error["shape"])
        self.structures = self._ordered()

    @property
    def namespace(self) -> str:
        return self.name.replace("-", "_")

    @property
    def shapes(self) -> list[Shape]:
        return sorted(self._shapes.values(), key=lambda s: s.name)

    @property
    def errors(self) -> list[Shape]:
        return [s for s in self.structures if s.is_error]

    @property
    def error_namespace(self) -> str:
        service = self.metadata["serviceId"].lower().replace(" ", "")
        return f"com.amazonaws.{service}.v{self.metadata['apiVersion'].replace('-', '')}"

    def _operation(self, name: str, raw: dict) -> Operation:
        if "input" in raw:
            input_shape = self.shape(raw["input"]["shape"])
        else:
            input_shape = self._shapes.setdefault(name + "Request", Shape(name + "Request", "structure", {}))
        output = self.shape(raw["output"]["shape"]) if "output" in raw else None
        streams = output is not None and any(
            self._raw_shapes[m["shape"]].get("eventstream") for m in output.raw.get("members", {}).values())
        http = raw.get("http", {})
        return Operation(name, http.get("method", "POST"), http.get("requestUri", "/"), http.get("responseCode", 200),
                         input_shape, output, raw.get("output", {}).get("resultWrapper", ""), streams)

    def shape(self, name: str) -> Shape:
        if name in self._shapes:
            return self._shapes[name]
        raw = self._raw_shapes[name]
        shape = self._shapes[name] = Shape(name, raw["type"], raw)
        if shape.type not in SCALARS and shape.type not in ("list", "map", "structure"):
            raise ModelError(f"{self.name}: shape {name} has the unknown type {shape.type}")
        if raw.get("document"):
            raise ModelError(f"{self.name}: shape {name} is a document, which is not supported yet")
        if shape.type == "list":
            shape.element = self.shape(raw["member"]["shape"])
        elif shape.type == "map":
            shape.key, shape.element = self.shape(raw["key"]["shape"]), self.shape(raw["value"]["shape"])
            if shape.key.type != "string":
                raise ModelError(f"{self.name}: map {name} has keys of type {shape.key.type}")
        elif shape.is_structure:
            self._members(shape)
        return shape

    def _members(self, shape: Shape) -> None:
        required = set(shape.raw.get("required", []))
        for name, raw in shape.raw.get("members", {}).items():
            if self._raw_shapes[raw["shape"]].get("eventstream"):
                shape.event_stream = snake(name)  # streamed by the edge, not a value
                continue
            target = self.shape(raw["shape"])
            time_format = raw.get("timestampFormat")
            if time_format and time_format != target.raw.get("timestampFormat"):
                raise ModelError(f"{self.name}: {shape.name}.{name} has a timestampFormat of its own")
            place = PLACES[raw["location"]] if "location" in raw else "body"
            shape.members.append(Member(name, raw.get("locationName", name), target, place, name in required,
                                        snake(name)))
        payload = shape.raw.get("payload")
        if payload and any(m.name == payload for m in shape.members):
            shape.payload = payload
        fields = [m.field_name for m in shape.members]
        if len(set(fields)) != len(fields):
            raise ModelError(f"{self.name}: two members of {shape.name} have the same C++ name")

    def _ordered(self) -> list[Shape]:
        """Structures so that one held by value comes before its holder (lists and maps hold by pointer)."""
        ordered: list[Shape] = []
        state: dict[str, str] = {}

        def visit(shape: Shape) -> None:
            if state.get(shape.name) == "done":
                return
            if state.get(shape.name) == "open":
                raise ModelError(f"{self.name}: {shape.name} contains itself other than through a list or map")
            state[shape.name] = "open"
            for member in shape.members:
                if member.shape.is_structure:
                    visit(member.shape)
            state[shape.name] = "done"
            ordered.append(shape)

        for shape in self.shapes:
            if shape.is_structure and not shape.is_event_stream:
                visit(shape)
        return ordered
