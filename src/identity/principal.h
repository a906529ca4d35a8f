// Who made a request, once the signature has been found right.
#pragma once

#include <string>

namespace lambent::identity {

enum class PrincipalKind {
  root,           // the owner of this server: may do everything
  function_role,  // a function instance, with the temporary credentials it was started with
};

struct Principal {
  PrincipalKind kind = PrincipalKind::root;
  std::string account_id;     // 12 digits
  std::string arn;            // arn:aws:iam::<account>:root, or arn:aws:sts::<account>:assumed-role/<role>/<function>
  std::string user_id;        // the account id for root, AROA…:<function> for a role (what sts:GetCallerIdentity says)
  std::string access_key_id;  // the key the request was signed with
  std::string function_name;  // function_role only

  bool operator==(const Principal&) const = default;
};

}  // namespace lambent::identity
