// The runtimes that functions can ask for, and the interpreters of this host that carry them.
//
// Runtime identifiers are AWS's ("python3.11", "nodejs20.x", "provided.al2023"). Interpreters named in the
// configuration win; others are searched for in PATH: python3.N and ruby3.N by name, node by the version it prints,
// java by the file "release" of its installation.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace lambent::instance {

enum class RuntimeFamily {
  python,    // runs runtimes/python
  nodejs,    // runs runtimes/nodejs
  ruby,      // runs runtimes/ruby
  java,      // runs runtimes/java
  provided,  // runs the function's own /var/task/bootstrap
};

// Whether instances are forks of a template.
constexpr bool has_template(RuntimeFamily family) {
  return family == RuntimeFamily::python || family == RuntimeFamily::nodejs || family == RuntimeFamily::ruby;
}

// Whether its client speaks to the platform by frames (runtime_api/frames.h), not by the Runtime API over HTTP.
constexpr bool has_runtime_line(RuntimeFamily family) {
  return has_template(family);
}

struct Runtime {
  std::string id;
  RuntimeFamily family = RuntimeFamily::provided;
  std::string interpreter;       // absolute path with links resolved; empty for provided
  std::string prefix;            // folder outside /usr that must be mounted too; empty where /usr has all of it
  std::uint32_t start_kind = 0;  // number of its StartKind (launch_plan.h); runtimes without a template share one
};

class RuntimeSet {
 public:
  // Runs each node found once (`node --version`), however many folders lead to it. `configured` maps a runtime
  // identifier to an executable; one that cannot be executed is an error that names it.
  static Result<RuntimeSet> discover(const std::map<std::string, std::string>& configured,
                                     std::string_view search_path);

  // A sentence for the API's client where the host lacks it, listing what there is.
  [[nodiscard]] std::expected<Runtime, std::string> find(const std::string& id) const;
  [[nodiscard]] std::vector<Runtime> all() const;

 private:
  std::map<std::string, Runtime> runtimes_;
};

}  // namespace lambent::instance
