"""A template of one version of a function (LAMBENT_TEMPLATE_MODE=snapshot): INIT and the hooks before the snapshot run
in it once, and each instance is a fork that goes on from there, with the environment of its assignment, new random
numbers, and the hooks after the restore.

What cannot be forked, a thread or a descriptor that INIT left behind, ends the template with EXIT_UNSAFE and says so.
"""

import os
import sys

from lambent_runtime import line, loader, main as client, output

EXIT_UNSAFE = 3


class Snapshot:
    """start: environment of the template, without what only the template is told."""

    def __init__(self, start):
        self._start = start
        before = _descriptors()
        platform = line.take(os.environ)
        self._handler = client.initialize(platform)
        try:
            _run_hooks("get_before_snapshot", last_first=True)
        except Exception as error:
            client.report_and_exit(platform.post_init_error, _named("Runtime.BeforeSnapshotError", error))
        output.flush()
        _end_if_unsafe(_descriptors() - before)

    def run(self, environment):
        """In the fork, with its random numbers renewed already."""
        platform = line.take(environment)
        self._take(environment)
        try:
            _run_hooks("get_after_restore")
        except Exception as error:
            client.report_and_exit(platform.post_restore_error, _named("Runtime.AfterRestoreError", error))
        client.serve(platform, self._handler)

    def _take(self, environment):
        """What the assignment changes; what INIT itself has changed stays."""
        for name in self._start.keys() - environment.keys():
            os.environ.pop(name, None)
        for name, value in environment.items():
            if self._start.get(name) != value:
                os.environ[name] = value


def _run_hooks(getter, last_first=False):
    hooks = sys.modules.get("snapshot_restore_py")
    if hooks is None:
        return
    registered = getattr(hooks, getter)()
    for func, args, kwargs in list(reversed(registered) if last_first else registered):
        func(*args, **kwargs)


def _named(error_type, error):
    fault = loader.Fault(error_type, "%s: %s" % (type(error).__name__, error))
    fault.__traceback__ = error.__traceback__
    return fault


def _descriptors():
    return {name for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)}


def _end_if_unsafe(descriptors):
    threads = len(os.listdir("/proc/self/task")) - 1
    if not threads and not descriptors:
        return
    output.write("[WARNING] No snapshot is made of this version: INIT left %d threads and %d open descriptors. "
                 "Instances run INIT themselves.\n" % (threads, len(descriptors)))
    output.flush()
    sys.exit(EXIT_UNSAFE)
