#include "store/rocksdb_env.h"

#include <rocksdb/file_system.h>

#include <string>

namespace lambent::store {
namespace {

constexpr const char* kNotKept = "the file of options is not kept";

class FilesWithoutOptions final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  [[nodiscard]] const char* Name() const override { return "FilesWithoutOptions"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    const auto slash = path.rfind('/');
    if (path.compare(slash == std::string::npos ? 0 : slash + 1, 8, "OPTIONS-") == 0) {
      return rocksdb::IOStatus::NotSupported(kNotKept);
    }
    return FileSystemWrapper::NewWritableFile(path, options, file, debug);
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> make_rocksdb_env() {
  return rocksdb::NewCompositeEnv(std::make_shared<FilesWithoutOptions>(rocksdb::FileSystem::Default()));
}

bool is_about_options_file(std::string_view message) {
  return message.find(kNotKept) != std::string_view::npos;
}

}  // namespace lambent::store
