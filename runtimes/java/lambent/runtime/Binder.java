package lambent.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.temporal.TemporalAccessor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Between JSON values (Json) and the types of a handler: simple types, enums, arrays, collections, maps, records, and
 * classes by their setters, getters and public fields. Names of members match without regard to case where none matches
 * exactly, so that "Records" finds setRecords.
 */
final class Binder {
  private Binder() {}

  /** Raises IllegalArgumentException, naming both, where the value does not fit the type. */
  static Object bind(Object value, Type type) throws ReflectiveOperationException {
    if (type instanceof ParameterizedType parameterized) {
      return bindClass(value, (Class<?>) parameterized.getRawType(), parameterized.getActualTypeArguments());
    }
    if (type instanceof GenericArrayType array) {
      return bindArray(value, array.getGenericComponentType());
    }
    if (type instanceof WildcardType wildcard) {
      return bind(value, wildcard.getUpperBounds()[0]);
    }
    if (type instanceof TypeVariable<?>) {
      return value;
    }
    return bindClass(value, (Class<?>) type, new Type[0]);
  }

  private static Object bindClass(Object value, Class<?> type, Type[] arguments) throws ReflectiveOperationException {
    if (type == Object.class || (value == null && !type.isPrimitive())) {
      return value;
    }
    if (type == String.class || type == CharSequence.class) {
      return value instanceof Map || value instanceof List ? Json.write(value) : String.valueOf(value);
    }
    if (type.isArray()) {
      return bindArray(value, type.getComponentType());
    }
    if (value instanceof List<?> list && type.isAssignableFrom(LinkedHashSet.class) && Set.class.isAssignableFrom(type)) {
      return bindAll(list, argument(arguments, 0), new LinkedHashSet<>());
    }
    if (value instanceof List<?> list && type.isAssignableFrom(ArrayList.class)) {
      return bindAll(list, argument(arguments, 0), new ArrayList<>());
    }
    if (value instanceof Map<?, ?> map && (type.isAssignableFrom(LinkedHashMap.class) || type == TreeMap.class)) {
      return bindMap(map, arguments, type == TreeMap.class ? new TreeMap<>() : new LinkedHashMap<>());
    }
    Object simple = bindSimple(value, type);
    if (simple != null) {
      return simple;
    }
    if (value instanceof Map<?, ?> map) {
      return type.isRecord() ? bindRecord(map, type) : bindBean(map, type);
    }
    throw new IllegalArgumentException("a value of the event, " + Json.write(value) + ", is no " + type.getName());
  }

  private static Type argument(Type[] arguments, int index) {
    return index < arguments.length ? arguments[index] : Object.class;
  }

  private static Collection<Object> bindAll(List<?> values, Type type, Collection<Object> into)
      throws ReflectiveOperationException {
    for (Object each : values) {
      into.add(bind(each, type));
    }
    return into;
  }

  private static Map<Object, Object> bindMap(Map<?, ?> map, Type[] arguments, Map<Object, Object> into)
      throws ReflectiveOperationException {
    for (Map.Entry<?, ?> member : map.entrySet()) {
      into.put(bind(member.getKey(), argument(arguments, 0)), bind(member.getValue(), argument(arguments, 1)));
    }
    return into;
  }

  private static Object bindArray(Object value, Type of) throws ReflectiveOperationException {
    if (of == byte.class && value instanceof String text) {
      return java.util.Base64.getDecoder().decode(text);
    }
    if (!(value instanceof List<?> list)) {
      throw new IllegalArgumentException("a value of the event, " + Json.write(value) + ", is no array");
    }
    Class<?> raw = (Class<?>) (of instanceof ParameterizedType parameterized ? parameterized.getRawType() : of);
    Object array = Array.newInstance(raw, list.size());
    for (int i = 0; i < list.size(); i++) {
      Array.set(array, i, bind(list.get(i), of));
    }
    return array;
  }

  /** null where the type is not a simple one. Numbers and booleans may come as text. */
  private static Object bindSimple(Object value, Class<?> type) {
    if (type == boolean.class || type == Boolean.class) {
      return value instanceof Boolean ? value : Boolean.valueOf(String.valueOf(value));
    }
    if (type == char.class || type == Character.class) {
      return String.valueOf(value).charAt(0);
    }
    if (type.isEnum()) {
      for (Object constant : type.getEnumConstants()) {
        if (((Enum<?>) constant).name().equals(value)) {
          return constant;
        }
      }
      throw new IllegalArgumentException("a value of the event, " + Json.write(value) + ", is none of " + type.getName());
    }
    if (type == Date.class && value instanceof Number millis) {
      return new Date(millis.longValue());
    }
    if (!type.isPrimitive() && !Number.class.isAssignableFrom(type)) {
      return null;
    }
    if (!(value instanceof Number) && !(value instanceof String)) {
      throw new IllegalArgumentException("a value of the event, " + Json.write(value) + ", is no " + type.getName());
    }
    return number(new BigDecimal(value.toString()), type);
  }

  private static Object number(BigDecimal number, Class<?> type) {
    return switch (type.getSimpleName().toLowerCase(Locale.ROOT)) {
      case "byte" -> number.byteValue();
      case "short" -> number.shortValue();
      case "int", "integer" -> number.intValue();
      case "long" -> number.longValue();
      case "float" -> number.floatValue();
      case "double", "number" -> number.doubleValue();
      case "biginteger" -> number.toBigInteger();
      case "bigdecimal" -> number;
      default -> throw new IllegalArgumentException("events have no values of type " + type.getName());
    };
  }

