"""The environment variable that names the trace of the invocation that runs.

setenv(3) of glibc keeps every value that it was ever given: with one for each invocation it takes more memory and time
from call to call. So an instance that has ctypes loaded anyway, as a fork of a template, writes the value to one place of
its own.
"""

import os

_NAME = "_X_AMZN_TRACE_ID"
_KEY = _NAME.encode()
_BYTES_MAX = 1024

_place = None


def set_current(trace_id):
    """"" removes it."""
    if not trace_id:
        os.environ.pop(_NAME, None)
    elif _place is None or not _place.put(os.fsencode(trace_id)):
        os.environ[_NAME] = trace_id


def use_one_place(ctypes):
    """For the rest of the process."""
    global _place
    if isinstance(getattr(os.environ, "_data", None), dict):
        _place = _Place(ctypes)


class _Place:
    """An entry of the C library's environment, and its counterpart in os.environ."""

    def __init__(self, ctypes):
        self._entry = ctypes.create_string_buffer(_KEY + b"=", len(_KEY) + 1 + _BYTES_MAX + 1)
        self._value = memoryview(self._entry).cast("B")[len(_KEY) + 1:]
        self._putenv = ctypes.CDLL(None).putenv
        self._seen = os.environ._data
        self._last = None

    def put(self, value):
        """False where it does not fit."""
        if len(value) > _BYTES_MAX or b"\0" in value:
            return False
        self._value[:len(value) + 1] = value + b"\0"
        if self._last is None or self._seen.get(_KEY) is not self._last:  # the function has changed it
            self._putenv(self._entry)
        self._seen[_KEY] = self._last = value
        return True
