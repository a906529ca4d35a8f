"""A small Runtime API server for tests.

It answers as AWS documents the API (2018-06-01) and records what the client sends, down to chunks and trailers. It
shares nothing with the product's own server.
"""

import json
import queue
import socket
import threading


class Posted:
    """One POST of the client: path, headers (lower-case names), body, trailers, and the connection it came by."""

    def __init__(self, path, headers, body, trailers, connection):
        self.path = path
        self.headers = headers
        self.body = body
        self.trailers = trailers
        self.connection = connection

    @property
    def kind(self):
        return "init/error" if self.path.endswith("/init/error") else self.path.rsplit("/", 1)[1]

    @property
    def request_id(self):
        return "" if self.kind == "init/error" else self.path.split("/")[-2]

    @property
    def type(self):
        return self.headers.get("lambda-runtime-function-error-type") or self.headers.get("content-type")

    def json(self):
        return json.loads(self.body)


class RuntimeApiServer:
    """Listens on a loopback port. invocations: what /next hands out; posted: what came back.

    refuse_status: status for the next POST instead of 202. close_every: end the connection after every answer.
    chunked: hand out events in chunks.
    """

    def __init__(self):
        self.invocations = queue.Queue()
        self.posted = queue.Queue()
        self.refuse_status = None
        self.close_every = False
        self.chunked = False
        self.connections = 0
        self.requests = 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def environment(self):
        return {"AWS_LAMBDA_RUNTIME_API": self.address}

    def inherited(self):
        return []

    def started(self):
        pass

    def ended(self):
        pass

    def close(self):
        for each in [self._listener] + self._sockets:  # shutdown, since a blocked thread keeps a closed one alive
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(client)
            self.connections += 1
            threading.Thread(target=self._serve, args=(client, self.connections), daemon=True).start()

    def _serve(self, client, number):
        stream = client.makefile("rb")
        try:
            while self._serve_one(client, stream, number) and not self.close_every:
                pass
            client.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass

    def _serve_one(self, client, stream, number):
        line = stream.readline().decode()
        if not line:
            return False
        method, path, _ = line.split()
        headers = self._read_headers(stream)
        self.requests += 1
        if method == "GET":
            assert path == "/2018-06-01/runtime/invocation/next", path
            body, extra = self.invocations.get()
            self._answer_next(client, body, extra)
            return True
        trailers = {}
        if headers.get("transfer-encoding") == "chunked":
            body, trailers = self._read_chunks(stream)
        else:
            body = stream.read(int(headers["content-length"]))
        # Before the answer, upon which the client may end: an end is in the queue too.
        self.posted.put(Posted(path, headers, body, trailers, number))
        status, self.refuse_status = self.refuse_status or 202, None
        client.sendall(("HTTP/1.1 %d X\r\nContent-Length: 0\r\n%s\r\n" % (status, self._connection_header())).encode())
        return True

    def _connection_header(self):
        return "Connection: close\r\n" if self.close_every else ""

    def _answer_next(self, client, payload, fields):
        names = {"request_id": "Aws-Request-Id", "deadline_ms": "Deadline-Ms", "arn": "Invoked-Function-Arn",
                 "trace_id": "Trace-Id", "client_context": "Client-Context", "identity": "Cognito-Identity"}
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + self._connection_header()
        head += "".join("Lambda-Runtime-%s: %s\r\n" % (names[name], value) for name, value in fields.items() if value is not None)
        if not self.chunked:
            client.sendall((head + "Content-Length: %d\r\n\r\n" % len(payload)).encode() + payload)
            return
        client.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for start in range(0, len(payload), 7):
            piece = payload[start:start + 7]
            client.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        client.sendall(b"0\r\n\r\n")

    @staticmethod
    def _read_headers(stream):
        headers = {}
        while True:
            line = stream.readline().decode().rstrip("\r\n")
            if not line:
                return headers
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()

    def _read_chunks(self, stream):
        body = b""
        while True:
            size = int(stream.readline(), 16)
            if size == 0:
                return body, self._read_headers(stream)
            body += stream.read(size)
            assert stream.read(2) == b"\r\n"
