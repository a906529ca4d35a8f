"""JSON by the C scanner and encoder of the `_json` module, as `json` uses them.

Importing `json` itself costs a third of the interpreter's start-up time, because it needs `re`. An interpreter whose `_json`
differs from what is used here falls back to `json`.
"""

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:
    make_encoder = make_scanner = None

_WHITESPACE = " \t\n\r"


class _ScannerSettings:
    """What make_scanner reads from its argument: the defaults of json.JSONDecoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__
    memo = {}


_scan = make_scanner(_ScannerSettings) if make_scanner else None


def loads(data):
    """The value of a UTF-8 JSON text (bytes or bytearray). Raises ValueError with json's own messages."""
    text = data.decode()
    if _scan is not None:
        try:
            value, end = _scan(text, len(text) - len(text.lstrip(_WHITESPACE)))
            if not text[end:].strip(_WHITESPACE):
                return value
        except (StopIteration, SystemError, ValueError):
            pass  # not JSON; without `json` loaded the scanner cannot say what is wrong
    import json

    return json.loads(text)


def dumps(value):
    """UTF-8 JSON text (bytes) of a handler's result, by AWS's rules: Decimal becomes a number, bytes inside a
    value become a string, NaN stays NaN. Raises TypeError or ValueError for what has no JSON form."""
    try:
        text = _encode(value, encode_basestring)
    except _RawNumberNeeded:
        text = _encode(value, _encode_string_or_raw, _default_with_raw)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate: only an escape can carry it
        return _encode(value, _encode_ascii_or_raw, _default_with_raw).encode("ascii")


class _RawNumberNeeded(Exception):
    """The value holds a Decimal, which only the slower string function can write without loss."""


class _Raw(str):
    """Text that goes into the output as it is."""


def _encode(value, string_encoder, default=None):
    if make_encoder is None:
        import json

        return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=_plain_default)
    # (markers, default, encoder, indent, key separator, item separator, sort_keys, skipkeys, allow_nan)
    encoder = make_encoder({}, default or _default, string_encoder, None, ": ", ", ", False, False, True)
    return "".join(encoder(value, 0))


def _is_decimal(value):
    return type(value).__module__ == "decimal" and type(value).__name__ == "Decimal"


def _plain_default(value):
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if _is_decimal(value):
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def _default(value):
    if _is_decimal(value):
        raise _RawNumberNeeded
    return _plain_default(value)


def _default_with_raw(value):
    if not _is_decimal(value):
        return _plain_default(value)
    return float("nan") if value.is_nan() else _Raw(value)


def _encode_string_or_raw(text):
    return str.__str__(text) if type(text) is _Raw else encode_basestring(text)


def _encode_ascii_or_raw(text):
    return str.__str__(text) if type(text) is _Raw else encode_basestring_ascii(text)
