package lambent.runtime;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The Lambda Runtime API over one kept-alive HTTP/1.1 connection, which is made at the first request. One thread. */
final class RuntimeApi {
  private static final String PREFIX = "/2018-06-01/runtime/";

  /** Header names are lower-case. */
  record Response(int status, Map<String, String> headers, byte[] body) {}

  private final String address;
  private Socket socket;
  private InputStream input;

  /** address: "host:port" */
  RuntimeApi(String address) {
    this.address = address;
  }

  /** Waits for an invocation. */
  Response next() throws IOException {
    Response response = request("GET", "invocation/next", "", new byte[0]);
    if (response.status != 200) {
      throw new IOException("the runtime API answered " + response.status + " to invocation/next");
    }
    return response;
  }

  void postResponse(String requestId, byte[] body) throws IOException {
    post("invocation/" + requestId + "/response", "Content-Type: application/json\r\n", body);
  }

  void postError(String requestId, Faults fault) throws IOException {
    postFault("invocation/" + requestId + "/error", fault);
  }

  void postInitError(Faults fault) throws IOException {
    postFault("init/error", fault);
  }

  private void postFault(String path, Faults fault) throws IOException {
    String type = fault.errorType().replaceAll("[^!-~]", "");
    String headers = "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: " + type + "\r\n";
    post(path, headers, Json.write(fault.report()).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * A refusal (such as 413) is already known to the platform, which answers the caller; so the loop goes on. A lost
   * connection shows at the next request. A server error means that the platform has given this instance up.
   */
  private void post(String path, String headers, byte[] body) throws IOException {
    Response response;
    try {
      response = request("POST", path, headers, body);
    } catch (IOException lost) {
      close();
      return;
    }
    if (response.status >= 500) {
      throw new IOException("the runtime API answered " + response.status + " to " + path);
    }
  }

  private Response request(String method, String path, String headers, byte[] body) throws IOException {
    String length = method.equals("POST") ? "Content-Length: " + body.length + "\r\n" : "";
    String head = method + " " + PREFIX + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + length + headers + "\r\n";
    boolean reused = socket != null;
    try {
      return exchange(head.getBytes(StandardCharsets.ISO_8859_1), body);
    } catch (IOException lost) {
      close();
      if (!reused || !method.equals("GET")) {
        throw lost;
      }
      return exchange(head.getBytes(StandardCharsets.ISO_8859_1), body); // the server had closed an idle connection
    }
  }

  private Response exchange(byte[] head, byte[] body) throws IOException {
    if (socket == null) {
      connect();
    }
    byte[] all = new byte[head.length + body.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    socket.getOutputStream().write(all);
    return readResponse();
  }

  private void connect() throws IOException {
    int colon = address.lastIndexOf(':');
    String host = address.substring(0, colon).replace("[", "").replace("]", "");
    socket = new Socket(host, Integer.parseInt(address.substring(colon + 1)));
    socket.setTcpNoDelay(true);
    input = new BufferedInputStream(socket.getInputStream(), 1 << 16);
  }

  private void close() throws IOException {
    if (socket != null) {
      socket.close();
      socket = null;
    }
  }

  private String readLine() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = input.read(); next != '\n'; next = input.read()) {
      if (next < 0) {
        throw new EOFException("the runtime API closed the connection");
      }
      if (next != '\r') {
        line.write(next);
      }
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  private byte[] readExactly(int length) throws IOException {
    byte[] bytes = input.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("the runtime API closed the connection");
    }
    return bytes;
  }

  private Response readResponse() throws IOException {
    int status = Integer.parseInt(readLine().split(" ", 3)[1]);
    Map<String, String> headers = new HashMap<>();
    for (String line = readLine(); !line.isEmpty(); line = readLine()) {
      int colon = line.indexOf(':');
      headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    boolean chunked = "chunked".equalsIgnoreCase(headers.get("transfer-encoding"));
    byte[] body = chunked ? readChunks() : readExactly(Integer.parseInt(headers.getOrDefault("content-length", "0")));
    if ("close".equalsIgnoreCase(headers.get("connection"))) {
      close();
    }
    return new Response(status, headers, body);
  }

  private byte[] readChunks() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int size = Integer.parseInt(readLine(), 16); size > 0; size = Integer.parseInt(readLine(), 16)) {
      body.write(readExactly(size));
      readLine();
    }
    while (!readLine().isEmpty()) {
      continue; // trailers
    }
    return body.toByteArray();
  }
}
