// The one binary. What each command does is in cli/ and in serve.cpp; this file only connects them.

#include <charconv>
#include <iostream>

#include "cli/commands.h"
#include "egress/egress_process.h"
#include "main/config.h"
#include "main/doctor.h"
#include "main/serve.h"
#include "sandbox/seccomp.h"
#include "sandbox/spawner.h"

namespace {

// "lambent spawner <descriptor>" and "lambent egress <descriptor>": started by serve, never by people.
template <int run(int)>
int run_on_descriptor(const std::vector<std::string>& arguments) {
  int descriptor = -1;
  if (arguments.size() != 1) return lambent::cli::kUsage;
  const std::string& text = arguments.front();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), descriptor);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return lambent::cli::kUsage;
  return run(descriptor);
}

lambent::Result<> install_egress_filter() {
  LAMBENT_TRY(const auto program, lambent::sandbox::compile_seccomp_policy("egress"));
  return lambent::sandbox::install_seccomp(program);
}

int run_egress(int descriptor) {
  return lambent::egress::run_egress(descriptor, install_egress_filter);
}

int list_policy(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) return lambent::cli::kUsage;
  const auto listing = lambent::sandbox::list_seccomp_policy(arguments.front());
  if (!listing) {
    std::cerr << listing.error().message() << '\n';
    return lambent::cli::kFailed;
  }
  std::cout << *listing;
  return lambent::cli::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  lambent::cli::Commands commands;
  commands.version = LAMBENT_VERSION;
  commands.serve_flags = lambent::serve_flags();
  commands.serve = lambent::serve;
  commands.doctor_flags = lambent::doctor_flags();
  commands.doctor = lambent::doctor;
  commands.spawner = run_on_descriptor<lambent::sandbox::run_spawner>;
  commands.egress = run_on_descriptor<run_egress>;
  commands.seccomp = list_policy;
  return lambent::cli::run(argc, argv, commands);
}
