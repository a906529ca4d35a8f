"""The platform's end of a runtime line for tests: hands out invocations, and records what the client sends.

It shares nothing with the product's own code (src/runtime_api/frames.h says what goes over the line).
"""

import fcntl
import json
import os
import queue
import socket
import struct
import threading

CALL = struct.Struct("<IIqHHHHHH")
ANSWER = struct.Struct("<BBHHHI")
KINDS = {1: "waiting", 2: "response", 3: "error", 4: "init/error", 8: "restore/error"}
STREAM_BEGIN, STREAM_PART, STREAM_END = 5, 6, 7
LOWEST_FD = 60  # as the platform, out of the way of what an interpreter has open


class Posted:
    """One answer or report of the client. type: content type of a response, error type of all else."""

    def __init__(self, kind, request_id, type, body, parts=None):
        self.kind = kind
        self.request_id = request_id
        self.type = type
        self.body = body
        self.parts = parts  # of an answer that came in parts
        self.failed = None  # (error type, report) where it failed midway

    def json(self):
        return json.loads(self.body)


class LineServer:
    """invocations: (payload, fields) that the client is handed when it waits; posted: what came back.

    in_pieces: invocations are sent a few bytes at a time. fd: the client's end, for one process to inherit.
    """

    def __init__(self):
        self.invocations = queue.Queue()
        self.posted = queue.Queue()
        self.in_pieces = False
        self._ours, theirs = socket.socketpair()
        self.fd = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, LOWEST_FD)
        theirs.close()
        self._is_waiting = False
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def environment(self):
        return {"_LAMBENT_RUNTIME_LINE": str(self.fd)}

    def inherited(self):
        return [self.fd]

    def started(self):
        """The client has inherited its end."""
        os.close(self.fd)

    def ended(self):
        """The client has ended: waits until all that it sent has been taken."""
        while self._serving.is_alive() and not self._is_waiting:
            self._serving.join(0.01)

    def close(self):
        try:
            self._ours.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _serve(self):
        stream = self._ours.makefile("rb")
        try:
            while self._take_frame(stream):
                pass
        except (OSError, ValueError):
            pass
        stream.close()
        self._ours.close()

    def _take_frame(self, stream):
        kind, is_waiting, request_id, type, body = read_frame(stream)
        if kind == STREAM_BEGIN:
            posted, is_waiting = self._take_stream(stream, request_id, type, body)
            self.posted.put(posted)
        elif KINDS[kind] != "waiting":
            self.posted.put(Posted(KINDS[kind], request_id, type, body))
        if is_waiting:
            self._is_waiting = True
            call = self.invocations.get()
            self._is_waiting = False
            self._hand_out(*call)
        return True

    @staticmethod
    def _take_stream(stream, request_id, content_type, body):
        parts = [body] if body else []
        while True:
            kind, is_waiting, no_id, error_type, part = read_frame(stream)
            if kind != STREAM_END:
                assert (kind, is_waiting, no_id, error_type) == (STREAM_PART, 0, "", "")
                parts.append(part)
                continue
            posted = Posted("response", request_id, content_type, b"".join(parts), parts)
            if error_type:
                posted.failed = (error_type, json.loads(part))
            return posted, is_waiting

    def _hand_out(self, payload, fields):
        texts = [fields.get(name, "").encode() for name in ("request_id", "trace_id", "arn", "identity", "tenant_id")]
        context = fields.get("client_context", "").encode()
        head = CALL.pack(len(payload), len(context), fields["deadline_ms"], *map(len, texts), 0)
        frame = head + b"".join(texts) + context + payload
        if not self.in_pieces:
            return self._ours.sendall(frame)
        for start in range(0, len(frame), 7):
            self._ours.sendall(frame[start:start + 7])


def read_frame(stream):
    head = stream.read(ANSWER.size)
    if len(head) < ANSWER.size:
        raise ValueError("the client has closed the line")
    kind, flags, id_bytes, type_bytes, zero, body_bytes = ANSWER.unpack(head)
    assert flags in (0, 1) and zero == 0
    return kind, flags, stream.read(id_bytes).decode(), stream.read(type_bytes).decode(), stream.read(body_bytes)
