// An unpacker for tests: the "archive" is a text that says what happens.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "base/files.h"
#include "catalog/code_store.h"

namespace lambent::catalog {

// "PK…": one file named "content" with that text. "EMPTY": a valid archive without entries. "LARGE": over the limit.
// "FAIL": the helper process failed. Anything else: no zip at all.
class FakeUnpacker final : public Unpacker {
 public:
  net::Task<std::expected<std::uint64_t, CodeError>> unpack(UniqueFd zip, UniqueFd destination) override {
    ++calls;
    std::array<char, 4096> buffer;
    const auto length = ::read(zip.get(), buffer.data(), buffer.size());
    const std::string_view text(buffer.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
    if (text == "EMPTY") co_return refuse(CodeError::Kind::empty);
    if (text == "LARGE") co_return refuse(CodeError::Kind::too_large);
    if (text == "FAIL") co_return refuse(CodeError::Kind::storage);
    if (!text.starts_with("PK")) co_return refuse(CodeError::Kind::not_a_zip);
    const UniqueFd file(::openat(destination.get(), "content", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    if (!write_all(file.get(), text, "content")) co_return refuse(CodeError::Kind::storage);
    co_return text.size();
  }

  int calls = 0;

 private:
  static std::unexpected<CodeError> refuse(CodeError::Kind kind) {
    return std::unexpected(CodeError{kind, "as the test asked"});
  }
};

}  // namespace lambent::catalog
