"""One invocation: wait for it, call the handler, give its answer or its error to the platform."""

import os

from lambent_runtime import codec, output
from lambent_runtime.context import LambdaContext
from lambent_runtime.loader import Fault


def serve_one(api, handler):
    """Blocks for the next invocation and answers it. Everything of it is released on return, so that a waiting
    instance holds no event or response in memory."""
    headers, body = api.next()
    request_id = headers["lambda-runtime-aws-request-id"]
    output.request_id = request_id
    output.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
    _set_trace_id(headers.get("lambda-runtime-trace-id"))
    try:
        answer, content_type = _call(handler, headers, body)
    except Exception as error:  # BaseException ends the process, as on AWS
        from lambent_runtime import faults

        report = faults.describe(error, request_id)
        output.write_error(report)
        output.flush()
        api.post_error(request_id, faults.to_json(report), report["errorType"])
    else:
        output.flush()
        api.post_response(request_id, answer, content_type)


def _call(handler, headers, body):
    context = LambdaContext(headers)
    result = handler(_decode_event(headers, body), context)
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return codec.dumps(result), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error


def _decode_event(headers, body):
    if not headers.get("content-type", "application/json").startswith("application/json"):
        return bytes(body)
    try:
        return codec.loads(body)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error


def _set_trace_id(trace_id):
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
