"""Names of a service model as C++ names."""

import re

KEYWORDS = frozenset("""
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
""".split())

# Macros of the C library and the compiler that a lower-case name can meet.
MACROS = frozenset({"errno", "stdin", "stdout", "stderr", "linux", "unix"})


def snake(name: str) -> str:
    """FunctionName -> function_name, SSEKMSKeyId -> ssekms_key_id, delete -> delete_."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    name = re.sub(r"([^_])([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z]+)", r"\1_\2", name).lower()
    name = re.sub(r"__+", "_", name).strip("_") or "empty"
    if name[0].isdigit():
        name = "v" + name
    return name + "_" if name in KEYWORDS or name in MACROS else name


def unique(names: list[str]) -> list[str]:
    """Keeps the first of equal names and numbers the others."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.append(name if count == 0 else f"{name}_{count + 1}")
    return result


def literal(text: str) -> str:
    """A C++ string literal, safe for every code point; split where a hexadecimal escape would run on."""
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 0x20 <= byte < 0x7F and not (char == "?"):
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'
