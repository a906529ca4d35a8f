package lambent.runtime;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;

/** What is known of one invocation, as the Context interface that came with the user's code. */
final class ContextView {
  private final Map<String, String> headers;
  private final ClassLoader loader;

  /** headers: those of the answer to /invocation/next, with lower-case names. */
  ContextView(Map<String, String> headers, ClassLoader loader) {
    this.headers = headers;
    this.loader = loader;
  }

  Object proxy() throws ClassNotFoundException {
    Map<String, Object> members = new HashMap<>();
    members.put("getAwsRequestId", headers.get("lambda-runtime-aws-request-id"));
    members.put("getInvokedFunctionArn", headers.get("lambda-runtime-invoked-function-arn"));
    members.put("getTenantId", headers.get("lambda-runtime-aws-tenant-id"));
    members.put("getFunctionName", System.getenv("AWS_LAMBDA_FUNCTION_NAME"));
    members.put("getFunctionVersion", System.getenv("AWS_LAMBDA_FUNCTION_VERSION"));
    members.put("getLogGroupName", System.getenv("AWS_LAMBDA_LOG_GROUP_NAME"));
    members.put("getLogStreamName", System.getenv("AWS_LAMBDA_LOG_STREAM_NAME"));
    members.put("getMemoryLimitInMB", Integer.valueOf(Main.environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")));
    Class<?> type = Class.forName(HandlerLoader.CONTEXT, false, loader);
    return proxy(type, (self, method, arguments) -> switch (method.getName()) {
      case "getRemainingTimeInMillis" -> remainingMillis();
      case "getLogger" -> proxy(method.getReturnType(), ContextView::log);
      case "getIdentity" -> identity(method.getReturnType());
      case "getClientContext" -> clientContext(method.getReturnType());
      default -> answer(members, self, method, arguments);
    });
  }

  private int remainingMillis() {
    long deadline = Long.parseLong(headers.getOrDefault("lambda-runtime-deadline-ms", "0"));
    return (int) Math.max(0, deadline - System.currentTimeMillis());
  }

  private Object identity(Class<?> type) {
    Map<?, ?> found = parse("lambda-runtime-cognito-identity");
    Map<String, Object> members = new HashMap<>();
    members.put("getIdentityId", found == null ? "" : found.get("cognitoIdentityId"));
    members.put("getIdentityPoolId", found == null ? "" : found.get("cognitoIdentityPoolId"));
    return proxy(type, (self, method, arguments) -> answer(members, self, method, arguments));
  }

  private Object clientContext(Class<?> type) {
    Map<?, ?> found = parse("lambda-runtime-client-context");
    if (found == null) {
      return null;
    }
    return proxy(type, (self, method, arguments) -> switch (method.getName()) {
      case "getCustom" -> found.get("custom");
      case "getEnvironment" -> found.get("env");
      case "getClient" -> client(method.getReturnType(), found.get("client"));
      default -> answer(Map.of(), self, method, arguments);
    });
  }

  private static Object client(Class<?> type, Object found) {
    if (!(found instanceof Map<?, ?> client)) {
      return null;
    }
    Map<String, Object> members = new HashMap<>();
    members.put("getInstallationId", client.get("installation_id"));
    members.put("getAppTitle", client.get("app_title"));
    members.put("getAppVersionName", client.get("app_version_name"));
    members.put("getAppVersionCode", client.get("app_version_code"));
    members.put("getAppPackageName", client.get("app_package_name"));
    return proxy(type, (self, method, arguments) -> answer(members, self, method, arguments));
  }

  private Map<?, ?> parse(String header) {
    String text = headers.get(header);
    return text == null ? null : (Map<?, ?>) Json.read(text);
  }

  /** log(String) and log(byte[]); log(String, LogLevel) of later versions comes to the first. */
  private static Object log(Object self, Method method, Object[] arguments) throws Throwable {
    if (!method.getName().equals("log") || arguments.length != 1) {
      return answer(Map.of(), self, method, arguments);
    }
    synchronized (System.out) {
      if (arguments[0] instanceof byte[] bytes) {
        System.out.write(bytes);
      } else {
        String text = String.valueOf(arguments[0]);
        System.out.print(text.endsWith("\n") ? text : text + "\n");
      }
      System.out.flush();
    }
    return null;
  }

  private static Object proxy(Class<?> type, InvocationHandler handler) {
    return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler);
  }

  private static Object answer(Map<String, Object> members, Object self, Method method, Object[] arguments)
      throws Throwable {
    if (members.containsKey(method.getName())) {
      return members.get(method.getName());
    }
    return switch (method.getName()) {
      case "toString" -> method.getDeclaringClass().getSimpleName();
      case "hashCode" -> System.identityHashCode(self);
      case "equals" -> self == arguments[0];
      default -> method.isDefault() ? InvocationHandler.invokeDefault(self, method, arguments) : null;
    };
  }
}
