"""The root handler of `logging`, in AWS's text and JSON formats. Imported only once `logging` itself is."""

import logging
import os
import time
import traceback

from lambent_runtime import output

_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
_SECONDS = "%Y-%m-%dT%H:%M:%S"
_STANDARD_FIELDS = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {
    "message", "asctime", "taskName", "aws_request_id", "tenant_id",
}


def configure():
    """Adds the handler to the root logger, and sets its level if the function's logging configuration has one."""
    handler = LambdaLoggerHandler()
    handler.setFormatter(_JsonFormatter() if output.json_format() else _TextFormatter(_TEXT, _SECONDS))
    handler.addFilter(_add_ids)
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = {"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}.get(level, level)
    if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(level)


def _add_ids(record):
    record.aws_request_id = output.request_id
    record.tenant_id = output.tenant_id
    return True


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        try:
            text = self.format(record)
            output.write(text if text.endswith("\n") else text + "\n", _level_name(record))
        except Exception:
            self.handleError(record)


class _TextFormatter(logging.Formatter):
    converter = time.gmtime


class _JsonFormatter(logging.Formatter):
    """One JSON object a line; attributes given as `extra` become members of it."""

    converter = time.gmtime

    def format(self, record):
        import json

        is_object = isinstance(record.msg, dict) and not record.args
        entry = {
            "timestamp": self.formatTime(record, _SECONDS + "Z"),
            "level": _level_name(record),
            "message": record.msg if is_object else record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            kind, value, trace = record.exc_info
            entry["stackTrace"] = traceback.format_tb(trace)
            entry["errorType"] = kind.__name__ if kind else None
            entry["errorMessage"] = str(value)
            entry["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        entry["requestId"] = record.aws_request_id
        entry["tenantId"] = record.tenant_id
        for name, value in record.__dict__.items():
            if name not in _STANDARD_FIELDS:
                entry.setdefault(name, value)
        present = {name: value for name, value in entry.items() if value is not None}
        return json.dumps(present, ensure_ascii=False, default=str) + "\n"


def _level_name(record):
    return logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10)
