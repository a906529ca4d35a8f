"""A small Runtime API server for tests, and a runner of one instance against it.

It answers as AWS documents the API (2018-06-01) and records what the client sends, down to chunks and trailers. It
shares nothing with the product's own server.
"""

import json
import os
import queue
import socket
import subprocess
import threading
import time

WAIT_SECONDS = 30


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
        return self.path.rsplit("/", 1)[1]

    def json(self):
        return json.loads(self.body)


class RuntimeApiServer:
    """Listens on a loopback port. invocations: what /next hands out; posted: what came back.

    refuse_status: status for the next POST instead of 202. close_every: end the connection after every answer.
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
        self._send(client, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n%s\r\n" % (status, self._connection_header()))
        return True

    def _connection_header(self):
        return "Connection: close\r\n" if self.close_every else ""

    @staticmethod
    def _send(client, text):
        client.sendall(text.encode())

    def _answer_next(self, client, body, extra):
        head = "HTTP/1.1 200 OK\r\n" + "".join("%s: %s\r\n" % item for item in extra.items())
        head += self._connection_header()
        if not self.chunked:
            client.sendall((head + "Content-Length: %d\r\n\r\n" % len(body)).encode() + body)
            return
        client.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for start in range(0, len(body), 7):
            piece = body[start:start + 7]
            client.sendall(b"%x\r\n" % len(piece))
            client.sendall(piece + b"\r\n")
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


def function_environment(task_root, handler, runtime_dir, address):
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": str(runtime_dir),
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "hello",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


class Instance:
    """One function instance: a task root, a client process, and its Runtime API. Use as a context manager.

    program: the command that starts the client, or a Template to fork it from.
    """

    def __init__(self, program, task_root, handler, runtime_dir=None, env=None, cwd=None):
        self.server = RuntimeApiServer()
        self._count = 0
        self._output = open(os.path.join(str(task_root), "..", "output"), "w+b")
        full = function_environment(task_root, handler, runtime_dir, self.server.address)
        full.update(env or {})
        frames_fd = int(full["_LAMBDA_TELEMETRY_LOG_FD"]) if "_LAMBDA_TELEMETRY_LOG_FD" in full else None
        if isinstance(program, list):
            self.process = subprocess.Popen(
                program, env=full, cwd=str(cwd or task_root), stdin=subprocess.DEVNULL,
                stdout=self._output, stderr=subprocess.STDOUT, pass_fds=[] if frames_fd is None else [frames_fd])
        else:
            self.process = program.fork(full, self._output, frames_fd)
        threading.Thread(target=self._report_exit, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.server.close()
        self._output.close()

    def _report_exit(self):
        self.process.wait()
        self.server.posted.put(None)

    def send(self, event, headers=None, raw=False):
        """Hands out an invocation without waiting for its answer; returns its request id."""
        self._count += 1
        request_id = "00000000-0000-4000-8000-%012d" % self._count
        extra = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:hello",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        }
        extra.update(headers or {})
        extra = {name: value for name, value in extra.items() if value is not None}
        self.server.invocations.put((event if raw else json.dumps(event).encode(), extra))
        return request_id

    def receive(self):
        """The next POST of the client. Fails if the process ends instead."""
        posted = self.server.posted.get(timeout=WAIT_SECONDS)
        assert posted is not None, "the process ended with %s; output: %s" % (self.process.poll(), self.output())
        return posted

    def invoke(self, event, headers=None, raw=False):
        request_id = self.send(event, headers, raw)
        posted = self.receive()
        assert posted.path in (
            "/2018-06-01/runtime/invocation/%s/response" % request_id,
            "/2018-06-01/runtime/invocation/%s/error" % request_id,
        ), (posted.path, self.output())
        return posted

    def result(self, event=None, headers=None):
        """The value a successful invocation gives back."""
        posted = self.invoke(event, headers)
        assert posted.kind == "response", (posted.body, self.output())
        return posted.json()

    def error(self, event=None, headers=None, raw=False):
        """The report of a failing invocation; its errorType is also in the header."""
        posted = self.invoke(event, headers, raw)
        assert posted.kind == "error", posted.body
        report = posted.json()
        assert posted.headers["lambda-runtime-function-error-type"] == report["errorType"]
        return report

    def init_error(self):
        posted = self.receive()
        assert posted.path == "/2018-06-01/runtime/init/error", posted.path
        report = posted.json()
        assert posted.headers["lambda-runtime-function-error-type"] == report["errorType"]
        return report

    def exit_code(self):
        return self.process.wait(timeout=WAIT_SECONDS)

    def output(self):
        """What the process has written so far to standard output and error."""
        return os.pread(self._output.fileno(), 1 << 24, 0).decode()
