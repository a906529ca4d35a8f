// Which form of function URLs the API shows.
#pragma once

#include <string_view>

#include "catalog/function_url_address.h"
#include "main/config.h"

namespace lambent {

// FunctionUrlStyle::automatic becomes the host form where names under the domain are known to lead to this machine:
// the operator chose the domain, or the system resolves every name under "localhost" by itself. No name is looked up.
catalog::FunctionUrlAddress::Style resolve_function_url_style(const Config& config);

// True where the "hosts" line of nsswitch.conf names a module that answers for *.localhost.
bool resolves_localhost_names(std::string_view nsswitch);

}  // namespace lambent
