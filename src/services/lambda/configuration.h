// Between the API's shapes and the catalog's record of a function.
#pragma once

#include <string_view>

#include "catalog/function.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

// What GetFunctionConfiguration shows. `arn`: as the caller named it (qualified or not).
api::FunctionConfiguration to_configuration(const catalog::Function& function, std::string_view arn);

// The members of the record that both requests can set; the rest of `function` stays. Checks have passed.
void apply(const api::CreateFunctionRequest& request, catalog::Function& function);
void apply(const api::UpdateFunctionConfigurationRequest& request, catalog::Function& function);
// Sets Function::network and Function::isolation by the tags. True where one changed: instances of before do not serve
// any more.
bool apply_own_tags(catalog::Function& function);

catalog::Cors to_record(const api::Cors& cors);
api::Cors to_api(const catalog::Cors& cors);

std::vector<std::pair<std::string, std::string>> to_pairs(const protocol::Map<std::string>& map);
// `pairs` are sorted by name, as the record keeps them.
protocol::Map<std::string> to_map(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace lambent::services::lambda
