"""What the function prints and logs, and the ids of the invocation that runs now.

Everything goes to standard output, unless the platform offers _LAMBDA_TELEMETRY_LOG_FD: then log records and error
reports go to that descriptor in frames (type, length, microseconds: 16 bytes, big-endian; then the text), which keeps
a text of several lines one log event.
"""

import os
import sys
import time

request_id = ""
tenant_id = None

_FRAME_TEXT = 0xA55A0003
_FRAME_JSON = 0xA55A0002
_LEVEL_SHIFT = {"TRACE": 1, "DEBUG": 2, "INFO": 3, "WARNING": 4, "ERROR": 5, "CRITICAL": 6}
_NO_BREAK_SPACE = "\u00a0"  # AWS indents a traceback with it, so that log viewers keep the indentation

_frames_fd = None


def arrange():
    """Prepares sys.stdout, and has `logging` set up in the moment that it is imported by anyone."""
    global _frames_fd
    fd = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    _frames_fd = int(fd) if fd else None
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.line_buffering:
            stream.reconfigure(line_buffering=True)
    if "logging" in sys.modules:
        _configure_logging()
    else:
        sys.meta_path.insert(0, _LoggingFinder())


def json_format():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def write(text, level=None):
    """level: a name of `logging`, or None. The text brings its own line end."""
    if _frames_fd is None:
        sys.stdout.write(text)
        return
    data = text.encode("utf-8", "backslashreplace")
    kind = (_FRAME_JSON if json_format() else _FRAME_TEXT) | _LEVEL_SHIFT.get(level, 0) << 2
    micros = time.time_ns() // 1000
    frame = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + micros.to_bytes(8, "big") + data
    while frame:
        frame = frame[os.write(_frames_fd, frame):]


def write_error(report):
    """Logs a report of faults.describe."""
    if json_format():
        from lambent_runtime import codec

        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write(codec.dumps(dict({"timestamp": stamp, "level": "ERROR"}, **report)).decode() + "\n", "ERROR")
        return
    lines = ["[ERROR] %s: %s" % (report["errorType"], report["errorMessage"]), "Traceback (most recent call last):"]
    for entry in report["stackTrace"]:
        lines += [_with_hard_indent(line) for line in entry.splitlines()]
    write("\n".join(lines) + "\n", "ERROR")


def flush():
    """Before an answer is posted, so that its output is the platform's by then."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the function may have closed or replaced it
            pass


def _with_hard_indent(line):
    text = line.lstrip(" ")
    return _NO_BREAK_SPACE * (len(line) - len(text)) + text


def _configure_logging():
    from lambent_runtime import logs

    logs.configure()


class _LoggingFinder:
    """Finds `logging` as usual, with a loader that also sets it up. A function that never logs never pays for it."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _LoggingLoader(spec.loader)
                return spec
        return None


class _LoggingLoader:
    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _configure_logging()
