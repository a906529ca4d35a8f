"""The life of an instance: prepare the interpreter, load the handler, then serve one invocation after another."""

import os
import sys

from lambent_runtime import invocation, line, loader, output
from lambent_runtime.context import Surroundings


def main():
    """Runs until the platform ends the process. Reads all it needs from the environment, so call it after a fork."""
    platform = line.take(os.environ)
    serve(platform, initialize(platform))


def initialize(platform):
    """INIT: the user's handler, loaded. Where that fails: reports it and ends the process."""
    loader.arrange_sys_path(os.environ.get("LAMBDA_TASK_ROOT", loader.TASK_ROOT))
    loader.arrange_builtins()
    output.arrange()
    try:
        return loader.load_handler(os.environ.get("_HANDLER", ""))
    except Exception as error:  # SystemExit and its like end the process and are the platform's to report
        report_and_exit(platform.post_init_error, error)


def serve(platform, handler):
    around = Surroundings(os.environ)
    while True:
        invocation.serve_one(platform, handler, around)


def report_and_exit(post, error):
    from lambent_runtime import faults

    report = faults.describe(error, request_id="")
    output.write_error(report)
    output.flush()
    post(faults.to_json(report), report["errorType"])
    sys.exit(1)
