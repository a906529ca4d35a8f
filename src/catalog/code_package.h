// The code of a function, unpacked and ready to be shown to an instance.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace lambent::catalog {

// One package on disk: the zip in blobs/ and its folder under code/. Shared by every function with the same zip, and by
// every instance that runs it (an instance keeps its FunctionPtr, which keeps this). When the last of them lets go,
// blob and folder are removed. Owned on the event loop's thread only.
struct CodePackage {
  std::string digest;         // SHA-256 of the zip, 64 lower-case hexadecimal digits
  std::string sha256_base64;  // the same digest, as CodeSha256 shows it
  std::string folder;         // absolute path, read-only by convention
  std::uint64_t zip_bytes = 0;
  std::uint64_t unzipped_bytes = 0;  // 0 where not known (found on disk at start)
  std::move_only_function<void()> released;

  CodePackage() = default;
  CodePackage(const CodePackage&) = delete;
  CodePackage& operator=(const CodePackage&) = delete;
  ~CodePackage() {
    if (released) released();
  }
};

using CodePackagePtr = std::shared_ptr<const CodePackage>;

}  // namespace lambent::catalog
