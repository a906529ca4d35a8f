"""service.h and service.cpp: the interface that a service implements, and the way from a request to it."""

import re

from emit_types import banner
from model import Operation, Service, Shape
from names import literal


def emit_service_header(service: Service) -> str:
    lines = [
        banner(service) + "//",
        "// The operations as virtual functions; see protocol/service.h for how to implement and dispatch them.",
        "#pragma once",
        "",
        "#include <memory>",
        "",
        '#include "protocol/service.h"',
        f'#include "protocol/{service.name}/types.h"',
        "",
        f"namespace lambent::protocol::{service.namespace} {{",
        "",
        "class Service {",
        " public:",
        "  virtual ~Service() = default;",
    ]
    for op in service.operations:
        lines.append(f"  virtual protocol::Answer<{op.output_cpp}> {op.cpp_name}(const protocol::CallContext& call, {op.input.name} request);")
    lines += [
        "};",
        "",
        "const protocol::ServiceModel& model();",
        "std::optional<protocol::OperationInfo> identify(const protocol::HttpRequest& request);",
        "// `service` and `call` must outlive the task.",
        "net::Task<protocol::HttpReply> dispatch(Service& service, const protocol::CallContext& call, protocol::HttpRequest request);",
        "// `service` must outlive the endpoint.",
        "std::unique_ptr<protocol::Endpoint> make_endpoint(Service& service);",
        "",
        f"}}  // namespace lambent::protocol::{service.namespace}",
    ]
    return "\n".join(lines) + "\n"


def parse_uri(uri: str) -> tuple[list[tuple[str, bool, bool]], list[tuple[str, str]]]:
    """'/a/{B}/{C+}?d=e' -> segments (text, is label, is greedy) and query literals."""
    path, _, query = uri.partition("?")
    segments = []
    for part in path.split("/"):
        if not part:
            continue
        label = re.fullmatch(r"\{([^}+]+)(\+?)\}", part)
        if not label and ("{" in part or "}" in part):
            raise ValueError(f"label inside a segment: {uri}")
        segments.append((label[1], True, bool(label[2])) if label else (part, False, False))
    literals = [(key, value) for key, _, value in (item.partition("=") for item in query.split("&") if item)]
    return segments, literals


def body_class(service: Service, op: Operation) -> str:
    """How large a body may become: told by the largest thing that the input can hold."""
    chosen = service.quirks.get("body_class", {})
    if op.name in chosen:
        return chosen[op.name]
    if op.input.payload and next(m for m in op.input.members if m.name == op.input.payload).shape.type == "blob":
        return "payload"
    if any(_contains(m.shape, "blob", set()) for m in op.input.members):
        return "package"
    if any(_contains(m.shape, "attribute_value", set()) for m in op.input.members):
        return "document"
    return "control"


def _contains(shape: Shape, kind: str, seen: set[str]) -> bool:
    if shape.name in seen:
        return False
    seen.add(shape.name)
    if shape.kind() == kind:
        return True
    parts = [m.shape for m in shape.members] + ([shape.element] if shape.element else [])
    return any(_contains(part, kind, seen) for part in parts)


def emit_operation(service: Service, index: int, op: Operation) -> tuple[list[str], str]:
    """Declarations that the entry needs, and the entry."""
    segments, literals = parse_uri(op.uri)
    before = []
    fields = [f".name = {literal(op.name)}", f".method = {literal(op.method)}", f".uri = {literal(op.uri)}"]
    if service.protocol == "rest_json" and segments:
        items = ", ".join(f"{{{literal(t)}, {str(l).lower()}, {str(g).lower()}}}" for t, l, g in segments)
        before.append(f"constexpr protocol::UriSegment kSegments{index}[] = {{{items}}};")
        fields.append(f".segments = kSegments{index}")
    if literals:
        items = ", ".join(f"{{{literal(k)}, {literal(v)}}}" for k, v in literals)
        before.append(f"constexpr protocol::QueryLiteral kLiterals{index}[] = {{{items}}};")
        fields.append(f".query_literals = kLiterals{index}")
    fields.append(f".status = {op.status}")
    fields.append(f".input = &structure_{op.input.name}")
    if op.output:
        fields.append(f".output = &structure_{op.output.name}")
    if op.result_wrapper:
        fields.append(f".result_wrapper = {literal(op.result_wrapper)}")
    if op.streams_output:
        fields.append(".streams_output = true")
    fields.append(f".body_class = protocol::BodyClass::{body_class(service, op)}")
    return before, "    {" + ", ".join(fields) + "},"


def emit_model(service: Service) -> list[str]:
    meta = service.metadata
    fields = [
        f".name = {literal(service.name)}",
        f".id = {literal(meta['serviceId'])}",
        f".api_version = {literal(meta['apiVersion'])}",
        f".signing_name = {literal(meta.get('signingName', meta['endpointPrefix']))}",
        f".endpoint_prefix = {literal(meta['endpointPrefix'])}",
        f".protocol = protocol::WireProtocol::{service.protocol}",
        f".json_version = {literal(meta.get('jsonVersion', ''))}",
        f".target_prefix = {literal(meta.get('targetPrefix', ''))}",
        f".xml_namespace = {literal(meta.get('xmlNamespace', ''))}",
        f".error_namespace = {literal(service.error_namespace)}",
        ".operations = kOperations",
    ]
    return ["constinit const protocol::ServiceModel kModel{"] + [f"    {f}," for f in fields] + ["};"]


def emit_service_source(service: Service) -> str:
    lines = [
        banner(service),
        f'#include "protocol/{service.name}/service.h"',
        "",
        f'#include "protocol/{service.name}/tables.h"',
        '#include "protocol/run.h"',
        "",
        f"namespace lambent::protocol::{service.namespace} {{",
        "namespace {",
        "",
        "using namespace tables;",
        "",
    ]
    entries = []
    for index, op in enumerate(service.operations):
        before, entry = emit_operation(service, index, op)
        lines += before
        entries.append(entry)
    lines += ["constinit const protocol::Operation kOperations[] = {"] + entries + ["};"]
    lines += emit_model(service) + ["", "constexpr protocol::CallFactory<Service> kCalls[] = {"]
    for op in service.operations:
        lines.append(f"    protocol::make_call<&Service::{op.cpp_name}>,")
    lines += ["};", "", "}  // namespace", ""]
    for op in service.operations:
        lines.append(f"protocol::Answer<{op.output_cpp}> Service::{op.cpp_name}(const protocol::CallContext&, "
                     f"{op.input.name}) {{ return {{}}; }}")
    lines += [
        "",
        "const protocol::ServiceModel& model() { return kModel; }",
        "std::optional<protocol::OperationInfo> identify(const protocol::HttpRequest& request) {",
        "  return protocol::identify(kModel, request);",
        "}",
        "net::Task<protocol::HttpReply> dispatch(Service& service, const protocol::CallContext& call, protocol::HttpRequest request) {",
        "  return protocol::dispatch_with<Service>(kModel, kCalls, service, call, std::move(request));",
        "}",
        "std::unique_ptr<protocol::Endpoint> make_endpoint(Service& service) {",
        "  return std::make_unique<protocol::EndpointOf<Service>>(kModel, kCalls, service);",
        "}",
        "",
        f"}}  // namespace lambent::protocol::{service.namespace}",
    ]
    return "\n".join(lines) + "\n"
