"""The context object that a handler gets. Names as AWS documents them for Python."""

import time

from lambent_runtime import codec, output
from lambent_runtime.loader import Fault


class _Record:
    """An object with a fixed set of attributes, filled from a dict; what the dict lacks is None."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        fields = ",".join("%s=%s" % (name, getattr(self, name)) for name in self.__slots__)
        return "%s([%s])" % (type(self).__name__, fields)


class Client(_Record):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    __slots__ = ("custom", "env", "client")


class CognitoIdentity(_Record):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Surroundings:
    """What is the same for all invocations of an instance."""

    def __init__(self, environment):
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")


class LambdaContext:
    """What is known of one invocation. call: line.Call; around: Surroundings."""

    def __init__(self, call, around):
        self.aws_request_id = call.request_id
        self.invoked_function_arn = call.arn
        self.tenant_id = call.tenant_id or None
        self.function_name = around.function_name
        self.function_version = around.function_version
        self.memory_limit_in_mb = around.memory_limit_in_mb
        self.log_group_name = around.log_group_name
        self.log_stream_name = around.log_stream_name
        self.identity = _identity(call.identity)
        self.client_context = _client_context(call.client_context)
        self._deadline_ms = call.deadline_ms

    def get_remaining_time_in_millis(self):
        """Milliseconds until the invocation times out, never negative."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        """Writes str(message) to the log as it is."""
        output.write(str(message))

    def __repr__(self):
        names = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")
        return "LambdaContext([%s])" % ",".join("%s=%s" % (name, getattr(self, name)) for name in names)


def _parse_object(text, what):
    try:
        value = codec.loads(text.encode())
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (what, error)) from error
    return value if isinstance(value, dict) else {}


def _identity(text):
    found = _parse_object(text, "Cognito Identity") if text else {}
    return CognitoIdentity({
        "cognito_identity_id": found.get("cognitoIdentityId"),
        "cognito_identity_pool_id": found.get("cognitoIdentityPoolId"),
    })


def _client_context(text):
    if not text:
        return None
    context = ClientContext(_parse_object(text, "Client Context"))
    if isinstance(context.client, dict):
        context.client = Client(context.client)
    return context
