// JSON text, appended piece by piece: the caller writes the structure in order, this writes commas and escapes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lambent::protocol {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void string(std::string_view text);
  void base64(std::string_view bytes);
  void boolean(bool value);
  void integer(std::int64_t value);
  // Whole numbers with ".0", as Java writes them; NaN and infinities as strings, as AWS has them.
  void floating(double value);
  // Text that is JSON already.
  void raw(std::string_view json);

 private:
  void separate() {
    if (comma_) out_ += ',';
    comma_ = true;
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
  }
  void close(char bracket) {
    out_ += bracket;
    comma_ = true;
  }

  std::string& out_;
  bool comma_ = false;
};

}  // namespace lambent::protocol
