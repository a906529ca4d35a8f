// Hears from the kernel which system calls filters refuse: the audit records of filters that are installed with
// SECCOMP_FILTER_FLAG_LOG, from the multicast group that the kernel keeps for readers beside auditd
// (AUDIT_NLGRP_READLOG; audit netlink, linux/audit.h). What a filter answers is the same whether somebody listens or
// not.
//
// Such records also go where the host's audit goes: to auditd, or without it to the kernel's log, which takes ten lines
// in five seconds. For all of the machine the kernel makes them one after the other, some ten microseconds each, in
// which the caller waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/denied_call.h"

namespace lambent::sandbox {

class AuditListener {
 public:
  AuditListener() = default;

  // Needs CAP_AUDIT_READ on the host, in the host's network namespace; the rights may go afterwards. The socket is
  // closed for good, in the kernel, to all records but those of filters. Proves that records come, by a child process
  // whose filter refuses a call: before threads exist. Error::detail says what is missing.
  static Result<AuditListener> open();

  [[nodiscard]] bool is_open() const { return socket_.valid(); }

  // What has come since, at most `most`; never blocks. `lost` is set where the kernel dropped records since the last
  // call, since nobody took them.
  std::vector<DeniedCall> take(std::size_t most, bool& lost);

 private:
  explicit AuditListener(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<> prove();

  UniqueFd socket_;
};

}  // namespace lambent::sandbox
