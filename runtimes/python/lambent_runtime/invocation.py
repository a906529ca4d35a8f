"""One invocation: wait for it, call the handler, give its answer or its error to the platform."""

from lambent_runtime import codec, output, trace_id
from lambent_runtime.context import LambdaContext
from lambent_runtime.loader import Fault


def serve_one(platform, handler, around):
    """Blocks for the next invocation and answers it. Everything of it is released on return, so that a waiting
    instance holds no event or response in memory."""
    call = platform.next()
    request_id = call.request_id
    output.request_id = request_id
    output.tenant_id = call.tenant_id or None
    trace_id.set_current(call.trace_id)
    try:
        answer, content_type = _run(handler, call, around)
    except Exception as error:  # BaseException ends the process, as on AWS
        from lambent_runtime import faults

        report = faults.describe(error, request_id)
        output.write_error(report)
        output.flush()
        platform.post_error(request_id, faults.to_json(report), report["errorType"])
    else:
        output.flush()
        platform.post_response(request_id, answer, content_type)


def _run(handler, call, around):
    context = LambdaContext(call, around)
    result = handler(_decode_event(call.payload), context)
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return codec.dumps(result), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error


def _decode_event(payload):
    try:
        return codec.loads(payload)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error
