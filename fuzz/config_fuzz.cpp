// Every setting takes any text or refuses it with a reason; what it took, it shows in a form that it takes again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "main/config_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent;
  static const std::vector<Setting> table = settings_table();
  if (size == 0) return 0;
  const Setting& setting = table[data[0] % table.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Config config;
  const auto set = setting.set(config, text);
  if (!set) {
    if (set.error().empty()) std::abort();
    return 0;
  }
  const std::string shown = setting.show(config);
  Config again;
  if (!setting.set(again, shown) || setting.show(again) != shown) std::abort();
  return 0;
}
