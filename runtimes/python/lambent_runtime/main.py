"""The life of an instance: prepare the interpreter, load the handler, then serve one invocation after another."""

import os
import sys

from lambent_runtime import invocation, loader, output
from lambent_runtime.api import RuntimeApi


def main():
    """Runs until the platform ends the process. Reads all it needs from the environment, so call it after a fork."""
    task_root = os.environ.get("LAMBDA_TASK_ROOT", loader.TASK_ROOT)
    loader.arrange_sys_path(task_root)
    loader.arrange_builtins()
    output.arrange()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    handler = _load_or_exit(api, os.environ.get("_HANDLER", ""))
    while True:
        invocation.serve_one(api, handler)


def _load_or_exit(api, name):
    try:
        return loader.load_handler(name)
    except Exception as error:  # SystemExit and its like end the process and are the platform's to report
        from lambent_runtime import faults

        report = faults.describe(error, request_id="")
        output.write_error(report)
        output.flush()
        api.post_init_error(faults.to_json(report), report["errorType"])
        sys.exit(1)
