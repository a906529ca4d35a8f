package lambent.runtime;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON text to and from Map, List, String, Long, Double, Boolean and null; integers beyond a Long are BigIntegers. */
final class Json {
  private static final int DEPTH_MAX = 1000;

  private final String text;
  private int at;
  private int depth;

  private Json(String text) {
    this.text = text;
  }

  static Object read(String text) {
    Json json = new Json(text);
    json.skipSpace();
    Object value = json.value();
    json.skipSpace();
    if (json.at < text.length()) {
      throw json.unexpected();
    }
    return value;
  }

  /** Of the types above; other numbers and other objects are written as their text. */
  static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value);
    return out.toString();
  }

  private IllegalArgumentException unexpected() {
    String what = at < text.length() ? "character '" + text.charAt(at) + "'" : "end";
    return new IllegalArgumentException("not JSON: unexpected " + what + " at position " + at);
  }

  private void skipSpace() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private boolean take(char expected) {
    if (at < text.length() && text.charAt(at) == expected) {
      at++;
      return true;
    }
    return false;
  }

  private void need(char expected) {
    if (!take(expected)) {
      throw unexpected();
    }
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, at)) {
      throw unexpected();
    }
    at += word.length();
    return value;
  }

  private Object value() {
    if (at >= text.length()) {
      throw unexpected();
    }
    return switch (text.charAt(at)) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> string();
      case 't' -> word("true", Boolean.TRUE);
      case 'f' -> word("false", Boolean.FALSE);
      case 'n' -> word("null", null);
      default -> number();
    };
  }

  private void enter() {
    at++;
    if (++depth > DEPTH_MAX) {
      throw new IllegalArgumentException("not JSON for here: more than " + DEPTH_MAX + " levels deep");
    }
    skipSpace();
  }

  private Map<String, Object> object() {
    Map<String, Object> members = new LinkedHashMap<>();
    enter();
    if (!take('}')) {
      do {
        skipSpace();
        if (at >= text.length() || text.charAt(at) != '"') {
          throw unexpected();
        }
        String name = string();
        skipSpace();
        need(':');
        skipSpace();
        members.put(name, value());
        skipSpace();
      } while (take(','));
      need('}');
    }
    depth--;
    return members;
  }

  private List<Object> array() {
    List<Object> elements = new ArrayList<>();
    enter();
    if (!take(']')) {
      do {
        skipSpace();
        elements.add(value());
        skipSpace();
      } while (take(','));
      need(']');
    }
    depth--;
    return elements;
  }

  private String string() {
    StringBuilder out = new StringBuilder();
    at++;
    for (;;) {
      if (at >= text.length() || text.charAt(at) < ' ') {
        throw unexpected();
      }
      char next = text.charAt(at++);
      if (next == '"') {
        return out.toString();
      }
      out.append(next == '\\' ? escape() : next);
    }
  }

  private char escape() {
    if (at >= text.length()) {
      throw unexpected();
    }
    char kind = text.charAt(at++);
    int plain = "\"\\/bfnrt".indexOf(kind);
    if (plain >= 0) {
      return "\"\\/\b\f\n\r\t".charAt(plain);
    }
    if (kind != 'u' || at + 4 > text.length() || !text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
      at--;
      throw unexpected();
    }
    at += 4;
    return (char) Integer.parseInt(text.substring(at - 4, at), 16);
  }

  private Object number() {
    int begin = at;
    while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = text.substring(begin, at);
    if (!digits.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
      at = begin;
      throw unexpected();
    }
    if (!digits.matches("-?[0-9]+")) {
      return Double.valueOf(digits);
    }
    return digits.length() < 18 ? Long.valueOf(digits) : small(new BigInteger(digits));
  }

  private static Number small(BigInteger number) {
    return number.bitLength() < Long.SIZE ? Long.valueOf(number.longValue()) : number;
  }

  private static void write(StringBuilder out, Object value) {
    if (value instanceof Map<?, ?> map) {
      writeObject(out, map);
    } else if (value instanceof Iterable<?> elements) {
      writeArray(out, elements);
    } else if (value == null || value instanceof Boolean) {
      out.append(value);
    } else if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      out.append(Double.isFinite(number) ? value.toString() : "\"" + value + "\"");
    } else if (value instanceof BigDecimal decimal) {
      out.append(decimal);
    } else if (value instanceof Number) {
      out.append(value);
    } else {
      writeString(out, value.toString());
    }
  }

  private static void writeObject(StringBuilder out, Map<?, ?> map) {
    String separator = "{";
    for (Map.Entry<?, ?> member : map.entrySet()) {
      out.append(separator);
      separator = ",";
      writeString(out, String.valueOf(member.getKey()));
      out.append(':');
      write(out, member.getValue());
    }
    out.append(map.isEmpty() ? "{}" : "}");
  }

  private static void writeArray(StringBuilder out, Iterable<?> elements) {
    out.append('[');
    for (Iterator<?> each = elements.iterator(); each.hasNext();) {
      write(out, each.next());
      if (each.hasNext()) {
        out.append(',');
      }
    }
    out.append(']');
  }

  private static void writeString(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char next = text.charAt(i);
      int plain = "\"\\\b\f\n\r\t".indexOf(next);
      if (plain >= 0) {
        out.append('\\').append("\"\\bfnrt".charAt(plain));
      } else if (next < ' ' || isLoneSurrogate(text, i)) {
        out.append(String.format("\\u%04x", (int) next));
      } else {
        out.append(next);
      }
    }
    out.append('"');
  }

  private static boolean isLoneSurrogate(String text, int i) {
    char next = text.charAt(i);
    if (Character.isHighSurrogate(next)) {
      return i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
    }
    return Character.isLowSurrogate(next) && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)));
  }
}
