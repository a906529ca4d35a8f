"""The life of an instance: prepare the interpreter, load the handler, then serve one invocation after another."""

import os
import sys

from lambent_runtime import invocation, loader, output
from lambent_runtime.api import RuntimeApi


def main():
    """Runs until the platform ends the process. Reads all it needs from the environment, so call it after a fork."""
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    serve(api, initialize(api))


def initialize(api):
    """INIT: the user's handler, loaded. Where that fails: reports it and ends the process."""
    loader.arrange_sys_path(os.environ.get("LAMBDA_TASK_ROOT", loader.TASK_ROOT))
    loader.arrange_builtins()
    output.arrange()
    try:
        return loader.load_handler(os.environ.get("_HANDLER", ""))
    except Exception as error:  # SystemExit and its like end the process and are the platform's to report
        report_and_exit(api.post_init_error, error)


def serve(api, handler):
    while True:
        invocation.serve_one(api, handler)


def report_and_exit(post, error):
    from lambent_runtime import faults

    report = faults.describe(error, request_id="")
    output.write_error(report)
    output.flush()
    post(faults.to_json(report), report["errorType"])
    sys.exit(1)