  private static Object bindRecord(Map<?, ?> map, Class<?> type) throws ReflectiveOperationException {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    Map<String, Object> members = members(map);
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      Object value = find(map, members, components[i].getName());
      values[i] = value == null && types[i].isPrimitive()
          ? bindSimple(types[i] == boolean.class ? Boolean.FALSE : (Object) 0L, types[i])
          : bind(value, components[i].getGenericType());
    }
    Constructor<?> constructor = type.getDeclaredConstructor(types);
    constructor.setAccessible(true);
    return constructor.newInstance(values);
  }

  private static Object bindBean(Map<?, ?> map, Class<?> type) throws ReflectiveOperationException {
    Constructor<?> constructor = type.getDeclaredConstructor();
    constructor.setAccessible(true);
    Object bean = constructor.newInstance();
    Map<String, Object> members = members(map);
    for (Method method : type.getMethods()) {
      if (method.getParameterCount() != 1 || Modifier.isStatic(method.getModifiers()) || method.isBridge()
          || !method.getName().startsWith("set") || method.getName().length() == 3) {
        continue;
      }
      String name = decapitalized(method.getName().substring(3));
      if (has(map, members, name)) {
        method.setAccessible(true);
        method.invoke(bean, bind(find(map, members, name), method.getGenericParameterTypes()[0]));
      }
    }
    for (Field field : type.getFields()) {
      int modifiers = field.getModifiers();
      if (!Modifier.isStatic(modifiers) && !Modifier.isFinal(modifiers) && has(map, members, field.getName())) {
        field.set(bean, bind(find(map, members, field.getName()), field.getGenericType()));
      }
    }
    return bean;
  }

  private static String decapitalized(String name) {
    return Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }

  private static Map<String, Object> members(Map<?, ?> map) {
    Map<String, Object> all = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    map.forEach((name, value) -> all.put((String) name, value));
    return all;
  }

  private static boolean has(Map<?, ?> exact, Map<String, Object> anyCase, String name) {
    return exact.containsKey(name) || anyCase.containsKey(name);
  }

  private static Object find(Map<?, ?> exact, Map<String, Object> anyCase, String name) {
    return exact.containsKey(name) ? exact.get(name) : anyCase.get(name);
  }

  /** The value of a result as Json writes it. */
  static Object unbind(Object value) throws ReflectiveOperationException {
    if (value == null || value instanceof String || value instanceof Boolean || value instanceof Number) {
      return value;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> out = new LinkedHashMap<>();
      for (Map.Entry<?, ?> member : map.entrySet()) {
        out.put(String.valueOf(member.getKey()), unbind(member.getValue()));
      }
      return out;
    }
    if (value instanceof Iterable<?> elements) {
      List<Object> out = new ArrayList<>();
      for (Object each : elements) {
        out.add(unbind(each));
      }
      return out;
    }
    if (value instanceof byte[] bytes) {
      return java.util.Base64.getEncoder().encodeToString(bytes);
    }
    if (value.getClass().isArray()) {
      List<Object> out = new ArrayList<>();
      for (int i = 0; i < Array.getLength(value); i++) {
        out.add(unbind(Array.get(value, i)));
      }
      return out;
    }
    if (value instanceof Optional<?> optional) {
      return unbind(optional.orElse(null));
    }
    if (value instanceof Date date) {
      return date.getTime();
    }
    if (value instanceof Enum<?> constant) {
      return constant.name();
    }
    if (value instanceof CharSequence || value instanceof Character || value instanceof TemporalAccessor
        || value instanceof BigInteger || value.getClass().getName().startsWith("java.")) {
      return value.toString();
    }
    return unbindMembers(value);
  }

  private static Map<String, Object> unbindMembers(Object value) throws ReflectiveOperationException {
    Map<String, Object> out = new TreeMap<>();
    Class<?> type = value.getClass();
    if (type.isRecord()) {
      for (RecordComponent component : type.getRecordComponents()) {
        component.getAccessor().setAccessible(true);
        out.put(component.getName(), unbind(component.getAccessor().invoke(value)));
      }
      return out;
    }
    for (Method method : type.getMethods()) {
      String name = property(method);
      if (name != null) {
        method.setAccessible(true);
        out.put(name, unbind(method.invoke(value)));
      }
    }
    for (Field field : type.getFields()) {
      if (!Modifier.isStatic(field.getModifiers())) {
        out.put(field.getName(), unbind(field.get(value)));
      }
    }
    return out;
  }

  /** The property that the method is the getter of, or null. */
  private static String property(Method method) {
    String name = method.getName();
    if (method.getParameterCount() != 0 || Modifier.isStatic(method.getModifiers()) || method.isBridge()
        || method.getDeclaringClass() == Object.class || method.getReturnType() == void.class) {
      return null;
    }
    if (name.startsWith("get") && name.length() > 3) {
      return decapitalized(name.substring(3));
    }
    boolean isBoolean = method.getReturnType() == boolean.class || method.getReturnType() == Boolean.class;
    return isBoolean && name.startsWith("is") && name.length() > 2 ? decapitalized(name.substring(2)) : null;
  }
}
