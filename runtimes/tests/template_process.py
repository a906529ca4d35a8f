"""A template under test, driven through template_double.c, and the instances that it forks."""

import glob
import os
import signal
import socket
import subprocess
import threading

from instance import function_environment
from line_server import LineServer
from runtime_paths import RUNTIMES

FORK_SECONDS = 30


def build_library(source, folder):
    """Compiles one of this folder's stand-ins for the platform's library; returns its path."""
    return _build([os.path.join(os.path.dirname(os.path.abspath(__file__)), source)], folder, "lambent_template.so")


def build_node_addon(folder):
    """Compiles the add-on of the Node.js runtime; returns its path."""
    node = subprocess.run(["node", "-p", "process.execPath"], capture_output=True, text=True, check=True).stdout
    headers = os.path.join(os.path.dirname(os.path.dirname(node)), "include", "node")
    sources = sorted(glob.glob(os.path.join(RUNTIMES, "nodejs", "native", "*.c")))
    return _build(sources, folder, "lambent_fork.node", "-I" + headers)


def _build(sources, folder, name, *flags):
    library = os.path.join(str(folder), name)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", *flags, "-o", library, *sources], check=True)
    return library


class Template:
    """argv: command of the template. fork() may be called by one thread at a time."""

    def __init__(self, argv, library, env=None, cwd="/", output=None, inherited=()):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        full = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBENT_TEMPLATE_FD": str(theirs.fileno()),
            "LAMBENT_TEMPLATE_LIBRARY": library,
        }
        full.update(env or {})
        self._control = ours
        self.control_fd = theirs.fileno()
        self.process = subprocess.Popen(argv, env=full, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
                                        stderr=output, pass_fds=[theirs.fileno(), *inherited])
        theirs.close()
        self.on_fork = lambda process: None  # called with a fork before it is assigned
        self._forked = None
        self._came = threading.Condition()
        self._children = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(self, env, output, inherited=()):
        """A forked instance that has its assignment. output: file object; inherited: it gets these descriptors under
        the same numbers."""
        read_end, write_end = os.pipe()
        fds = [output.fileno(), read_end, *inherited]
        with self._came:
            self._forked = None
            socket.send_fds(self._control, [" ".join(map(str, inherited)).encode()], fds)
            os.close(read_end)
            if not self._came.wait_for(lambda: self._forked or self.process.poll() is not None, FORK_SECONDS):
                raise TimeoutError("the template does not fork")
            assert self._forked, "the template ended with %s" % self.process.poll()
            self.on_fork(self._forked)
            os.write(write_end, b"".join(("%s=%s" % item).encode() + b"\0" for item in env.items()))
            os.close(write_end)
            return self._forked

    def stop(self):
        self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        try:
            return self.process.wait(FORK_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def _listen(self):
        while True:
            try:
                words = self._control.recv(64).split()
            except OSError:
                words = []
            with self._came:
                if not words:
                    for child in self._children.values():
                        child.end(None)
                    self._came.notify_all()
                    return
                if words[0] == b"F":
                    self._forked = self._children[int(words[1])] = ForkedProcess(int(words[1]))
                else:
                    self._children.pop(int(words[1])).end(os.waitstatus_to_exitcode(int(words[2])))
                self._came.notify_all()


class ForkedProcess:
    """A child of the template, with the part of subprocess.Popen that the tests use."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None
        self._ended = threading.Event()

    def end(self, returncode):
        self.returncode = returncode
        self._ended.set()

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("forked instance", timeout)
        return self.returncode

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)


class SnapshotTemplate(Template):
    """A template in which a function's INIT runs. server: its platform, for errors of INIT."""

    def __init__(self, argv, library, starter, handler, runtime_dir, env=None):
        self.server = LineServer()
        self._output = open(os.path.join(str(starter.task_root), "..", "init-output"), "w+b")
        full = {**function_environment(starter.task_root, handler, runtime_dir), **self.server.environment()}
        full.update({"LAMBENT_TEMPLATE_MODE": "snapshot", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", **(env or {})})
        super().__init__(argv, library, full, cwd=str(starter.task_root), output=self._output,
                         inherited=self.server.inherited())
        self.server.started()

    def output(self):
        return os.pread(self._output.fileno(), 1 << 20, 0).decode()

    def stop(self):
        self.server.close()
        return super().stop()
