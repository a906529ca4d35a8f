"""Plain HTTP over one kept connection, with as little of the client's own time as Python allows."""

import socket
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Connection:
    def __init__(self, port):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(120)

    def call(self, request):
        """(status, body) of one request given as bytes."""
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            while not body.endswith(b"0\r\n\r\n"):
                body += self._more()
            return int(head[9:12]), without_chunks(body)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), body

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed before the answer's end")
        return piece

    def close(self):
        self.socket.close()


def without_chunks(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        out, body = out + body[:int(size, 16)], body[int(size, 16) + 2:]
    return out


def request_bytes(method, path, port, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{n}: {v}" for n, v in dict(headers).items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def wait_for_answer(port, request, seconds=60):
    """Polls until the request is answered with 200; returns the seconds that took."""
    begin = time.perf_counter()
    while True:
        try:
            connection = Connection(port)
            try:
                if connection.call(request)[0] == 200:
                    return time.perf_counter() - begin
            finally:
                connection.close()
        except OSError:
            pass
        if time.perf_counter() - begin > seconds:
            raise TimeoutError(f"no good answer from port {port} within {seconds} s")
        time.sleep(0.0005)
