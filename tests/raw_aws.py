"""Requests to AWS's APIs as bytes: built from a tree of values of any type, signed, and sent without any client's checks."""

import base64
import dataclasses
import http.client
import json
import re
import threading
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclasses.dataclass(frozen=True)
class Raw:
    """One request, before it is signed."""

    method: str
    path: str  # with the query, percent-encoded
    headers: dict
    body: bytes


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    protocol: str

    @property
    def error(self):
        """The error's code, without the name space."""
        if self.protocol == "query":
            return self._xml("Code")
        if self.protocol == "rest-json":
            return (self.headers.get("x-amzn-ErrorType") or "").split(":")[0]
        return self._json().get("__type", "").rpartition("#")[2]

    @property
    def message(self):
        if self.protocol == "query":
            return self._xml("Message")
        found = self._json()
        return found.get("message", found.get("Message", ""))

    @property
    def fault(self):
        """Sender or Receiver; of Query only."""
        return self._xml("Type")

    def _json(self):
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _xml(self, element):
        found = re.search(f"<{element}>(.*?)</{element}>", self.body.decode(), re.DOTALL)
        return unescape(found.group(1)) if found else ""


def unescape(text):
    for entity, character in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{entity};", character)
    return re.sub(r"&#(x?)([0-9A-Fa-f]+);", lambda m: chr(int(m[2], 16 if m[1] else 10)), text)


def wire_json(value):
    """Bytes as base64, at any depth."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: wire_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [wire_json(inner) for inner in value]
    return value


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def build(model, operation, tree):
    """The request of this operation with these members, whatever they are."""
    return {"rest-json": _rest, "json": _aws_json, "query": _query}[model.protocol](model, operation, tree)


def _aws_json(model, operation, tree):
    headers = {"Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
               "X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation}"}
    return Raw("POST", "/", headers, json.dumps(wire_json(tree)).encode())


def _rest(model, operation, tree):
    declared = model.operations[operation]["http"]
    shape = model.shape(model.input_name(operation)) if model.input_name(operation) else {}
    path, query, headers, body = declared["requestUri"], [], {}, {}
    payload = shape.get("payload")
    for member, value in tree.items():
        reference = shape.get("members", {}).get(member, {})
        wire = reference.get("locationName", member)
        place = reference.get("location")
        if place == "uri":
            path = re.sub(r"\{" + wire + r"\+?\}", lambda _: urllib.parse.quote(_text(value), safe=""), path)
        elif value is None and place:
            continue
        elif place == "querystring":
            query += [(wire, _text(each)) for each in (value if isinstance(value, list) else [value])]
        elif place == "header":
            headers[wire] = _text(value)
        elif member != payload:
            body[wire] = value
    content = b""
    if payload:
        value = tree.get(payload)
        content = value if isinstance(value, bytes) else b"" if value is None else json.dumps(wire_json(value)).encode()
    elif body or declared["method"] in ("POST", "PUT"):
        content = json.dumps(wire_json(body)).encode()
        headers["Content-Type"] = "application/json"
    if query:
        path += ("&" if "?" in path else "?") + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    return Raw(declared["method"], path, headers, content)


def _query(model, operation, tree):
    fields = [("Action", operation), ("Version", model.metadata["apiVersion"])]
    if model.input_name(operation):
        _query_fields(model, model.input_name(operation), tree, "", fields)
    return form(fields)


def form(fields):
    """A request of the Query protocol."""
    return Raw("POST", "/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
               urllib.parse.urlencode(fields, quote_via=urllib.parse.quote).encode())


def _query_fields(model, name, value, prefix, fields):
    shape = model.shape(name) if name else {"type": "string"}
    if value is None:
        return
    if shape["type"] == "structure" and isinstance(value, dict):
        for member, inner in value.items():
            reference = shape["members"].get(member, {})
            wire = reference.get("locationName", member)
            _query_fields(model, reference.get("shape"), inner, f"{prefix}.{wire}" if prefix else wire, fields)
    elif shape["type"] == "list" and isinstance(value, list):
        for index, inner in enumerate(value):
            _query_fields(model, shape["member"]["shape"], inner, f"{prefix}.member.{index + 1}", fields)
    elif shape["type"] == "map" and isinstance(value, dict):
        for index, (key, inner) in enumerate(value.items()):
            fields.append((f"{prefix}.entry.{index + 1}.key", key))
            _query_fields(model, shape["value"]["shape"], inner, f"{prefix}.entry.{index + 1}.value", fields)
    else:
        fields.append((prefix, _text(value)))


class Sender:
    """Signs and sends, over one kept connection for each thread that calls."""

    def __init__(self, server):
        settings = server.settings()
        self._host = server.host
        self._region = settings["AWS_REGION"]
        self._credentials = Credentials(settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"])
        self._kept = threading.local()

    def send(self, model, raw, seconds=30):
        service = {"dynamodbstreams": "dynamodb"}.get(model.service, model.service)
        request = AWSRequest(raw.method, f"http://{self._host}{raw.path}", dict(raw.headers), raw.body)
        SigV4Auth(self._credentials, service, self._region).add_auth(request)
        for attempt in range(2):
            connection = getattr(self._kept, "connection", None)
            if connection is None:
                connection = self._kept.connection = http.client.HTTPConnection(self._host, timeout=seconds)
            try:
                connection.request(raw.method, raw.path, raw.body, dict(request.headers.items()))
                response = connection.getresponse()
                answer = Answer(response.status, response.headers, response.read(), model.protocol)
                if response.will_close:
                    self.close()
                return answer
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()  # a kept connection may end between two requests
                if attempt:
                    raise
        raise AssertionError("not reached")

    def close(self):
        """Of the calling thread."""
        if getattr(self._kept, "connection", None):
            self._kept.connection.close()
            self._kept.connection = None
