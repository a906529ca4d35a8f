// An egress process that only remembers what it was asked, for tests.
#pragma once

#include <map>
#include <string>

#include "egress/egress_client.h"

namespace lambent::instance {

class FakeEgress final : public egress::Egress {
 public:
  struct Gate {
    std::string policy;
    std::function<void(const egress::Notice&)> on_notice;
  };
  std::string unavailable;  // why, where it is
  std::map<egress::GateId, Gate> gates;

  [[nodiscard]] std::string why_unavailable() const override { return unavailable; }
  egress::GateId open(const std::string& policy, UniqueFd, UniqueFd,
                      std::function<void(const egress::Notice&)> on_notice) override {
    gates[++last_] = {policy, std::move(on_notice)};
    return last_;
  }
  egress::GateId watch(UniqueFd, std::function<void(const egress::Notice&)> on_notice) override {
    gates[++last_] = {"", std::move(on_notice)};
    return last_;
  }
  net::Task<> close(egress::GateId id) override {
    gates.erase(id);
    co_return;
  }

 private:
  egress::GateId last_ = 0;
};

}  // namespace lambent::instance
