// Messages of application/vnd.amazon.eventstream: how AWS's APIs stream what they answer.
// Source: the Smithy specification, "Amazon Event Stream"; botocore/eventstream.py reads the same.
#pragma once

#include <string>
#include <string_view>

namespace lambent::protocol {

// An event of the type that the model names; the payload as it is, in `content_type`. At most 16 MiB are read by AWS's
// clients.
std::string event_message(std::string_view event_type, std::string_view content_type, std::string_view payload);

}  // namespace lambent::protocol
