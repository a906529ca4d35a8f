// Function URLs inside the catalog's records.
#pragma once

#include "catalog/function.h"
#include "catalog/record_reader.h"

namespace lambent::catalog {

boost::json::object to_json(const FunctionUrl& url);
// A problem is reported to `outer`.
void read_url(RecordReader& outer, const boost::json::object& object, FunctionUrl& url);

}  // namespace lambent::catalog
