"""A template: an interpreter with this client loaded and no user code, of which each instance is a fork.

main() asks the platform's library (src/sandbox/template_child.cpp) for orders and forks on each. The fork becomes an
instance: it joins its sandbox, waits for its assignment, and from then on is what a new interpreter would be, by the
steps of _begin_as_new(). Where a new interpreter would differ in what cannot be changed after its start, _must_exec()
says so, and the fork replaces itself by one.

One thread, no connection, nothing of any user. A page of memory is shared with the template until one of the two writes
to it; so what is loaded is exempt from garbage collection (gc.freeze), and the steps of a fork are few.
"""

import _socket
import gc
import os
import sys

from lambent_runtime import invocation, line, loader, main as client, output, trace_id
from lambent_runtime.context import Surroundings

# Loaded ahead: what handlers import most. All of it costs a new interpreter 0.2 s, and 16 MiB that the forks share.
_COMMON = (
    "argparse asyncio base64 calendar collections concurrent.futures contextlib copy csv ctypes dataclasses "
    "datetime decimal email.message enum functools gzip hashlib hmac html http.client inspect io itertools "
    "json logging math mimetypes operator pathlib pprint random re secrets shutil socket ssl string struct "
    "subprocess tempfile textwrap threading time traceback types typing urllib.error urllib.parse "
    "urllib.request uuid warnings xml.etree.ElementTree zipfile zlib"
).split()

# Read by the interpreter, the C library or OpenSSL at their start only. PYTHONPATH and TZ can follow later.
_START_ONLY = ("PYTHON", "LD_", "LC_", "LANG", "GLIBC_", "MALLOC_", "OPENSSL_")

_LIBRARY = "/var/runtime/lambent_template.so"

_REHEARSALS = 20  # an interpreter specialises code that ran some ten times
_SAMPLE_CALL = b"\x0c" + bytes(15) + b"\1\0\6\0\3\0" + bytes(6) + b'0Root=0arn{"key": [1]}'


def main():
    """Serves fork requests until the platform has no more. In each fork: runs the instance and does not return."""
    own = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("LAMBENT_TEMPLATE_")}
    gc.disable()  # nothing is released on the way, so that forks write to few of these pages
    if own.get("LAMBENT_TEMPLATE_MODE") == "snapshot":
        run = _make_snapshot()
    else:
        run = _make_blank(own.get("LAMBENT_TEMPLATE_PRELOAD", "").split())
    library = _load_library(own.get("LAMBENT_TEMPLATE_LIBRARY", _LIBRARY))
    gc.freeze()
    _fork_on_orders(library, int(own.get("LAMBENT_TEMPLATE_FD", "3")), run)


def _fork_on_orders(library, control, run):
    """run(wait): goes on as the instance, once wait() has given its environment."""

    def wait():
        fd = library.lambent_template_wait() if library.lambent_template_join() == 0 else -1
        if fd < 0:
            os._exit(1)  # the platform knows why
        return _read_environment(fd)

    while library.lambent_template_next(control) == 1:
        child = os.fork()
        if child == 0:
            trace_id.use_one_place(sys.modules["ctypes"])
            run(wait)
        library.lambent_template_forked(child)


def _load_library(path):
    import ctypes

    return ctypes.CDLL(path)


def _make_blank(extras):
    return _Template(extras).become_instance


def _make_snapshot():
    from lambent_runtime.snapshot import Snapshot

    gc.enable()
    snapshot = Snapshot(dict(os.environ))
    gc.collect()

    def run(wait):
        environment = wait()
        _renew_random_numbers()
        _renew_openssl()
        _renew_uuids()
        snapshot.run(environment)

    return run


