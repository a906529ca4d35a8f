"""Error reports in the form of AWS's Python runtime. Imported only when something went wrong."""

import os
import traceback

from lambent_runtime import codec
from lambent_runtime.loader import Fault

_OWN_DIR = os.path.dirname(os.path.abspath(__file__)) + os.sep


def describe(error, request_id):
    """The report of an exception: errorMessage, errorType, requestId, stackTrace, in this order."""
    if isinstance(error, Fault):
        error_type, trace = error.error_type, error.trace or []
    else:
        error_type, trace = type(error).__name__, _stack_trace(error)
    return {"errorMessage": _text_of(error), "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def to_json(report):
    return codec.dumps(report)


def _text_of(error):
    try:
        return str(error)
    except Exception:
        return "<unprintable %s object>" % type(error).__name__


def _stack_trace(error):
    """From the user's first frame on. Plain tuples, so that no line of carets is added (Python 3.11 and newer)."""
    frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
    while frames and (frames[0][0].startswith(_OWN_DIR) or frames[0][0].endswith("/bootstrap.py")):
        del frames[0]
    return traceback.format_list(frames)
