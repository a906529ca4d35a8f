// Cross-origin rules of a function URL: the preflight's answer, and the headers of every other one.
// Source: API_Cors in the Lambda API reference, and the Fetch standard's CORS protocol.
#pragma once

#include <optional>
#include <string_view>

#include "catalog/function.h"
#include "edge/http.h"

namespace lambent::triggers {

// True for a browser's preflight: OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const edge::RequestHead& request);

// 200 with the Access-Control-Allow-… headers where the rules allow what is asked, and without them where not: the
// browser then refuses on its own.
edge::Response preflight_response(const catalog::Cors& cors, const edge::RequestHead& request);

// Adds Access-Control-Allow-Origin and its companions to the answer for an allowed origin, replacing the function's
// own.
void add_cors_headers(const catalog::Cors& cors, const edge::RequestHead& request, edge::Headers& headers);

}  // namespace lambent::triggers
