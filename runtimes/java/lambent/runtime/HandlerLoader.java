package lambent.runtime;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the user's handler by AWS's rules: "package.Class" that implements RequestHandler or RequestStreamHandler, or
 * "package.Class::method" of the form method(), method(event), method(event, Context), method(InputStream, OutputStream)
 * or method(InputStream, OutputStream, Context). Of several the one with most parameters is taken.
 */
final class HandlerLoader {
  private static final String PACKAGE = "com.amazonaws.services.lambda.runtime.";
  static final String CONTEXT = PACKAGE + "Context";

  private HandlerLoader() {}

  static Handler load(ClassLoader loader, String name) throws Throwable {
    int colons = name.indexOf("::");
    String className = (colons < 0 ? name : name.substring(0, colons)).replace('/', '.');
    Class<?> type = findClass(loader, className);
    String methodName = colons < 0 ? "handleRequest" : name.substring(colons + 2);
    if (colons < 0 && !implementsHandler(type)) {
      throw new Faults.HandlerFault("java.lang.IllegalArgumentException", "Handler " + className
          + " implements neither RequestHandler nor RequestStreamHandler; name its method as " + className + "::method");
    }
    Method method = findMethod(type, methodName);
    method.setAccessible(true);
    Object target = Modifier.isStatic(method.getModifiers()) ? null : newInstance(type);
    return method.getParameterCount() >= 2 && method.getParameterTypes()[0] == InputStream.class
        ? stream(target, method)
        : value(target, method, parameterType(type, method));
  }

  private static Class<?> findClass(ClassLoader loader, String name) {
    try {
      return Class.forName(name, true, loader);
    } catch (ClassNotFoundException error) {
      throw new Faults.HandlerFault("java.lang.ClassNotFoundException", "Class not found: " + name);
    }
  }

  private static boolean implementsHandler(Class<?> type) {
    for (Class<?> each = type; each != null; each = each.getSuperclass()) {
      for (Class<?> implemented : each.getInterfaces()) {
        String name = implemented.getName();
        if (name.equals(PACKAGE + "RequestHandler") || name.equals(PACKAGE + "RequestStreamHandler")
            || implementsHandler(implemented)) {
          return true;
        }
      }
    }
    return false;
  }

  private static Method findMethod(Class<?> type, String name) {
    return Arrays.stream(type.getMethods())
        .filter(method -> method.getName().equals(name) && !method.isBridge() && isHandler(method))
        .max(Comparator.comparingInt(Method::getParameterCount))
        .orElseThrow(() -> new Faults.HandlerFault("java.lang.NoSuchMethodException",
            "No public method named " + name + " with appropriate method signature found on class " + type.getName()));
  }

  private static boolean isHandler(Method method) {
    Class<?>[] types = method.getParameterTypes();
    boolean hasContext = types.length > 0 && types[types.length - 1].getName().equals(CONTEXT);
    int plain = types.length - (hasContext ? 1 : 0);
    return plain <= 1 || (plain == 2 && types[0] == InputStream.class && types[1] == OutputStream.class);
  }

  private static Object newInstance(Class<?> type) throws Throwable {
    Constructor<?> constructor;
    try {
      constructor = type.getDeclaredConstructor();
    } catch (NoSuchMethodException error) {
      throw new Faults.HandlerFault("java.lang.NoSuchMethodException",
          "Class " + type.getName() + " has no constructor without parameters");
    }
    constructor.setAccessible(true);
    return constructor.newInstance();
  }

  /** What the method's first parameter is in `type`, where a class above may have left it open. */
  private static Type parameterType(Class<?> type, Method method) {
    if (method.getParameterCount() == 0) {
      return Object.class;
    }
    Type open = method.getGenericParameterTypes()[0];
    Map<TypeVariable<?>, Type> known = new HashMap<>();
    collect(type, known);
    while (open instanceof TypeVariable<?> variable) {
      open = known.getOrDefault(variable, Object.class);
    }
    return open;
  }

  private static void collect(Type type, Map<TypeVariable<?>, Type> known) {
    if (type instanceof ParameterizedType parameterized) {
      Class<?> raw = (Class<?>) parameterized.getRawType();
      for (int i = 0; i < raw.getTypeParameters().length; i++) {
        known.put(raw.getTypeParameters()[i], parameterized.getActualTypeArguments()[i]);
      }
      collect(raw, known);
    } else if (type instanceof Class<?> plain) {
      if (plain.getGenericSuperclass() != null) {
        collect(plain.getGenericSuperclass(), known);
      }
      List.of(plain.getGenericInterfaces()).forEach(each -> collect(each, known));
    }
  }

  private static Handler value(Object target, Method method, Type eventType) {
    boolean hasContext = takesContext(method);
    boolean hasEvent = method.getParameterCount() > (hasContext ? 1 : 0);
    return (event, context) -> {
      Object[] arguments = new Object[method.getParameterCount()];
      if (hasEvent) {
        arguments[0] = Binder.bind(Json.read(new String(event, StandardCharsets.UTF_8)), eventType);
      }
      if (hasContext) {
        arguments[arguments.length - 1] = context.proxy();
      }
      Object result = method.invoke(target, arguments);
      return Json.write(Binder.unbind(result)).getBytes(StandardCharsets.UTF_8);
    };
  }

  private static Handler stream(Object target, Method method) {
    boolean hasContext = takesContext(method);
    return (event, context) -> {
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      InputStream input = new ByteArrayInputStream(event);
      if (hasContext) {
        method.invoke(target, input, output, context.proxy());
      } else {
        method.invoke(target, input, output);
      }
      return output.toByteArray();
    };
  }

  private static boolean takesContext(Method method) {
    Class<?>[] types = method.getParameterTypes();
    return types.length > 0 && types[types.length - 1].getName().equals(CONTEXT);
  }
}
