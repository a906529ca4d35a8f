// What functions answer to a batch of a stream, from any bytes: no crash, and a state that is handed on makes an event
// from which it is read again as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "triggers/batch_response.h"
#include "triggers/tumbling_window.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::triggers;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::vector<StreamRecord> batch{{"10", "", 0}, {"11", "", 0}};
  if (records_done(text, batch) > batch.size()) std::abort();
  const auto state = returned_state(text);
  if (!state) return 0;
  const TumblingWindow window{.start_ms = 0, .end_ms = 1000, .state = *state};
  const std::string event = R"({"Records":[])" + window_members(window, WindowCall::aggregate, "s", "a") + "}";
  if (returned_state(event) != state) std::abort();
  return 0;
}
