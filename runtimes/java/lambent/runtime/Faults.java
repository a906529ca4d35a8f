package lambent.runtime;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An error report in the form of AWS's Java runtime. */
record Faults(Throwable cause) {
  private static final int CAUSES_MAX = 20;

  /** A mistake of the function as a whole, said in a sentence. */
  static final class HandlerFault extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final String type;

    HandlerFault(String type, String message) {
      super(message, null, false, false);
      this.type = type;
    }
  }

  /** Of what the user's code threw, without the wrapping that reflection adds. */
  static Faults of(Throwable error) {
    Throwable cause = error;
    while (cause instanceof InvocationTargetException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return new Faults(cause);
  }

  String errorType() {
    return typeOf(cause);
  }

  Map<String, Object> report() {
    return report(cause, 0);
  }

  /** As the virtual machine prints an uncaught exception, on standard output. */
  static void print(Throwable error) {
    error.printStackTrace(System.out);
    System.out.flush();
  }

  private static String typeOf(Throwable error) {
    return error instanceof HandlerFault fault ? fault.type : error.getClass().getName();
  }

  private static Map<String, Object> report(Throwable error, int depth) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("errorMessage", error.getLocalizedMessage());
    out.put("errorType", typeOf(error));
    out.put("stackTrace", usersFrames(error));
    if (error.getCause() != null && depth < CAUSES_MAX) {
      out.put("cause", report(error.getCause(), depth + 1));
    }
    return out;
  }

  /** Down to where this client called. */
  private static List<String> usersFrames(Throwable error) {
    List<String> frames = new ArrayList<>();
    for (StackTraceElement frame : error.getStackTrace()) {
      if (frame.getClassName().startsWith("lambent.runtime.")) {
        break;
      }
      boolean isReflection = frame.getClassName().startsWith("jdk.internal.reflect.")
          || frame.getClassName().startsWith("java.lang.reflect.");
      if (!isReflection) {
        frames.add(frame.getClassName() + "." + frame.getMethodName() + "(" + place(frame) + ")");
      }
    }
    return frames;
  }

  private static String place(StackTraceElement frame) {
    if (frame.isNativeMethod()) {
      return "Native Method";
    }
    if (frame.getFileName() == null) {
      return "Unknown Source";
    }
    return frame.getLineNumber() < 0 ? frame.getFileName() : frame.getFileName() + ":" + frame.getLineNumber();
  }
}
