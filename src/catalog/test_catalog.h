// A catalog on a memory store with a fake unpacker, for tests of this module and of those above it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/documents.h"
#include "catalog/fake_unpacker.h"
#include "catalog/layers.h"
#include "catalog/test_folder.h"
#include "net/scope.h"
#include "store/memory_store.h"

namespace lambent::catalog {

class TestCatalog {
 public:
  TestCatalog() { start(); }
  ~TestCatalog() { stop(); }
  TestCatalog(const TestCatalog&) = delete;
  TestCatalog& operator=(const TestCatalog&) = delete;

  // Runs a task on the loop to its end and gives its value.
  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> value;
    net::Scope scope;
    scope.spawn(keep(loop, std::move(task), value));
    loop.run();
    return *std::move(value);
  }
  void run(net::Task<void> task) {
    run([](net::Task<void> inner) -> net::Task<bool> {
      co_await std::move(inner);
      co_return true;
    }(std::move(task)));
  }

  // What a restart of the server does; `clean` false is kill -9.
  void restart(bool clean = true) {
    stop(clean);
    start();
  }

  // Creates or replaces a function with the given archive; nothing where that fails.
  FunctionPtr put_function(Function function, std::string zip = "PK code") {
    auto package = run(code->put(std::move(zip)));
    if (!package) return nullptr;
    function.code = *package;
    function.code_digest = (*package)->digest;
    function.code_sha256_base64 = (*package)->sha256_base64;
    function.code_size = (*package)->zip_bytes;
    auto change = catalog->begin_change(function.name);
    if (!change) return nullptr;
    if (function.configuration_id.empty()) function.configuration_id = function.revision_id;
    return run(change->commit({.latest = std::move(function)})) ? change->current() : nullptr;
  }

  // Publishes $LATEST under this number, and has an alias lead to it where one is named.
  FunctionPtr publish(const std::string& name, std::uint64_t number, const std::string& alias = {}) {
    auto change = catalog->begin_change(name);
    if (!change) return nullptr;
    Edit edit;
    edit.published = *change->current();
    edit.published->version = std::to_string(number);
    edit.published->url.reset();
    edit.settings = *change->entry()->settings;
    edit.settings->last_version = number;
    if (!alias.empty()) edit.alias = Alias{.name = alias, .version = std::to_string(number)};
    return run(change->commit(std::move(edit))) ? catalog->entry(name)->version(std::to_string(number)) : nullptr;
  }

  static Function named(std::string name) {
    Function function;
    function.name = std::move(name);
    function.arn = "arn:aws:lambda:us-east-1:000000000000:function:" + function.name;
    function.role = "arn:aws:iam::000000000000:role/any";
    function.runtime = "python3.11";
    function.handler = "app.handler";
    function.architecture = "x86_64";
    function.state = "Active";
    return function;
  }

  TestFolder folder;
  net::Loop loop;
  store::MemoryStore store;
  FakeUnpacker unpacker;
  SystemRandom random;
  std::unique_ptr<net::WorkPool> pool;
  std::optional<store::BlobStore> blobs;
  std::unique_ptr<CodeStore> code;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<Layers> layers;
  std::unique_ptr<Documents> documents;
  std::optional<Error> start_failure;  // of CodeStore::start

 private:
  template <class T>
  static net::Task<> keep(net::Loop& loop, net::Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
    loop.post([&loop] { loop.stop(); });  // posted: the task may end before the loop runs
  }
  void start() {
    pool = std::make_unique<net::WorkPool>(2);
    blobs.emplace(store::BlobStore::open(folder.path() + "/blobs").value());
    code = CodeStore::open(folder.path() + "/code", *blobs, unpacker, *pool, loop, random).value();
    catalog = Catalog::open(store, *code, *pool, loop, random).value();
    layers = Layers::open(store, *code, *pool, loop).value();
    documents = Documents::open(store, *pool, loop).value();
    const auto started = run(code->start());
    start_failure = started ? std::nullopt : std::optional(started.error());
  }
  void stop(bool clean = true) {
    if (clean) run(code->close());
    catalog.reset();
    layers.reset();
    documents.reset();
    run(code->close());
    code.reset();
    pool.reset();
  }
};

}  // namespace lambent::catalog
