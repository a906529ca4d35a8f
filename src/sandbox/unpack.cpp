#include "sandbox/unpack.h"

namespace lambent::sandbox {

std::string_view name_of(UnpackFailure failure) {
  switch (failure) {
    case UnpackFailure::none:
      return "none";
    case UnpackFailure::not_a_zip:
      return "not a zip archive";
    case UnpackFailure::corrupt:
      return "corrupt archive";
    case UnpackFailure::encrypted:
      return "encrypted entry";
    case UnpackFailure::unsupported:
      return "unsupported compression method";
    case UnpackFailure::unsafe_path:
      return "entry leaves the folder";
    case UnpackFailure::unsafe_link:
      return "link leaves the folder";
    case UnpackFailure::unsafe_kind:
      return "entry is neither file, folder nor link";
    case UnpackFailure::duplicate:
      return "two entries of one name";
    case UnpackFailure::name_too_long:
      return "name too long";
    case UnpackFailure::too_many_bytes:
      return "too large unpacked";
    case UnpackFailure::too_many_entries:
      return "too many entries";
    case UnpackFailure::time_limit:
      return "took too long";
    case UnpackFailure::no_space:
      return "no space left on the disk";
    case UnpackFailure::internal:
      return "internal failure";
  }
  return "unknown";
}

}  // namespace lambent::sandbox
