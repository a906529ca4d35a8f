"""The Lambda Runtime API over one kept-alive HTTP/1.1 connection.

Uses the C module _socket: `socket` and `http.client` would double the start-up time of the interpreter.
Blocking reads restart after a signal once its Python handler has run (PEP 475).
"""

import _socket

_PREFIX = "/2018-06-01/runtime/"
_HEAD_BYTES_MAX = 1 << 20
_JOIN_BYTES_MAX = 1 << 16  # up to this size head and body leave in one send


class ApiError(Exception):
    """The platform cannot be talked to any more; the process must end."""


class RuntimeApi:
    """address: "host:port". Connects at the first request, unless a connected socket is given. Not for use by two
    threads, nor across a fork."""

    def __init__(self, address, connection=None):
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._host_header = address
        self._socket = connection
        self._received = b""  # bytes read past the last response

    def next(self):
        """Blocks until the platform has an invocation: (headers with lower-case names, body)."""
        status, headers, body = self._request("GET", "invocation/next")
        if status != 200:
            raise ApiError("the runtime API answered %d to invocation/next" % status)
        return headers, body

    def post_response(self, request_id, body, content_type):
        self._post("invocation/%s/response" % request_id, body, "Content-Type: %s\r\n" % content_type)

    def post_error(self, request_id, body, error_type):
        self._post("invocation/%s/error" % request_id, body, _error_headers(error_type))

    def post_init_error(self, body, error_type):
        self._post("init/error", body, _error_headers(error_type))

    def post_restore_error(self, body, error_type):
        self._post("restore/error", body, _error_headers(error_type))

    def _post(self, path, body, headers):
        """A refusal (such as 413) is already known to the platform, which answers the caller; so the loop goes on.
        A server error means that the platform has given this instance up."""
        try:
            status, _, _ = self._request("POST", path, headers, body)
        except OSError:  # refused before the whole body was read: the next request finds out whether it is alive
            self._close()
            return
        if status >= 500:
            raise ApiError("the runtime API answered %d to %s" % (status, path))

    def _request(self, method, path, headers="", body=b""):
        length = "Content-Length: %d\r\n" % len(body) if method == "POST" else ""
        head = "%s %s%s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n" % (method, _PREFIX, path, self._host_header, length, headers)
        reused = self._socket is not None
        try:
            self._send(head.encode("latin-1"), body)
            return self._read_response()
        except OSError:
            self._close()
            if not reused or method != "GET":
                raise
        self._send(head.encode("latin-1"), body)  # the server had closed an idle connection
        return self._read_response()

    def _connect(self):
        family = _socket.AF_INET6 if ":" in self._address[0] else _socket.AF_INET
        self._socket = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        self._socket.connect(self._address)
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._received = b""

    def _close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, head, body):
        if self._socket is None:
            self._connect()
        if len(body) <= _JOIN_BYTES_MAX:
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head, _socket.MSG_MORE)
            self._socket.sendall(body)

    def _read_response(self):
        lines = self._read_until(b"\r\n\r\n").decode("utf-8", "replace").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._read_chunks()
        else:
            body = self._read_exactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self._close()
        return status, headers, body

    def _receive(self):
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("the runtime API closed the connection")
        return data

    def _read_until(self, mark):
        while mark not in self._received:
            if len(self._received) > _HEAD_BYTES_MAX:
                raise ApiError("the runtime API sent a header of more than %d bytes" % _HEAD_BYTES_MAX)
            self._received += self._receive()
        found, _, self._received = self._received.partition(mark)
        return found

    def _read_exactly(self, length):
        have = self._received[:length]
        self._received = self._received[length:]
        if len(have) == length:
            return have
        body = bytearray(length)
        body[: len(have)] = have
        rest = memoryview(body)[len(have):]
        while rest:
            count = self._socket.recv_into(rest)
            if not count:
                raise ConnectionResetError("the runtime API closed the connection")
            rest = rest[count:]
        return body

    def _read_chunks(self):
        body = b""
        while True:
            size = int(self._read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self._read_until(b"\r\n"):
                    pass  # trailers
                return body
            body += self._read_exactly(size)
            self._read_until(b"\r\n")


def _error_headers(error_type):
    name = "".join(c for c in error_type if " " < c < "\x7f") or "Error"
    return "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: %s\r\n" % name
