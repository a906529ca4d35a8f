// The messages between the server and the spawner: plain data of fixed size, one a packet, same binary on both ends.
//
// The receiver trusts nothing: a packet whose size, type or any field is not as the checks below want it is refused
// whole (the spawner answers a refused request with a failure and goes on). No field is a pointer or an index that is
// used unchecked; every text is NUL-terminated inside its own array, checked by the validators.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "sandbox/mounts.h"
#include "sandbox/policy.h"

namespace lambent::sandbox::protocol {

inline constexpr std::size_t kMounts = 24;
inline constexpr std::size_t kMountBytes = 16 * kKiB;
inline constexpr std::size_t kArguments = 64;
inline constexpr std::size_t kArgumentBytes = 8 * kKiB;
inline constexpr std::size_t kVariables = 1024;
inline constexpr std::size_t kVariableBytes = 32 * kKiB;
inline constexpr std::size_t kPathBytes = 512;
inline constexpr std::size_t kDetailBytes = 256;
inline constexpr std::size_t kCapabilities = 32;
inline constexpr std::uint32_t kMinMillicores = 10;
inline constexpr std::uint32_t kMaxMillicores = 1'024'000;

constexpr bool is_inside_id(std::uint32_t id) {
  return id >= 1 && id <= 65'533;
}
constexpr bool is_memory(std::uint64_t bytes) {
  return bytes >= 8 * kMiB && bytes <= kMiB * kMiB;
}
constexpr bool is_millicores(std::uint32_t share) {
  return share >= kMinMillicores && share <= kMaxMillicores;
}
constexpr bool is_count(std::uint32_t count) {
  return count >= 1 && count <= 1'048'576;
}
constexpr bool is_tmp(std::uint64_t bytes, std::uint64_t inodes) {
  return bytes >= 64 * kKiB && bytes <= kMiB * kMiB && inodes >= 8 && inodes <= (1ULL << 32U);
}

enum class Type : std::uint32_t {
  // server to spawner
  configure = 1,
  launch = 2,
  kill = 3,
  unpack = 4,  // with two descriptors: the archive, the destination folder
  stop = 5,
  set_cpu = 6,
  prepare = 7,
  // spawner to server
  ready = 101,
  launched = 102,  // with descriptors: see Launched
  launch_failed = 103,
  exited = 104,
  unpacked = 105,
  forkable = 106,
};

struct Header {
  Type type;
  std::uint32_t bytes;  // of the whole message
  std::uint64_t id;     // names the sandbox or the unpacking; chosen by the server, never 0 (but in configure and stop)
};

// NUL-terminated strings, one after the other.
template <std::size_t Bytes, std::size_t Count>
struct PackedStrings {
  std::uint32_t count;
  std::uint32_t used;  // bytes, each string's NUL counted
  std::array<char, Bytes> data;

  static constexpr std::size_t kCount = Count;

  // False where it does not fit or holds a NUL.
  bool append(std::string_view text) {
    if (count >= Count || Bytes - used < text.size() + 1 || text.find('\0') != std::string_view::npos) return false;
    text.copy(data.data() + used, text.size());
    data[used + text.size()] = '\0';
    used += static_cast<std::uint32_t>(text.size() + 1);
    ++count;
    return true;
  }
  [[nodiscard]] bool is_valid() const {
    if (count > Count || used > Bytes || (used > 0 && data[used - 1] != '\0')) return false;
    std::size_t ends = 0;
    for (std::size_t i = 0; i < used; ++i) ends += data[i] == '\0' ? 1U : 0U;
    return ends == count;
  }
  // Pointers into `data`, and a null pointer at the end: the shape that execve(2) wants. Only of a valid value.
  [[nodiscard]] std::vector<char*> pointers() {
    std::vector<char*> list;
    list.reserve(count + 1);
    for (std::uint32_t at = 0; at < used; at += static_cast<std::uint32_t>(std::string_view(&data[at]).size() + 1)) {
      list.push_back(&data[at]);
    }
    list.push_back(nullptr);
    return list;
  }
};

struct Configure {
  Header header;
  std::array<char, 32> cgroup_name;  // "lambent-" and 16 hexadecimal digits
  std::uint32_t first_host_uid;      // 65,536 or more: never a person's or a service's id
  std::uint32_t host_uids;
  std::uint32_t records_denied_calls;  // 0 or 1: the kernel makes an audit record of each (audit_listener.h)
  std::uint32_t reserved;              // 0
};

struct Launch {
  Header header;
  PackedStrings<kMountBytes, 2 * kMounts> mount_paths;  // source, target, source, target ...
  std::array<std::uint8_t, kMounts> mount_writable;     // 0 or 1
  PackedStrings<kArgumentBytes, kArguments> argv;
  PackedStrings<kVariableBytes, kVariables> environment;
  std::array<char, kPathBytes> working_folder;
  std::array<char, 64> hostname;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint64_t memory_bytes;
  std::uint64_t tmp_bytes;
  std::uint64_t tmp_inodes;
  std::uint32_t cpu_millicores;
  std::uint32_t processes;
  std::uint32_t open_files;
  std::uint16_t runtime_port;
  std::uint16_t platform_port;
  std::uint32_t seccomp_profile;
  std::uint32_t network;       // NetworkMode
  std::uint32_t kind;          // of shells (Prepare) that fit it; 0: none
  std::uint32_t runtime_line;  // 0 or 1
  std::uint32_t is_template;   // 0 or 1: it forks what names it in forked_from (house.h)
  std::uint32_t reserved;      // 0
  std::uint64_t forked_from;   // id of a launch with is_template; 0: none
};

// Keeps shells ready for launches that name this kind (header.id). They have the users, ports, network and mounts of
// `like`; where `is_template` is set, `like` is also the program of a template that forks a process into each of them.
struct Prepare {
  Header header;
  std::uint32_t ready;        // how many are kept
  std::uint32_t is_template;  // 0 or 1
  Launch like;
};

struct Kill {
  Header header;
};

// Changes the processor share of a running sandbox.
struct SetCpu {
  Header header;
  std::uint32_t cpu_millicores;
  std::uint32_t reserved;  // 0
};

struct Unpack {
  Header header;
  std::uint64_t unzipped_bytes;
  std::uint32_t entries;
  std::uint32_t time_ms;
};

struct Stop {
  Header header;
};

struct Capability {
  std::array<char, 48> name;
  std::array<char, 192> means;
  std::array<char, kDetailBytes> remedy;
  std::uint32_t level;  // Enforcement
};

// Answer to configure; comes once.
struct Ready {
  Header header;
  std::uint32_t can_launch;
  std::uint32_t count;
  std::array<Capability, kCapabilities> capabilities;
};

// Descriptors in this order, each only where its bit is set: pidfd (always), log (always), runtime listener, platform
// listener, the gate's TCP and UDP socket, its refusals, runtime line, memory peak, freezer.
struct Launched {
  static constexpr std::uint32_t kRuntimeListener = 1;
  static constexpr std::uint32_t kPlatformListener = 2;
  static constexpr std::uint32_t kMemoryPeak = 4;
  static constexpr std::uint32_t kGateTcp = 8;
  static constexpr std::uint32_t kGateUdp = 16;
  static constexpr std::uint32_t kFreezer = 32;
  static constexpr std::uint32_t kRuntimeLine = 64;
  static constexpr std::uint32_t kGateRefusals = 128;

