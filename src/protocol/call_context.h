// Who calls, and under which names: given to every operation.
#pragma once

#include <string>

namespace lambent::protocol {

// The caller, as its signature showed.
struct Principal {
  std::string arn;            // arn:aws:iam::000000000000:root, or arn:aws:sts::…:assumed-role/role/function
  std::string user_id;        // what sts:GetCallerIdentity says
  std::string access_key_id;  // the key the request was signed with
  std::string account_id;     // 12 digits
};

// Owned by whoever dispatches; valid until the dispatch has ended.
struct CallContext {
  std::string request_id;  // UUID; sent back as x-amzn-RequestId
  std::string account_id;  // of this server, 12 digits
  std::string region;      // of the signature's scope: any region is accepted
  Principal principal;
  std::string trace_header;    // X-Amzn-Trace-Id, empty where not sent
  std::string source_address;  // of the peer, without port; empty where unknown
};

}  // namespace lambent::protocol
