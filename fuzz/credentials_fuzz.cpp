// Any credentials file: refused or read, never a crash; what is read is a valid pair.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "identity/credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/credentials-fuzz-" + std::to_string(getpid());
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  chmod(path.c_str(), 0600);
  const auto keys = lambent::identity::read_credentials_file(path);
  if (keys && !lambent::identity::validate_root_keys(*keys)) std::abort();
  unlink(path.c_str());
  return 0;
}
