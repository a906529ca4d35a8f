"""One thing that answers HTTP, as the load sees it: how to start it, what to send it, what it must answer."""

import dataclasses

from groups import Group

BODY = b'{"message":"40 bytes of JSON to echo.."}'
assert len(BODY) == 40


class NotAvailable(Exception):
    """Why something cannot be measured on this machine or with this build."""


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes = BODY


class Contender:
    """A subclass starts its processes in self.group and fills port and requests; start() raises NotAvailable where it
    cannot."""

    title = ""
    answers = BODY  # the JSON that each call must answer; None: anything with status 200

    def __init__(self):
        self.group = Group("".join(c if c.isalnum() else "-" for c in self.title.lower()))
        self.port = 0
        self.requests = []  # sent in turn

    def start(self, folder):
        """`folder` is an empty one of its own."""
        raise NotImplementedError

    def server_pid(self):
        """The process whose share is told apart from the others', or None."""
        return None

    def end(self):
        self.group.end()
