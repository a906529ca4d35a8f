"""Runtime client for CPython 3.9 and newer.

Read in this order: main (the whole life of an instance), loader (the user's handler), invocation (one call),
context (what the handler sees), line (the platform), codec (JSON), faults (error reports), output and logs (what is printed);
template (instances as forks of one that is ready).

Start-up time is part of every cold start, so modules needed only on rare paths, and the large ones of the standard
library (json, logging, traceback, socket, http), are imported where they are used. One thread, no connection
before main(): the process may be forked after this package is imported.
"""
