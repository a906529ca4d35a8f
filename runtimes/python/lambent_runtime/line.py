"""The line to the platform: frames over an inherited stream socket, in place of the Runtime API over HTTP.

One frame a call comes, one goes back (src/runtime_api/frames.h has the layout). Reads and writes block; both restart
after a signal once its Python handler has run (PEP 475).
"""

import os
import select
from _struct import Struct

VARIABLE = "_LAMBENT_RUNTIME_LINE"  # names the descriptor

_CALL = Struct("<IIqHHHHHH")
_ANSWER = Struct("<BBHHHI")
_READ_BYTES = 1 << 16
_JOIN_BYTES_MAX = 1 << 16  # up to this size head and body leave in one write
_TYPE_BYTES_MAX = 1024

_WAITING, _RESPONSE, _ERROR, _INIT_ERROR, _RESTORE_ERROR = 1, 2, 3, 4, 8
_IS_WAITING = 1


class LineError(Exception):
    """The platform cannot be talked to any more; the process must end."""


class Call:
    """One invocation, as it came. Texts are str, and "" where there is none; payload is UTF-8 JSON."""

    __slots__ = ("request_id", "trace_id", "arn", "identity", "tenant_id", "client_context", "deadline_ms", "payload")


class Line:
    """fd: the connected socket, blocking. Not for use by two threads, nor across a fork."""

    def __init__(self, fd):
        self._fd = fd
        self._comes = select.poll()
        self._comes.register(fd, select.POLLIN)
        self._has_said_that_it_waits = False
        os.set_inheritable(fd, False)

    def next(self):
        """Blocks until the platform has an invocation."""
        if not self._has_said_that_it_waits:
            self._write(_ANSWER.pack(_WAITING, _IS_WAITING, 0, 0, 0, 0))
        self._has_said_that_it_waits = False
        data = self._read()
        while len(data) < _CALL.size:
            data += self._read()
        payload, context, deadline_ms, request_id, trace_id, arn, identity, tenant_id, _ = _CALL.unpack_from(data)
        end = _CALL.size + request_id + trace_id + arn + identity + tenant_id + context + payload
        if len(data) < end:
            data = self._read_rest(data, end)
        call = Call()
        at = _CALL.size
        call.request_id = data[at:at + request_id].decode()
        at += request_id
        call.trace_id = data[at:at + trace_id].decode("latin-1")
        at += trace_id
        call.arn = data[at:at + arn].decode()
        at += arn
        call.identity = data[at:at + identity].decode()
        at += identity
        call.tenant_id = data[at:at + tenant_id].decode()
        at += tenant_id
        call.client_context = data[at:at + context].decode()
        call.payload = data[at + context:]
        call.deadline_ms = deadline_ms
        return call

    def post_response(self, request_id, body, content_type):
        """The last of a call: the platform may send the next one at once."""
        self._has_said_that_it_waits = True
        self._post(_RESPONSE, _IS_WAITING, request_id, content_type, body)

    def post_error(self, request_id, body, error_type):
        self._has_said_that_it_waits = True
        self._post(_ERROR, _IS_WAITING, request_id, error_type, body)

    def post_init_error(self, body, error_type):
        self._post(_INIT_ERROR, 0, "", error_type, body)

    def post_restore_error(self, body, error_type):
        self._post(_RESTORE_ERROR, 0, "", error_type, body)

    def _post(self, kind, flags, request_id, kind_of_body, body):
        request_id = request_id.encode()
        name = _printable(kind_of_body)
        head = _ANSWER.pack(kind, flags, len(request_id), len(name), 0, len(body)) + request_id + name
        if len(body) <= _JOIN_BYTES_MAX:
            self._write(head + body)
        else:
            self._write(head)
            self._write(body)

    def _write(self, data):
        try:
            count = os.write(self._fd, data)
            if count < len(data):
                rest = memoryview(data)[count:]
                while rest:
                    rest = rest[os.write(self._fd, rest):]
        except OSError as error:
            raise LineError("the line to the platform is cut: %s" % error) from None

    def _read(self):
        try:
            # That the platform takes what was written wakes whoever waits in read(), to sleep again; not in poll().
            self._comes.poll()
            data = os.read(self._fd, _READ_BYTES)
        except OSError as error:
            raise LineError("the line to the platform is cut: %s" % error) from None
        if not data:
            raise LineError("the platform has closed the line")
        return data

    def _read_rest(self, data, end):
        whole = bytearray(end)
        whole[:len(data)] = data
        rest = memoryview(whole)[len(data):]
        while rest:
            count = os.readv(self._fd, [rest])
            if not count:
                raise LineError("the platform has closed the line")
            rest = rest[count:]
        return whole


def _printable(name):
    """An error's type can be any text; it goes into a header and into the log."""
    if not (name.isascii() and name.isprintable()):
        name = "".join(c for c in name if " " <= c < "\x7f")
    return name[:_TYPE_BYTES_MAX].encode() or b"Error"


def take(environment):
    """The line that the environment names, whose variable is gone then."""
    return Line(int(environment.pop(VARIABLE)))
