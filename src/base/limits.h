// Every limit of the product in one place. Values that AWS publishes are AWS's and are the defaults; each can be
// configured (main/config.h). Source: the quotas page of the AWS Lambda developer guide and botocore's service model.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lambent {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

struct Limits {
  // Functions (AWS quotas).
  std::size_t sync_payload_bytes = 6 * kMiB;         // request and response of RequestResponse
  std::size_t async_payload_bytes = 1 * kMiB;        // request of Event
  std::size_t zip_upload_bytes = 50 * kMiB;          // ZipFile given inline
  std::size_t unzipped_bytes = 250 * kMiB;           // code unpacked
  std::size_t unzipped_entries = 100'000;            // ours: files in one package
  std::size_t environment_bytes = 4 * kKiB;          // all variables, names and values
  std::uint32_t timeout_seconds = 900;               // longest Timeout of a function
  std::uint32_t memory_megabytes = 10'240;           // largest MemorySize
  std::uint32_t tmp_megabytes = 10'240;              // largest EphemeralStorage
  std::uint32_t account_concurrency = 1000;          // instances busy at the same time
  std::uint32_t open_files = 1024;                   // per instance
  std::uint32_t processes = 1024;                    // processes and threads per instance
  std::uint32_t megabytes_per_core = 1769;           // MemorySize that buys one core
  std::chrono::milliseconds init_timeout{10'000};    // INIT phase
  std::uint32_t extensions = 10;                     // of one instance
  std::chrono::milliseconds shutdown_timeout{2000};  // what extensions have for their end; a quarter of it the runtime
  std::uint32_t init_millicores = 1000;              // least processor share during INIT, thousandths of a core
  std::chrono::milliseconds idle_timeout{300'000};   // ours: an idle instance ends
  std::chrono::milliseconds freeze_after{100};       // ours: an idle instance stands still from then on
  std::chrono::milliseconds init_backoff{5'000};     // ours: longest pause between starts whose INIT fails
  std::size_t tail_bytes = 4 * kKiB;                 // LogType Tail
  std::size_t log_bytes_per_function = 64 * kMiB;    // ours: kept on disk
  std::size_t log_line_bytes = 256 * kKiB;           // CloudWatch's longest event
  std::size_t log_bytes_per_second = 8 * kMiB;       // ours: per function; what is over it is dropped and said so
  std::size_t log_burst_bytes = 8 * kMiB;            // ours: that much at once after a quiet time

  // The front door (ours).
  std::size_t header_bytes = 64 * kKiB;
  std::size_t body_bytes = 72 * kMiB;  // a 50 MB zip in base64 and its JSON
  std::size_t connections = 10'000;
  std::chrono::milliseconds header_timeout{30'000};
  std::chrono::milliseconds idle_connection_timeout{120'000};
  std::chrono::minutes signature_skew{15};
};

}  // namespace lambent
