// Stored items: any bytes are refused or read as an item that is written and read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tables/item_codec.h"

using namespace lambent::tables;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto item = decode_item(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!item) return 0;
  const auto again = decode_item(encode_item(*item));
  if (!again || !(*again == *item)) std::abort();
  return 0;
}
