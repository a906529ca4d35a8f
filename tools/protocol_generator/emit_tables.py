"""tables.h and tables_<n>.cpp: the model as constant data (protocol/shape.h)."""

from emit_types import banner
from model import SCALARS, TIME_FORMATS, Service, Shape
from names import literal, snake


def emit_tables_header(service: Service) -> str:
    lines = [
        banner(service),
        "#pragma once",
        "",
        '#include "protocol/pattern.h"',
        '#include "protocol/shape.h"',
        "",
        f"namespace lambent::protocol::{service.namespace}::tables {{",
        "",
    ]
    lines += [f"extern const protocol::Structure structure_{s.name};" for s in service.structures]
    lines += [f"extern const protocol::Shape shape_{s.name};" for s in table_shapes(service)]
    lines += [f"extern const protocol::Pattern pattern_{i};" for i in range(len(patterns(service)))]
    lines += ["", f"}}  // namespace lambent::protocol::{service.namespace}::tables"]
    return "\n".join(lines) + "\n"


def table_shapes(service: Service) -> list[Shape]:
    return [s for s in service.shapes if not s.is_event_stream and not s.is_error]


def patterns(service: Service) -> list[str]:
    return sorted({s.raw["pattern"] for s in service.shapes if "pattern" in s.raw})


def emit_constraints(service: Service, shape: Shape, pattern_index: dict[str, int]) -> list[str]:
    """The constant kConstraints_<shape>, and before it what it points to; nothing where the shape has none."""
    raw = shape.raw
    lines, fields = [], []
    if "min" in raw:
        fields += [".has_min = true", f".min = {raw['min']}"]
    if "max" in raw:
        fields = [f for f in fields if not f.startswith(".min =")]
        fields += [".has_max = true"] + ([f".min = {raw['min']}"] if "min" in raw else []) + [f".max = {raw['max']}"]
    if "pattern" in raw:
        fields.append(f".pattern = &pattern_{pattern_index[raw['pattern']]}")
        words = service.quirks.get("pattern_words", {}).get(raw["pattern"])
        if words:
            fields.append(f".pattern_words = {literal(words)}")
    if "enum" in raw and shape.name not in service.quirks.get("unchecked_enums", []):
        values = ", ".join(literal(v) for v in raw["enum"])
        lines.append(f"constexpr std::string_view kValues_{shape.name}[] = {{{values}}};")
        fields.append(f".values = kValues_{shape.name}")
    if fields:
        lines.append(f"constinit const protocol::Constraints kConstraints_{shape.name}{{{', '.join(fields)}}};")
    return lines


def emit_shape(service: Service, shape: Shape, constrained: bool) -> str:
    fields = [f".name = {literal(shape.name)}", f".kind = protocol::Kind::{shape.kind()}"]
    if shape.raw.get("sensitive"):
        fields.append(".sensitive = true")
    if shape.raw.get("flattened"):
        fields.append(".flattened = true")
    if shape.type == "timestamp" and "timestampFormat" in shape.raw:
        fields.append(f".time_format = protocol::TimeFormat::{TIME_FORMATS[shape.raw['timestampFormat']]}")
    if constrained:
        fields.append(f".constraints = &kConstraints_{shape.name}")
    if shape.is_structure:
        fields.append(f".structure = &structure_{shape.name}")
    if shape.key:
        fields.append(f".key = &shape_{shape.key.name}")
    if shape.element:
        fields.append(f".element = &shape_{shape.element.name}")
        fields.append(f".{shape.type} = &protocol::k{shape.type.title()}Ops<{shape.element.cpp()}>")
    if shape.type == "list" and "locationName" in shape.raw.get("member", {}):
        fields.append(f".element_name = {literal(shape.raw['member']['locationName'])}")
    return f"constinit const protocol::Shape shape_{shape.name}{{{', '.join(fields)}}};"


def emit_structure(shape: Shape) -> list[str]:
    lines = []
    fields = [f".name = {literal(shape.name)}"]
    if shape.members:
        lines.append(f"constinit const protocol::Member kMembers_{shape.name}[] = {{")
        for member in shape.members:
            optional = "nullptr" if member.required else f"&protocol::kOptionalOps<{member.shape.cpp()}>"
            lines.append(f"    {{{literal(member.name)}, {literal(member.wire)}, &shape_{member.shape.name}, {optional}, "
                         f"offsetof({shape.name}, {member.field_name}), protocol::Place::{member.place}, "
                         f"{str(member.required).lower()}}},")
        lines.append("};")
        fields.append(f".members = kMembers_{shape.name}")
    if shape.payload:
        fields.append(f".payload = {[m.name for m in shape.members].index(shape.payload)}")
    lines.append(f"constinit const protocol::Structure structure_{shape.name}{{{', '.join(fields)}}};")
    return lines


def emit_error(service: Service, shape: Shape) -> list[str]:
    error = shape.raw.get("error", {})
    fault = bool(shape.raw.get("fault")) or error.get("senderFault") is False or error.get("httpStatusCode", 400) >= 500
    status = error.get("httpStatusCode", 500 if fault else 400)
    message = next((m.wire for m in shape.members if m.name.lower() == "message"), "")
    return [
        f"{shape.name}::operator protocol::ServiceError() const {{",
        f"  constexpr protocol::ErrorShape shape{{&structure_{shape.name}, {literal(error.get('code', shape.name))}, "
        f"{literal(message)}, {status}, {str(fault).lower()}}};",
        "  return protocol::make_error(shape, this);",
        "}",
    ]


def emit_tables(service: Service, part: int, parts: int) -> str:
    """The part-th of `parts` source files; each has its share of the shapes and structures."""
    pattern_index = {p: i for i, p in enumerate(patterns(service))}
    lines = [
        banner(service),
        f'#include "protocol/{service.name}/tables.h"',
        "",
        "#include <cstddef>",
        "",
        f'#include "protocol/{service.name}/types.h"',
        '#include "protocol/shape_ops.h"',
        "",
        "// The structs are plain data; offsetof is exact for them, though the standard promises it for fewer types.",
        '#pragma clang diagnostic ignored "-Winvalid-offsetof"',
        "",
        f"namespace lambent::protocol::{service.namespace} {{",
        "namespace tables {",
    ]
    for shape in share(table_shapes(service), part, parts):
        constraints = emit_constraints(service, shape, pattern_index)
        constrained = any("kConstraints_" in line for line in constraints)
        lines += constraints + [emit_shape(service, shape, constrained)]
    for shape in share(service.structures, part, parts):
        lines += emit_structure(shape)
    lines += ["}  // namespace tables", "", "using namespace tables;"]
    for shape in share(service.errors, part, parts):
        lines += emit_error(service, shape)
    lines += ["", f"}}  // namespace lambent::protocol::{service.namespace}"]
    return "\n".join(lines) + "\n"


def share(items: list, part: int, parts: int) -> list:
    return items[len(items) * part // parts:len(items) * (part + 1) // parts]
