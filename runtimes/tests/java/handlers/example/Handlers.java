package example;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The functions that test_java.py calls. */
public class Handlers {
  public Object echo(Object event) {
    return event;
  }

  public static String fixed() {
    return "ok";
  }

  public String shout(String text, Context context) {
    return text.toUpperCase() + context.getFunctionName();
  }

  public int sum(int[] numbers) {
    int sum = 0;
    for (int number : numbers) {
      sum += number;
    }
    return sum;
  }

  public Map<String, Integer> lengths(List<String> texts) {
    Map<String, Integer> out = new LinkedHashMap<>();
    texts.forEach(text -> out.put(text, text.length()));
    return out;
  }

  public void reverse(InputStream input, OutputStream output) throws IOException {
    output.write(new StringBuilder(new String(input.readAllBytes())).reverse().toString().getBytes());
  }

  public Map<String, Object> members(Object event, Context c) {
    Map<String, Object> out = new HashMap<>();
    out.put("requestId", c.getAwsRequestId());
    out.put("arn", c.getInvokedFunctionArn());
    out.put("name", c.getFunctionName());
    out.put("version", c.getFunctionVersion());
    out.put("group", c.getLogGroupName());
    out.put("stream", c.getLogStreamName());
    out.put("memory", c.getMemoryLimitInMB());
    out.put("remaining", c.getRemainingTimeInMillis());
    out.put("identity", c.getIdentity().getIdentityId());
    ClientContext client = c.getClientContext();
    out.put("custom", client == null ? null : client.getCustom());
    out.put("title", client == null ? null : client.getClient().getAppTitle());
    out.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
    c.getLogger().log("logged");
    c.getLogger().log("again\n".getBytes());
    c.getLogger().log("level", "INFO");
    return out;
  }

  public void fail(Object event) {
    deep(event);
  }

  private void deep(Object event) {
    if ("overflow".equals(event)) {
      deep(event);
    }
    throw new IllegalStateException("bäd", new IOException("below"));
  }

  public Object leave(Object event) {
    System.out.print("bye");
    System.exit(7);
    return null;
  }

  public enum Kind { SMALL, LARGE }

  public record Part(String name, double weight, List<Integer> sizes) {}

  public static class Order {
    private Kind kind;
    private List<Part> parts;
    private boolean urgent;
    public Map<String, Part> byName;
    public Optional<String> note = Optional.empty();

    public Kind getKind() {
      return kind;
    }

    public void setKind(Kind kind) {
      this.kind = kind;
    }

    public List<Part> getParts() {
      return parts;
    }

    public void setParts(List<Part> parts) {
      this.parts = parts;
    }

    public boolean isUrgent() {
      return urgent;
    }

    public void setUrgent(boolean urgent) {
      this.urgent = urgent;
    }
  }

  public Order order(Order order) {
    order.urgent = !order.urgent;
    order.parts.get(0).sizes().add(order.kind.ordinal());
    return order;
  }

  public abstract static class Base<T> implements RequestHandler<T, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(T input, Context context) {
      return Map.of("type", input.getClass().getSimpleName());
    }
  }

  public static class Typed extends Base<Part> {}

  public static class Doubler implements RequestHandler<Integer, Integer> {
    @Override
    public Integer handleRequest(Integer input, Context context) {
      return input * 2;
    }
  }

  public static class Streaming implements RequestStreamHandler {
    @Override
    public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
      output.write(input.readAllBytes());
      output.write(context.getFunctionName().getBytes());
    }
  }

  public static class Broken {
    static {
      if (true) {
        throw new IllegalArgumentException("top");
      }
    }

    public void run() {}
  }
}
