package lambent.runtime;

import java.io.IOException;

/** One invocation: wait for it, call the handler, give its answer or its error to the platform. */
final class Invocation {
  /** Where AWS's X-Ray library for Java looks, since a process cannot change its environment. */
  private static final String TRACE_PROPERTY = "com.amazonaws.xray.traceHeader";

  private final RuntimeApi api;
  private final Handler handler;
  private final ClassLoader loader;

  Invocation(RuntimeApi api, Handler handler, ClassLoader loader) {
    this.api = api;
    this.handler = handler;
    this.loader = loader;
  }

  /** Blocks for the next invocation and answers it. Raises IOException where the platform is gone. */
  void serveOne() throws IOException {
    RuntimeApi.Response next = api.next();
    String requestId = next.headers().get("lambda-runtime-aws-request-id");
    setTrace(next.headers().get("lambda-runtime-trace-id"));
    byte[] answer;
    try {
      answer = handler.call(next.body(), new ContextView(next.headers(), loader));
    } catch (Throwable error) {
      Faults fault = Faults.of(error);
      Faults.print(fault.cause());
      api.postError(requestId, fault);
      if (fault.cause() instanceof VirtualMachineError && !(fault.cause() instanceof StackOverflowError)) {
        Runtime.getRuntime().halt(1);
      }
      return;
    }
    System.out.flush();
    api.postResponse(requestId, answer);
  }

  private static void setTrace(String header) {
    if (header == null) {
      System.clearProperty(TRACE_PROPERTY);
    } else {
      System.setProperty(TRACE_PROPERTY, header);
    }
  }
}
