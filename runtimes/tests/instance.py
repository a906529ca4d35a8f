"""A runner of one function instance under test: a client process, and the platform that it talks to."""

import json
import os
import subprocess
import threading
import time

WAIT_SECONDS = 30


def function_environment(task_root, handler, runtime_dir):
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": str(runtime_dir),
        "AWS_LAMBDA_FUNCTION_NAME": "hello",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


class Instance:
    """One function instance: a task root, a client process, and its platform. Use as a context manager.

    program: the command that starts the client, or a Template to fork it from. server: LineServer, or RuntimeApiServer
    for a client that speaks HTTP.
    """

    def __init__(self, program, task_root, handler, runtime_dir, env, server):
        self.server = server
        self._count = 0
        self._output = open(os.path.join(str(task_root), "..", "output"), "w+b")
        full = {**function_environment(task_root, handler, runtime_dir), **server.environment(), **(env or {})}
        frames_fd = int(full["_LAMBDA_TELEMETRY_LOG_FD"]) if "_LAMBDA_TELEMETRY_LOG_FD" in full else None
        inherited = server.inherited() + ([] if frames_fd is None else [frames_fd])
        if isinstance(program, list):
            self.process = subprocess.Popen(
                program, env=full, cwd=str(task_root), stdin=subprocess.DEVNULL, stdout=self._output,
                stderr=subprocess.STDOUT, pass_fds=inherited)
        else:
            self.process = program.fork(full, self._output, inherited)
        server.started()
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
        self.server.ended()
        self.server.posted.put(None)

    def send(self, event, fields=None, raw=False):
        """Hands out an invocation without waiting for its answer; returns its request id. fields: beside the payload."""
        self._count += 1
        request_id = "00000000-0000-4000-8000-%012d" % self._count
        full = {
            "request_id": request_id,
            "deadline_ms": int(time.time() * 1000) + 60000,
            "arn": "arn:aws:lambda:us-east-1:123456789012:function:hello",
            "trace_id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            **(fields or {}),
        }
        self.server.invocations.put((event if raw else json.dumps(event).encode(), full))
        return request_id

    def receive(self):
        """What the client posts next. Fails if the process ends instead."""
        posted = self.server.posted.get(timeout=WAIT_SECONDS)
        assert posted is not None, "the process ended with %s; output: %s" % (self.process.poll(), self.output())
        return posted

    def invoke(self, event, fields=None, raw=False):
        request_id = self.send(event, fields, raw)
        posted = self.receive()
        assert (posted.kind, posted.request_id) in (("response", request_id), ("error", request_id)), self.output()
        return posted

    def result(self, event=None, fields=None):
        """The value a successful invocation gives back."""
        posted = self.invoke(event, fields)
        assert posted.kind == "response", (posted.body, self.output())
        return posted.json()

    def error(self, event=None, fields=None, raw=False):
        """The report of a failing invocation; its errorType stands beside it too."""
        posted = self.invoke(event, fields, raw)
        assert posted.kind == "error", posted.body
        report = posted.json()
        assert posted.type == report["errorType"]
        return report

    def init_error(self):
        posted = self.receive()
        assert posted.kind == "init/error", posted.kind
        report = posted.json()
        assert posted.type == report["errorType"]
        return report

    def exit_code(self):
        return self.process.wait(timeout=WAIT_SECONDS)

    def output(self):
        """What the process has written so far to standard output and error."""
        return os.pread(self._output.fileno(), 1 << 24, 0).decode()