class _Template:
    """Loads what instances share, and remembers what a new interpreter starts with."""

    def __init__(self, extras):
        with open("/proc/self/environ", "rb") as started:
            given = _parse_environment(started.read())
        self._start_only = _start_only(given)
        # The interpreter itself sets LC_CTYPE where LANG names no locale of this host (PEP 538).
        self._added = {name: value for name, value in os.environ.items() if name not in given}
        self._runtime_dir = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        python_path = os.environ.get("PYTHONPATH", "").split(":")
        self._known_folders = {self._runtime_dir, *python_path}  # what is loaded came from there
        self._library_path = [entry for entry in sys.path[1:] if entry not in python_path]
        own = set(sys.modules)  # a function cannot replace these in a new interpreter either
        _import_all(_COMMON + ["_sitebuiltins", "lambent_runtime.faults", "lambent_runtime.logs"])
        self._standard = _top_names(set(sys.modules) - own)
        before = set(sys.modules)
        _import_all(extras)
        self._extra_modules = set(sys.modules) - before
        self._extras = _top_names(self._extra_modules)
        self._sample_environment = dict(os.environ, **{"SAMPLE_%d" % n: "x" * 20 for n in range(20)})
        os.environ.clear()
        for _ in range(_REHEARSALS):
            self._rehearse()

    def become_instance(self, wait):
        self._rehearse()
        environment = wait()
        gc.enable()
        if self._must_exec(environment):
            runtime = os.path.join(self._runtime_dir, "bootstrap.py")
            os.set_inheritable(int(environment[line.VARIABLE]), True)
            os.execve(sys.executable, [sys.executable, "-S", "-B", runtime], environment)
        self._begin_as_new(environment)
        if self._extras:
            _renew_openssl()
        client.main()

    def _rehearse(self):
        """A start and an invocation, of which nothing stays.

        In the template, so that the interpreter has specialised the code by then; in a fork that waits for its
        assignment, so that the pages which a start writes are its own by then: these faults are most of a start's time.
        """
        task_root = os.path.join(self._runtime_dir, "rehearsal")
        environment = dict(self._sample_environment, LAMBDA_TASK_ROOT=task_root)
        self._must_exec(environment)
        self._begin_as_new(environment)
        loader.arrange_sys_path(task_root)
        loader.arrange_builtins()
        output.arrange()
        _serve_sample(loader.load_handler("sample.handler"))
        del sys.modules["sample"]
        sys.modules["logging"].root.handlers.clear()
        os.environ.clear()

    def _must_exec(self, environment):
        """Whether this fork cannot be made like a new interpreter. What was preloaded beyond the standard library is
        forgotten where the function brings its own."""
        if _start_only(environment) != self._start_only:
            return True
        python_path = environment.get("PYTHONPATH")
        folders = python_path.split(":") if python_path else []
        if not all(folder.startswith("/") for folder in folders):
            return True
        first = loader.first_folders(environment.get("LAMBDA_TASK_ROOT", loader.TASK_ROOT))
        names = _module_names(set(first + folders) - self._known_folders)
        if not names.isdisjoint(self._extras):
            for name in self._extra_modules:
                sys.modules.pop(name, None)
        return not names.isdisjoint(self._standard)

    def _begin_as_new(self, environment):
        os.environ.update(environment)
        os.environ.update(self._added)
        python_path = environment.get("PYTHONPATH")
        sys.path[:] = [self._runtime_dir] + (python_path.split(":") if python_path else []) + self._library_path
        keep = {self._runtime_dir, *self._library_path}
        for folder in [folder for folder in sys.path_importer_cache if folder not in keep]:
            del sys.path_importer_cache[folder]  # finders remember that a folder was not there
        bootstrap = os.path.join(self._runtime_dir, "bootstrap.py")
        sys.argv[:] = [bootstrap]
        sys.modules["__main__"].__file__ = bootstrap
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[:] = [sys.executable, "-S", "-B", bootstrap]
        os.chdir(environment.get("LAMBDA_TASK_ROOT", loader.TASK_ROOT))
        _renew_random_numbers()
        _renew_clocks()


def _import_all(names):
    for name in names:
        try:
            __import__(name)
        except ImportError as error:  # an interpreter built without OpenSSL, for instance
            os.write(2, ("template: %s is not loaded ahead: %s\n" % (name, error)).encode())


def _top_names(modules):
    return {name.partition(".")[0] for name in modules}


def _module_names(folders):
    """What could be imported from the folders, and more: their entries without suffix."""
    names = set()
    for folder in folders:
        try:
            names.update(entry.partition(".")[0] for entry in os.listdir(folder))
        except OSError:
            pass
    return names


def _start_only(environment):
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_START_ONLY) and name != "PYTHONPATH"
    }


def _read_environment(fd):
    data = b""
    while True:
        piece = os.read(fd, 1 << 16)
        if not piece:
            break
        data += piece
    os.close(fd)
    return _parse_environment(data)


def _parse_environment(data):
    """The block NAME=value NUL ... as a dict."""
    pairs = (entry.partition("=") for entry in os.fsdecode(data).split("\0") if entry)
    return {name: value for name, _, value in pairs}


def _renew_random_numbers():
    """Generators that a new interpreter seeds. `random` itself does so in each fork (os.register_at_fork)."""
    loaded = sys.modules
    if "tempfile" in loaded:
        loaded["tempfile"]._name_sequence = None
    if "uuid" in loaded:
        loaded["uuid"]._node = loaded["uuid"]._last_timestamp = None
    if "numpy.random" in loaded:
        loaded["numpy.random"].seed()


def _renew_openssl():
    """OpenSSL knows a fork by its process id, which may be the template's, as each has a pid namespace of its own.
    Needed only where something may have used its generator already: it is seeded at its first use."""
    if "_ssl" in sys.modules:
        sys.modules["_ssl"].RAND_add(os.urandom(32), 32.0)


def _renew_uuids():
    """Needed only where UUIDs of time may have been made already: the C library's generator then counts on in each fork,
    so Python's own takes its place, with another node."""
    uuid = sys.modules.get("uuid")
    if uuid is None:
        return
    uuid._generate_time_safe = None
    uuid._node = int.from_bytes(os.urandom(6), "big") | 1 << 40  # RFC 9562: a random node has the multicast bit
    for version in ("v6", "v7"):
        setattr(uuid, "_last_timestamp_" + version, None)


def _renew_clocks():
    import time

    time.tzset()
    logging = sys.modules.get("logging")
    if logging is not None:
        logging._startTime = time.time_ns() if isinstance(logging._startTime, int) else time.time()
    threading = sys.modules.get("threading")
    if threading is not None and hasattr(threading.main_thread(), "_set_native_id"):
        threading.main_thread()._set_native_id()  # the platform forked once more inside lambent_template_join


def _serve_sample(handler):
    ours, platform = _socket.socketpair()
    platform.sendall(_SAMPLE_CALL)
    invocation.serve_one(line.Line(ours.fileno()), handler, Surroundings(os.environ))
    output.request_id, output.tenant_id = "", None
    ours.close()
    platform.close()
