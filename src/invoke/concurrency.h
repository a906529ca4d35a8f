// How many calls may run at the same time: the account's concurrency, divided between functions with a reservation and
// all others (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html).
//
// A function with a reservation uses its own places and no others. All other functions share what is left; where
// instances of one are provisioned, so many of its calls find a place whatever the others do. Used on the loop's
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace lambent::invoke {

class Concurrency {
  struct Counts {
    std::optional<std::uint32_t> reserved;
    std::uint32_t provisioned = 0;
    std::uint32_t running = 0;
    bool known = false;  // set() and not forgotten

    // Of the shared places.
    [[nodiscard]] std::uint32_t set_aside() const { return reserved.value_or(provisioned); }
    [[nodiscard]] std::uint32_t shared() const {
      return reserved || running <= provisioned ? 0 : running - provisioned;
    }
  };

 public:
  enum class Refusal {
    account,  // the places that functions share are taken
    reserve,  // the function's own are
  };

  // A place for one call, given back by its destruction. Must not outlive the Concurrency.
  class Place {
   public:
    Place(Place&& other) noexcept : of_(std::exchange(other.of_, nullptr)), counts_(other.counts_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (of_) of_->leave(counts_);
    }

   private:
    friend class Concurrency;
    using Node = std::pair<const std::string, Counts>;
    Place(Concurrency& of, Node& counts) : of_(&of), counts_(&counts) {}
    Concurrency* of_;
    Node* counts_;
  };

  explicit Concurrency(std::uint32_t account) : account_(account) {}

  // From now on; calls that run stay where they are.
  void set(const std::string& name, std::optional<std::uint32_t> reserved, std::uint32_t provisioned);
  void forget(const std::string& name);
  // Allocates nothing for a function that was set().
  std::expected<Place, Refusal> enter(const std::string& name);

 private:
  // Changes one function's counts, and the sums with them.
  template <class Change>
  void change(Counts& counts, Change by) {
    set_aside_ -= counts.set_aside();
    shared_ -= counts.shared();
    by(counts);
    set_aside_ += counts.set_aside();
    shared_ += counts.shared();
  }
  void leave(Place::Node* node);

  std::uint64_t account_;
  std::uint64_t set_aside_ = 0;                        // reserved, and provisioned where nothing is reserved
  std::uint64_t shared_ = 0;                           // places taken of the others
  std::unordered_map<std::string, Counts> functions_;  // nodes stay where they are
};

}  // namespace lambent::invoke
