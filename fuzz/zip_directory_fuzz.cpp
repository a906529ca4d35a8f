// Any bytes as an archive: the strict reading of its directory ends, and what it gives are names without a NUL.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/fd.h"
#include "sandbox/zip_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lambent::UniqueFd file(memfd_create("archive", MFD_CLOEXEC));
  if (!file || write(file.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  const auto names = lambent::sandbox::read_entry_names(file.get(), 1000);
  if (!names) return 0;
  if (names->size() > 1000) std::abort();
  for (const auto& name : *names) {
    if (name.find('\0') != std::string::npos) std::abort();
  }
  return 0;
}
