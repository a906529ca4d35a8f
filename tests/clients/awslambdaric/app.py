"""Answers the event; as text, the event chooses a failure instead (the same words as in c_bootstrap.c)."""

import sys
import time


def handler(event, context):
    if isinstance(event, str):
        if event.startswith("error"):
            raise ValueError(event)
        if event.startswith("exit "):
            sys.exit(int(event[5:]))
        if event.startswith("sleep "):
            time.sleep(int(event[6:]) / 1000)
        if event.startswith("log "):
            print(event[4:])
    return event
