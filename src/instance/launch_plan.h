// From a function to the sandbox it runs in: mounts, command, environment and limits as AWS Lambda gives them
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "catalog/function.h"
#include "egress/network_policy.h"
#include "identity/credentials.h"
#include "instance/runtime_set.h"
#include "instance/snapshot_settings.h"
#include "sandbox/policy.h"

namespace lambent::instance {

// What all instances of one server share. Addresses are those inside the sandbox.
struct Platform {
  std::string region;
  std::string runtimes_folder;  // holds python/, nodejs/, ruby/ and java/, the runtime clients, and attendant/
  std::uint16_t runtime_port = 9001;
  std::uint16_t api_port = 4566;
};

// The kinds of sandboxes that are kept ready (sandbox::Policy::kind). One that is empty, for programs of functions' own
// and for runtimes without a template; and one for each runtime whose instances are forked from a template.
struct StartKind {
  std::uint32_t number = 0;
  sandbox::Policy like;
  bool is_template = false;
};
// Nothing of the function's enters: instances of all functions with this runtime are made from it.
StartKind start_kind(const Runtime& runtime, const Platform& platform, const Limits& limits, bool has_gates);

// Whether instances of this version are forks of a template in which its INIT has run: by SnapStart, or by
// the operator's choice where the runtime can.
bool wants_snapshot(const catalog::Function& function, const Runtime& runtime, const SnapshotSettings& settings);
// Makes a launch's policy that of such a template.
void make_template(sandbox::Policy& policy, const Runtime& runtime);

// The processor share that the function's memory size buys, in thousandths of a core.
std::uint32_t function_millicores(const catalog::Function& function, const Limits& limits);

// The policy of one instance, as it is during INIT: with at least limits.init_millicores. Pure: reads no file and asks
// no clock. `initialization_type`: "on-demand" or "provisioned-concurrency".
sandbox::Policy plan_launch(const catalog::Function& function, const Runtime& runtime, const Platform& platform,
                            const Limits& limits, const identity::TemporaryCredentials& credentials,
                            const std::string& log_stream, std::string_view initialization_type);

// Makes a launch's policy that of a function with these external extensions: the attendant starts them, then the
// runtime.
void attend_launch(sandbox::Policy& policy, const Platform& platform, const std::vector<std::string>& extensions);

// What of the network the sandbox has; which addresses a gate lets through is the egress process's.
void confine_network(sandbox::Policy& policy, const egress::NetworkPolicy& network, bool has_gates);

}  // namespace lambent::instance
