#include "invoke/concurrency.h"

namespace lambent::invoke {

void Concurrency::set(const std::string& name, std::optional<std::uint32_t> reserved, std::uint32_t provisioned) {
  change(functions_[name], [&](Counts& counts) {
    counts.reserved = reserved;
    counts.provisioned = provisioned;
    counts.known = true;
  });
}

void Concurrency::forget(const std::string& name) {
  const auto found = functions_.find(name);
  if (found == functions_.end()) return;
  change(found->second, [](Counts& counts) {
    counts.reserved.reset();
    counts.provisioned = 0;
    counts.known = false;
  });
  if (found->second.running == 0) functions_.erase(found);
}

std::expected<Concurrency::Place, Concurrency::Refusal> Concurrency::enter(const std::string& name) {
  auto& node = *functions_.try_emplace(name).first;
  auto& counts = node.second;
  if (counts.reserved) {
    if (counts.running >= *counts.reserved) return std::unexpected(Refusal::reserve);
  } else if (counts.running >= counts.provisioned && shared_ + set_aside_ >= account_) {
    if (!counts.known && counts.running == 0) functions_.erase(name);
    return std::unexpected(Refusal::account);
  }
  change(counts, [](Counts& of) { of.running++; });
  return Place(*this, node);
}

void Concurrency::leave(Place::Node* node) {
  change(node->second, [](Counts& of) { of.running--; });
  if (!node->second.known && node->second.running == 0) functions_.erase(functions_.find(node->first));
}

}  // namespace lambent::invoke
