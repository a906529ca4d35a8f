import com.amazonaws.services.lambda.runtime.Context;

/** Answers the event; as text, the event chooses a failure instead (the same words as in c_bootstrap.c). */
public class App {
  public static class AskedError extends RuntimeException {
    AskedError(String text) {
      super(text);
    }
  }

  public Object handle(Object event, Context context) throws InterruptedException {
    if (!(event instanceof String)) {
      return event;
    }
    String text = (String) event;
    if (text.startsWith("error")) {
      throw new AskedError(text);
    } else if (text.startsWith("exit ")) {
      System.exit(Integer.parseInt(text.substring("exit ".length())));
    } else if (text.startsWith("sleep ")) {
      Thread.sleep(Integer.parseInt(text.substring("sleep ".length())));
    } else if (text.startsWith("log ")) {
      System.out.println(text.substring("log ".length()));
    }
    return event;
  }
}
