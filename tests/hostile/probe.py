"""A function that runs whatever Python the test sends it, inside its own sandbox, and answers with `result`."""

import errno

CODE = """
import ctypes, errno, json, os, resource, signal, socket, stat, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def failure(action, *arguments, **options):
    # The name of the error that the action ends with; None where it goes through.
    try:
        action(*arguments, **options)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))

def syscall(*arguments):
    result = libc.syscall(*[ctypes.c_long(a) for a in arguments])
    return errno.errorcode[ctypes.get_errno()] if result < 0 else None

def connect(address, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.settimeout(3)
        return failure(s.connect, address)

def handler(event, context):
    scope = {**globals(), "context": context}
    exec(event, scope)
    return scope["result"]
"""


class Probe:
    def __init__(self, server, **options):
        self.server = server
        self.name = server.create_function({"app.py": CODE}, **{"Timeout": 60, "MemorySize": 512, **options})

    def __call__(self, code):
        """What the code leaves in `result`."""
        answer, response = self.server.invoke(self.name, code)
        assert "FunctionError" not in response, answer
        return answer

    def raw(self, code):
        return self.server.invoke(self.name, code)


def errors(*names):
    assert all(hasattr(errno, name) for name in names)
    return set(names)


def refusals(found, *allowed):
    """That everything tried was refused, with one of these errors."""
    passed = {what: how for what, how in found.items() if how not in errors(*allowed)}
    assert found and passed == {}


class Attacker:
    """A C program of programs/ as a custom runtime. Calling it gives what it reports: {what it tried: how it ended}."""

    def __init__(self, server, program, **options):
        self.server = server
        self.name = server.create_function({"bootstrap!": program}, runtime="provided.al2023", handler="x",
                                           **{"Timeout": 60, "MemorySize": 512, **options})

    def __call__(self, event=None):
        answer, response = self.server.invoke(self.name, event)
        assert "FunctionError" not in response, answer
        return answer

    def raw(self, event=None, **options):
        return self.server.invoke(self.name, event, **options)
