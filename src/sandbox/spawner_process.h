// The spawner's state and loop (spawner.h says what it is for).
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/confine.h"
#include "sandbox/host_ids.h"
#include "sandbox/instance.h"
#include "sandbox/packet_io.h"
#include "sandbox/protocol.h"
#include "sandbox/seccomp.h"
#include "sandbox/shell_kind.h"
#include "sandbox/unpack_helper.h"

namespace lambent::sandbox {

struct LogPipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
// Owned by the sandbox's user, so that a program can open /dev/stdout again, as shells do.
Result<LogPipe> make_log_pipe(const Identity& identity);

// Bits of protocol::Launched.
std::uint32_t listeners_of(const protocol::Launch& launch);

// Until what was killed counts as stuck in the kernel (a process in uninterruptible sleep, say).
inline constexpr std::chrono::seconds kEndTime{10};
inline constexpr std::chrono::milliseconds kHastenEvery{20};

class SpawnerLoop {
 public:
  // Needs nothing of the host yet.
  static Result<std::unique_ptr<SpawnerLoop>> create(UniqueFd server);

  // Until the server's end closes or says stop; then ends every sandbox and removes the cgroups.
  int run();

 private:
  // What a descriptor in epoll belongs to; with it comes the key of an instance, of an unpacking or of a kind.
  enum class Source : std::uint64_t {
    server,
    pidfd,
    channel,
    memory,
    program,
    unpack_pidfd,
    template_control,
    house_control,
    house_notifications,
  };
  using Time = std::chrono::steady_clock::time_point;

  explicit SpawnerLoop(UniqueFd server) : server_(std::move(server)) {}

  // The loop.
  Result<> watch(int fd, Source source, std::uint64_t id);
  void dispatch(const epoll_event& event);
  [[nodiscard]] int wait_ms() const;
  void on_tick();
  void end_everything();
  [[nodiscard]] bool is_all_over(Time give_up_at) const;

  // Requests (spawner_requests.cpp).
  void on_server();
  void on_request(protocol::Type type, ReceivedPacket& packet);
  void configure(const protocol::Configure& message);
  void compile_filters();
  void set_cpu(const protocol::SetCpu& message);
  void prepare(const protocol::Prepare& message);
  void launch();
  void kill(std::uint64_t id);
  void unpack(const protocol::Unpack& message, ReceivedPacket& packet);

  // Shells (spawner_shells.cpp): making them ahead or for a launch, giving them their launch.
  Result<Instance*> shell_for(const protocol::Launch& launch);
  Result<Instance*> make_shell(const protocol::Launch& like, std::uint32_t kind);
  Result<> begin_child(Instance& instance, Confinement& confinement);
  Result<> assign_launch(Instance& instance);
  void assign_when_possible(Instance& instance);
  void move_launch(Instance& from);
  void forget_launches();
  void refill(Time now);
  ShellKind* kind_of(const protocol::Launch& launch);

  // Templates (spawner_templates.cpp).
  void start_template_of(std::uint32_t number, ShellKind& kind);
  void fork_into(Instance& instance, std::span<const UniqueFd> namespaces);
  void on_template(std::uint32_t number);
  void on_report(const TemplateReport& report);
  void on_template_lost(std::uint32_t number, ShellKind& kind);

  // Templates of functions (spawner_houses.cpp).
  Result<Instance*> shell_in_house(const protocol::Launch& launch);
  Result<Instance*> make_shell_in(Instance& house);
  void on_gated(Instance& house, std::vector<UniqueFd> fds);
  void on_house_running(Instance& house, std::vector<UniqueFd> fds);
  void on_cloned(Instance& house, int failure, std::vector<UniqueFd> fds);
  void on_reaped(Instance& house, pid_t process, int status);
  void on_shell_prepared(Instance& shell, std::vector<UniqueFd> namespaces);
  void fork_next(Instance& house);
  void on_house_control(Instance& house);
  void on_house_report(Instance& house, const TemplateReport& report);
  void on_notification(Instance& house);
  bool may_join(House& house, pid_t process);
  void refill_houses();
  static void end_forerunner(Instance& shell);
  void begin_forking(Instance& of);
  void forget_in_house(Instance& shell);
  void on_house_ended(std::uint64_t key);

  // Life of sandboxes (spawner_instances.cpp).
  void on_channel(Instance& instance);
  // All that stands in its channel now.
  void hear_out(Instance& instance);
  void on_prepared(Instance& instance, std::vector<UniqueFd> fds);
  void on_child_message(Instance& instance, ReceivedChildMessage& received);
  void on_program_ended(Instance& instance, std::optional<int> status);
  void on_ended(Instance& instance);
  void report_running(Instance& instance);
  void fail_instance(Instance& instance, const Error& error);
  void kill_instance(Instance& instance);
  void finish(Instance& instance);
  void tell_end(Instance& instance);
  void set_aside(Instance& instance);
  void on_unpack_ended(std::uint64_t id);
  Instance* find(std::uint64_t id);

  template <class Message>
  Result<> reply(const Message& message, std::span<const int> fds = {}) {
    return send_reply(std::as_bytes(std::span(&message, 1)), fds);
  }
  Result<> send_reply(std::span<const std::byte> packet, std::span<const int> fds);
  void reply_failed(std::uint64_t id, const Error& error);

  UniqueFd server_;
  UniqueFd epoll_;
  UniqueFd host_proc_;
  bool is_configured_ = false;
  bool is_privileged_ = false;
  bool records_denied_calls_ = false;
  bool is_stopping_ = false;
  SeccompPrograms filters_;  // of instances, by SeccompProfile; there once it is configured
  SeccompProgram unpacker_filter_;
  CgroupTree cgroups_;
  HostIds host_ids_;
  std::map<std::uint64_t, Instance> instances_;  // by key
  std::map<std::uint64_t, std::uint64_t> keys_;  // of instances, by the server's id
  std::map<std::uint32_t, ShellKind> kinds_;
  std::uint64_t next_key_ = 1;
  Time refill_at_ = Time::max();
  std::map<std::uint64_t, UnpackJob> unpackings_;
  // The request being handled. Wiped after each launch: a child must not carry another's environment.
  alignas(8) std::array<std::byte, protocol::kLargestRequest> request_{};
};

}  // namespace lambent::sandbox
