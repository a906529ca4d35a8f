// Any bytes as a packet between server and spawner: what passes validation must be safe to use as confining uses it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "sandbox/paths.h"
#include "sandbox/protocol.h"

namespace {

namespace protocol = lambent::sandbox::protocol;

template <class Message>
std::unique_ptr<Message> copy_of(std::span<const std::byte> packet) {
  auto message = std::make_unique<Message>();
  std::memcpy(message.get(), packet.data(), sizeof(Message));
  return message;
}

void check(bool holds) {
  if (!holds) std::abort();
}

void use(protocol::Launch& message) {
  check(message.argv.pointers().size() == message.argv.count + 1 && message.argv.count >= 1);
  check(message.environment.pointers().size() == message.environment.count + 1);
  const auto paths = message.mount_paths.pointers();
  check(paths.size() == message.mount_paths.count + 1 && message.mount_paths.count % 2 == 0);
  for (std::size_t i = 0; i + 1 < paths.size(); ++i) check(lambent::sandbox::is_plain_absolute_path(paths[i]));
  check(message.mount_paths.count / 2 <= message.mount_writable.size());
  check(std::strlen(message.hostname.data()) < message.hostname.size());
  check(std::strlen(message.working_folder.data()) < message.working_folder.size());
  check(message.uid != 0 && message.gid != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The input is laid over a valid message, so that few bytes reach far into its fields.
  static const auto kGood = [] {
    lambent::sandbox::Policy policy;
    policy.mounts = {{"/a", "/var/task"}};
    policy.argv = {"/bin/sh", "-c", "x"};
    policy.environment = {"A=1", "B=2"};
    auto message = std::make_unique<protocol::Launch>();
    check(protocol::encode(policy, 1, *message).has_value());
    return message;
  }();
  const auto packet = std::as_bytes(std::span(data, size));
  if (const auto type = protocol::type_of_request(packet)) {
    if (type == protocol::Type::configure) static_cast<void>(validate(*copy_of<protocol::Configure>(packet)));
    if (type == protocol::Type::unpack) static_cast<void>(validate(*copy_of<protocol::Unpack>(packet)));
  }
  if (const auto type = protocol::type_of_reply(packet)) {
    if (type == protocol::Type::ready) static_cast<void>(is_valid(*copy_of<protocol::Ready>(packet)));
    if (type == protocol::Type::exited) static_cast<void>(is_valid(*copy_of<protocol::Exited>(packet)));
    if (type == protocol::Type::unpacked) static_cast<void>(is_valid(*copy_of<protocol::Unpacked>(packet)));
  }
  auto launch = std::make_unique<protocol::Launch>(*kGood);
  auto* bytes = reinterpret_cast<std::uint8_t*>(launch.get());
  for (std::size_t at = 0; at + 3 <= size; at += 3) {
    bytes[(data[at] | static_cast<std::size_t>(data[at + 1]) << 8U) % sizeof(protocol::Launch)] = data[at + 2];
  }
  if (validate(*launch)) use(*launch);
  return 0;
}
