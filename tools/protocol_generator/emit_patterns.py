"""patterns.cpp: every regular expression of the model as the table of its automaton (protocol/pattern.h)."""

import automaton
from emit_tables import patterns
from emit_types import banner
from model import ModelError, Service
from names import literal
from regex import PatternError


def numbers(values) -> str:
    return ", ".join(str(v) for v in values)


def emit_pattern(index: int, text: str) -> list[str]:
    built = automaton.build(text)
    classes = built.classes
    if len(built.table) > 65535 or classes.count > 255:
        raise PatternError(f"too large for a table: {text!r}")
    flat = [t for row in built.table for t in row]
    width = "std::uint8_t" if len(built.table) <= 256 else "std::uint16_t"
    field = "small" if len(built.table) <= 256 else "large"
    ascii_groups = []
    for point in range(128):
        ascii_groups.append(classes.groups[max(i for i, low in enumerate(classes.starts) if low <= point)])
    upper = [(low, group) for low, group in zip(classes.starts, classes.groups) if low > 127]
    above = [(128, ascii_group(classes, 128))] + [u for u in upper if u[0] != 128]
    return [
        f"// {text!r}: {len(built.table)} states".replace("\\\n", " "),
        f"constexpr std::uint8_t kAscii{index}[128] = {{{numbers(ascii_groups)}}};",
        f"constexpr protocol::PatternRange kRanges{index}[] = {{{numbers(f'{{{low}, {group}}}' for low, group in above)}}};",
        f"constexpr {width} kStates{index}[] = {{{numbers(flat)}}};",
        f"constexpr bool kAccepting{index}[] = {{{numbers(str(a).lower() for a in built.accepting)}}};",
        f"constinit const protocol::Pattern pattern_{index}{{.text = {literal(text)}, .start = {built.start}, "
        f".groups = {classes.count}, .ascii = kAscii{index}, .ranges = kRanges{index}, .{field} = kStates{index}, "
        f".accepting = kAccepting{index}}};",
    ]


def ascii_group(classes: automaton.Classes, point: int) -> int:
    return classes.groups[max(i for i, low in enumerate(classes.starts) if low <= point)]


def emit_patterns(service: Service) -> str:
    lines = [
        banner(service),
        f'#include "protocol/{service.name}/tables.h"',
        "",
        f"namespace lambent::protocol::{service.namespace}::tables {{",
        "",
    ]
    for index, text in enumerate(patterns(service)):
        try:
            lines += emit_pattern(index, text) + [""]
        except PatternError as error:
            raise ModelError(f"{service.name}: {error}") from error
    lines.append(f"}}  // namespace lambent::protocol::{service.namespace}::tables")
    return "\n".join(lines) + "\n"
