package lambent.runtime;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The life of an instance: load the user's handler, then serve one invocation after another.
 *
 * <p>Read in this order: Main, HandlerLoader and Handler (the user's code), Invocation (one call), ContextView (what the
 * handler sees), RuntimeApi (HTTP), Json and Binder (JSON and Java types), Faults (error reports). Nothing of AWS's is on
 * board: its interfaces come with the user's code and are implemented by proxies.
 */
public final class Main {
  private static final String LAYERS = "/opt/java/lib";

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String taskRoot = environment("LAMBDA_TASK_ROOT", "/var/task");
    ClassLoader loader = new URLClassLoader("function", classPath(taskRoot), Main.class.getClassLoader());
    Thread.currentThread().setContextClassLoader(loader);
    RuntimeApi api = new RuntimeApi(environment("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"));
    try {
      Handler handler = loadOrExit(api, loader, environment("_HANDLER", ""));
      Invocation invocation = new Invocation(api, handler, loader);
      for (;;) {
        invocation.serveOne();
      }
    } catch (IOException lost) { // the platform is gone: nobody is left to report to
      System.out.println(lost.getMessage());
      System.out.flush();
      Runtime.getRuntime().halt(1);
    }
  }

  private static Handler loadOrExit(RuntimeApi api, ClassLoader loader, String name) throws IOException {
    try {
      return HandlerLoader.load(loader, name);
    } catch (Throwable error) {
      Faults fault = Faults.of(error);
      Faults.print(fault.cause());
      api.postInitError(fault);
      System.out.flush();
      Runtime.getRuntime().halt(1);
      throw new IllegalStateException();
    }
  }

  /** The function's folder, its libraries, then those of its layers. */
  private static URL[] classPath(String taskRoot) throws IOException {
    List<URL> path = new ArrayList<>();
    path.add(new File(taskRoot).toURI().toURL());
    for (String folder : List.of(taskRoot + "/lib", LAYERS)) {
      File[] jars = new File(folder).listFiles((parent, name) -> name.endsWith(".jar"));
      if (jars == null) {
        continue;
      }
      Arrays.sort(jars);
      for (File jar : jars) {
        path.add(jar.toURI().toURL());
      }
    }
    return path.toArray(URL[]::new);
  }

  static String environment(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null ? otherwise : value;
  }
}
