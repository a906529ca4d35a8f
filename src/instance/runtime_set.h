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

// A line without its end that changes when the program's file does: its path, and what stat(2) says of it. The path
// alone where it cannot be looked at.
std::string identity_of(const std::string& program);

struct Runtime {
  std::string id;
  RuntimeFamily family = RuntimeFamily::provided;
  std::string interpreter;       // absolute path with links resolved; empty for provided
  std::string prefix;            // folder outside /usr that must be mounted too; empty where /usr has all of it
  std::uint32_t start_kind = 0;  // number of its StartKind (launch_plan.h); runtimes without a template share one
};

class RuntimeSet {
 public:
  // Runs each node found once (`node --version`), however many folders lead to it, but for those whose version is in
  // `remembered`, the versions() of an earlier time. `configured` maps a runtime identifier to an executable; one that
  // cannot be executed is an error that names it.
  static Result<RuntimeSet> discover(const std::map<std::string, std::string>& configured, std::string_view search_path,
                                     std::string_view remembered = {});

  // A sentence for the API's client where the host lacks it, listing what there is.
  [[nodiscard]] std::expected<Runtime, std::string> find(const std::string& id) const;
  [[nodiscard]] std::vector<Runtime> all() const;
  // What interpreters said when they were asked: lines of identity_of(), a tab and the version.
  [[nodiscard]] const std::string& versions() const { return versions_; }

 private:
  std::map<std::string, Runtime> runtimes_;
  std::string versions_;
};

}  // namespace lambent::instance
