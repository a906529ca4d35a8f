"""The handler that a template rehearses starts with (lambent_runtime/template.py)."""

import json
import os

TABLE = os.environ.get("TABLE", "documents")


class Answer(dict):
    def with_status(self, status):
        return Answer(self, statusCode=status)


def handler(event, context):
    return Answer(body=json.dumps(event), table=TABLE).with_status(200)