  Header header;
  std::uint32_t present;
  std::uint32_t freezer_version;  // of its cgroup: 1 or 2; 0 without
  std::uint64_t shell_ns;         // from the launch's arrival until there was a sandbox for it
  std::uint32_t is_forked;        // 0 or 1: a template forked the program
  std::uint32_t host_uid;         // its own on the host; 0 where it has none of its own
};

// The template that header.id names can be asked to fork from now on.
struct Forkable {
  Header header;
};

struct LaunchFailed {
  Header header;
  std::int32_t code;  // errno or 0
  std::uint32_t reserved;
  std::array<char, 64> step;
  std::array<char, kDetailBytes> detail;
};

struct Exited {
  Header header;
  std::uint32_t kind;  // ExitKind without spawner_lost
  std::int32_t code;
  std::uint32_t out_of_memory;
  std::uint32_t has_memory_peak;
  std::uint64_t memory_peak_bytes;
};

struct Unpacked {
  Header header;
  std::uint32_t failure;  // UnpackFailure
  std::uint32_t entries;
  std::uint64_t bytes;
  std::array<char, kDetailBytes> detail;
};

// A change of any size is a change of the protocol; both ends are one binary, so this guards only against padding.
static_assert(sizeof(Header) == 16);
static_assert(sizeof(Configure) == 64);
static_assert(sizeof(Launch) == 58'064);
static_assert(sizeof(Unpack) == 32);
static_assert(sizeof(Launched) == 40 && sizeof(LaunchFailed) == 344 && sizeof(Exited) == 40);
static_assert(std::is_trivially_copyable_v<Launch> && std::is_trivially_copyable_v<Ready>);

inline constexpr std::size_t kLargestRequest = sizeof(Prepare);
inline constexpr std::uint32_t kMostReady = 256;  // shells of a kind
inline constexpr std::size_t kKinds = 32;
inline constexpr std::size_t kLargestReply = sizeof(Ready);

// Text into and out of a fixed array: cut to fit, always NUL-terminated.
template <std::size_t N>
void put_text(std::array<char, N>& into, std::string_view text) {
  into.fill('\0');
  text.substr(0, text.find('\0')).copy(into.data(), N - 1);
}
template <std::size_t N>
bool is_text(const std::array<char, N>& text) {
  return std::string_view(text.data(), N).find('\0') != std::string_view::npos;
}
template <std::size_t N>
std::string_view text_of(const std::array<char, N>& text) {
  const std::string_view all(text.data(), N);
  return all.substr(0, all.find('\0'));
}

// The kind of a packet whose header is right for its size; nothing for every other packet.
std::optional<Type> type_of_request(std::span<const std::byte> packet);
std::optional<Type> type_of_reply(std::span<const std::byte> packet);

// Every field within its bounds. Error::target names the field.
Result<> validate(const Configure& message);
Result<> validate(const Launch& message);
Result<> validate(const Prepare& message);
Result<> validate(const SetCpu& message);
Result<> validate(const Unpack& message);
bool is_valid(const Ready& message);
bool is_valid(const Launched& message);
bool is_valid(const Forkable& message);
bool is_valid(const LaunchFailed& message);
bool is_valid(const Exited& message);
bool is_valid(const Unpacked& message);

template <class Message>
Message make(Type type, std::uint64_t id) {
  Message message{};
  message.header = {type, sizeof(Message), id};
  return message;
}

// Of a valid message.
inline NetworkMode network_of(const Launch& message) {
  return static_cast<NetworkMode>(message.network);
}
// The mounts of a valid message, in its order.
struct MountEntry {
  std::uint32_t index;
  std::string_view source;
  std::string_view target;
  Access access;
};
std::vector<MountEntry> mounts_of(const Launch& message);

// Writes a valid policy (sandbox::validate) into a message. The message is large: keep one and reuse it.
Result<> encode(const Policy& policy, std::uint64_t id, Launch& into);

}  // namespace lambent::sandbox::protocol
