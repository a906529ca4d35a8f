#include "main/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/documents.h"
#include "catalog/layers.h"
#include "cli/endpoint_file.h"
#include "edge/server.h"
#include "instance/runtime_clients.h"
#include "instance/runtime_set.h"
#include "instance/snapshots.h"
#include "invoke/event_queue.h"
#include "invoke/local_invoker.h"
#include "main/api_router.h"
#include "main/backup.h"
#include "main/denied_call_recorder.h"
#include "main/function_url_style.h"
#include "main/housekeeping.h"
#include "main/server_user.h"
#include "main/signals.h"
#include "main/spawner_unpacker.h"
#include "net/listener.h"
#include "net/scope.h"
#include "net/timer.h"
#include "scheduler/scheduler.h"
#include "services/dynamodb/dynamodb.h"
#include "services/dynamodbstreams/dynamodb_streams.h"
#include "services/dynamodbstreams/table_stream_source.h"
#include "services/iam/iam_service.h"
#include "services/lambda/code_download.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/snapshot_publisher.h"
#include "services/sts/sts_service.h"
#include "store/blob_store.h"
#include "store/committer.h"
#include "store/rocksdb_store.h"
#include "tables/engine.h"
#include "telemetry/log_store.h"
#include "telemetry/usage_ledger.h"
#include "triggers/event_source_engine.h"
#include "triggers/function_url.h"

namespace lambent {
namespace {

// After the drain time calls are ended; for so long their callers can still be told.
constexpr std::chrono::milliseconds kLastWords{2000};

std::string host_architecture() {
#if defined(__aarch64__)
  return "arm64";
#else
  return "x86_64";
#endif
}

// Interpreters start on processors; a few more than there are keeps them busy while some wait for the disk.
std::size_t starts_at_once() {
  return std::max<std::size_t>(4, 2 * std::thread::hardware_concurrency());
}

// How clients on this machine write the address: a server on every address is reached by loopback.
std::string client_address(const std::string& bind) {
  if (bind == "0.0.0.0") return "127.0.0.1";
  if (bind == "::") return "[::1]";
  return bind.find(':') == std::string::npos ? bind : "[" + bind + "]";
}

edge::HttpLimits public_limits(const Limits& limits) {
  edge::HttpLimits bounds;
  bounds.head_bytes = limits.header_bytes;
  bounds.connections = limits.connections;
  bounds.header_timeout = limits.header_timeout;
  bounds.idle_timeout = limits.idle_connection_timeout;
  return bounds;
}

telemetry::LogOptions log_options(const Limits& limits) {
  telemetry::LogOptions options;
  options.bytes_per_function = limits.log_bytes_per_function;
  options.line_bytes = limits.log_line_bytes;
  options.bytes_per_second = limits.log_bytes_per_second;
  options.burst_bytes = limits.log_burst_bytes;
  return options;
}

void tell_of_host(const sandbox::HostReport& report) {
  for (const sandbox::Capability& each : report.capabilities) {
    if (each.level == sandbox::Enforcement::full) {
      log::debug("{}: enforced by {}", each.name, each.means);
    } else {
      log::warning("{} is {}: {}", each.name,
                   each.level == sandbox::Enforcement::none ? "NOT enforced" : "only partly enforced", each.remedy);
    }
  }
  log::info("isolation level: {} (lambent doctor shows all of it)", sandbox::name_of(report.level()));
  if (!report.can_launch) log::error("functions cannot run on this host:\n{}", report.text());
}

// What lies on disk, opened in the order in which one needs the other.
struct OnDisk {
  std::unique_ptr<store::KeyValueStore> store;
  std::optional<store::BlobStore> blobs;
  std::unique_ptr<telemetry::UsageLedger> ledger;
  std::optional<identity::CredentialStore> credentials;
  std::string runtimes_folder;
};

Result<OnDisk> open_disk(const Config& config, const DataFolder& folder, const instance::RuntimeSet& runtimes,
                         Random& random) {
  OnDisk disk;
  // Beside the store, which waits for the disk.
  auto clients = std::async(std::launch::async, instance::install_runtime_clients, folder.path, std::cref(runtimes));
  std::optional<identity::KeyPair> given;
  if (config.root_keys) given = {config.root_keys->access_key_id, config.root_keys->secret_access_key};
  LAMBENT_TRY(auto credentials, identity::CredentialStore::open(folder.path, config.account_id, given, random));
  disk.credentials.emplace(std::move(credentials));
  LAMBENT_TRY(disk.store, store::open_rocksdb_store(folder.store(), config.store));
  LAMBENT_TRY(auto blobs, store::BlobStore::open(folder.blobs()));
  disk.blobs.emplace(std::move(blobs));
  LAMBENT_TRY(disk.ledger, telemetry::UsageLedger::open(folder.path));
  LAMBENT_TRY(disk.runtimes_folder, clients.get());
  if (read_file(folder.interpreters()).value_or("") != runtimes.versions()) {
    LAMBENT_TRY_VOID(write_file_durably(folder.interpreters(), runtimes.versions()));
  }
  return disk;
}

}  // namespace

// Members stand in the order of construction; destruction is the reverse.
struct Server::Impl {
  Impl(const Config& with, Opened opened)
      : config(with),
        folder(std::move(opened.folder)),
        runtimes(std::move(opened.runtimes)),
        pool(config.work_threads),
        spawner(loop, std::move(opened.spawner)),
        egress(loop, std::move(opened.egress)),
        audit(std::move(opened.audit)),
        listener(net::Listener::adopt(loop, std::move(opened.listening))) {}

  Config config;
  DataFolder folder;
  instance::RuntimeSet runtimes;
  SystemClock clock;
  SystemRandom random;
  net::Loop loop;
  net::WorkPool pool;
  sandbox::SpawnerClient spawner;
  egress::EgressClient egress;
  egress::NetworkRules network;
  egress::ServerLines server_lines{clock};
  sandbox::AuditListener audit;  // moved on
  net::Listener listener;        // moved on when serving begins
  OnDisk disk;

  std::optional<SpawnerUnpacker> unpacker;
  std::unique_ptr<catalog::CodeStore> code;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<catalog::Layers> layers;
  std::unique_ptr<catalog::Documents> documents;
  std::unique_ptr<tables::Engine> tables;
  std::optional<telemetry::LogStore> logs;
  telemetry::ColdStartHistogram cold_starts;
  std::optional<identity::Verifier> verifier;

  std::optional<edge::HttpServer> public_http;
  std::optional<edge::HttpServer> instance_http;
  std::string authority;  // host:port under which clients reach the server
  std::future<Result<>> endpoint_written;

  std::optional<instance::ProcessBackend> backend;
  std::optional<DeniedCallRecorder> recorder;  // of denied calls, where it is asked for and can be
  std::optional<RecordedBackend> recorded_backend;
  std::optional<instance::Surroundings> surroundings;
  std::optional<instance::Snapshots> snapshots;
  std::optional<scheduler::Scheduler> scheduler;
  std::optional<invoke::LocalInvoker> invoker;
  std::optional<store::Committer> committer;
  std::optional<invoke::EventQueue> events;
  std::optional<invoke::FunctionDestination> function_destination;
  invoke::Destinations destinations;  // of event source mappings
  std::optional<triggers::MappingPositions> positions;
  std::optional<services::dynamodbstreams::TableStreamSource> table_streams;
  std::optional<triggers::EventSourceEngine> event_sources;

  std::optional<services::lambda::SnapshotPublisher> snapshot_publisher;
  std::optional<services::lambda::LambdaService> lambda;
  std::optional<services::dynamodb::DynamoDb> dynamodb;
  std::optional<services::dynamodbstreams::DynamoDbStreams> dynamodb_streams;
  std::optional<services::iam::IamService> iam;
  std::optional<services::StsService> sts;
  std::vector<std::unique_ptr<protocol::Endpoint>> endpoints;
  std::optional<ApiRouter> router;
  std::optional<triggers::FunctionUrls> function_urls;
  std::optional<services::lambda::CodeDownload> code_download;
  std::optional<Housekeeping> housekeeping;

  std::optional<StopSignal> stop_signal;
  net::Scope scope;
  Result<> outcome;
  bool hurry = false;  // while draining

  Result<> build();
  Result<> build_engines();
  Result<> build_invocation();
  void build_event_sources();
  void build_services();

  net::Task<> serve();
  net::Task<Result<>> start();
  Result<> start_event_sources();
  net::Task<> drain();
  net::Task<> end_calls(Monotonic deadline);
  net::Task<> watch_for_hurry();
  invoke::EventTarget event_target(const std::string& name, const std::string& qualifier);
  std::optional<services::StsService::Role> assumable_role(std::string_view arn) const;
  net::Task<bool> visit_function_url(edge::Exchange& exchange);
  net::Task<bool> visit_code_download(edge::Exchange& exchange);
  std::future<Result<>> write_endpoint() const;
  Result<> announce();
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const Config& config, Opened opened) {
  auto impl = std::make_unique<Impl>(config, std::move(opened));
  LAMBENT_TRY_VOID(impl->build());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Result<> Server::run() {
  impl_->scope.spawn(impl_->serve());
  impl_->loop.run();
  return std::move(impl_->outcome);
}

Result<> Server::Impl::build() {
  // First: it takes the spawner as long as all of this takes the server.
  LAMBENT_TRY_VOID(spawner.configure({.data_folder = folder.path, .records_denied_calls = audit.is_open()}));
  LAMBENT_TRY(disk, open_disk(config, folder, runtimes, random));
  authority = fmt::format("{}:{}", client_address(config.bind), listener.port());
  endpoint_written = write_endpoint();
  LAMBENT_TRY(network, egress::NetworkRules::create(config.network));
  LAMBENT_TRY_VOID(build_engines());
  LAMBENT_TRY_VOID(build_invocation());
  build_services();
  stop_signal.emplace(loop);
  return {};
}

Result<> Server::Impl::build_engines() {
  unpacker.emplace(spawner, config.limits);
  LAMBENT_TRY(code, catalog::CodeStore::open(folder.code(), *disk.blobs, *unpacker, pool, loop, random));
  LAMBENT_TRY(catalog, catalog::Catalog::open(*disk.store, *code, pool, loop, random));
  LAMBENT_TRY(layers, catalog::Layers::open(*disk.store, *code, pool, loop));
  LAMBENT_TRY(documents, catalog::Documents::open(*disk.store, pool, loop));
  LAMBENT_TRY(tables, tables::Engine::open(*disk.store, clock, random, config.tables));
  logs.emplace(folder.path, clock, log_options(config.limits));
  verifier.emplace(*disk.credentials, clock, config.limits.signature_skew);
  housekeeping.emplace(loop, pool, *logs, *disk.ledger, *tables);
  return {};
}

Result<> Server::Impl::build_invocation() {
  public_http.emplace(loop, clock);
  instance_http.emplace(loop, clock);
  backend.emplace(spawner);
  if (audit.is_open()) {
    LAMBENT_TRY(auto refusals, sandbox::Refusals::of_policies());
    recorder.emplace(loop, pool, clock, std::move(audit), std::move(refusals), folder.path);
    recorded_backend.emplace(*backend, *recorder);
  }
  surroundings.emplace(instance::Surroundings{
      .loop = loop,
      .clock = clock,
      .random = random,
      .backend = recorder ? static_cast<instance::Backend&>(*recorded_backend) : *backend,
      .http = *instance_http,
      .platform_handler = [this](edge::Exchange& exchange) { return router->handle_api(exchange); },
      .credentials = *disk.credentials,
      .logs = *logs,
      .cold_starts = cold_starts,
      .egress = egress,
      .network = network,
      .limits = config.limits,
      .platform = {.region = config.region, .runtimes_folder = disk.runtimes_folder}});
  snapshots.emplace(*surroundings, config.snapshots);
  surroundings->snapshots = &*snapshots;
  surroundings->server_lines = &server_lines;
  surroundings->bill_after_answer = [this](const catalog::Function& function, const std::string& request_id,
                                           std::uint32_t billed_ms) {
    invoker->record_after_answer(function, request_id, billed_ms);
  };
  scheduler.emplace(*surroundings, runtimes, starts_at_once(), config.ready_sandboxes);
  invoker.emplace(
      invoke::LocalInvoker::Parts{*scheduler, runtimes, *disk.ledger, clock, random, config.limits, config.calls});
  committer.emplace(*disk.store);
  invoke::RetryPolicy retries;
  retries.first_wait = config.calls.first_retry;
  retries.second_wait = config.calls.second_retry;
  retries.at_once = config.calls.async_concurrency;
  events.emplace(
      loop, clock, *disk.store, *committer, *invoker,
      [this](const std::string& name, const std::string& qualifier) { return event_target(name, qualifier); }, retries);
  function_destination.emplace(*invoker, [this](const std::string& name, const std::string& qualifier) {
    return event_target(name, qualifier).function;
  });
  events->add_destination(*function_destination);
  invoker->use_queue(*events);
  build_event_sources();
  return {};
}

void Server::Impl::build_event_sources() {
  destinations.add(*function_destination);
  positions.emplace(*disk.store, *committer);
  triggers::MappingPolicy policy;
  policy.payload_bytes = config.limits.sync_payload_bytes;
  event_sources.emplace(triggers::MappingParts{
      .loop = loop,
      .clock = clock,
      .invoker = *invoker,
      .find_function = [this](const std::string& name,
                              const std::string& qualifier) { return event_target(name, qualifier).function; },
      .home = {config.region, config.account_id},
      .positions = *positions,
      .destinations = destinations,
      .policy = policy});
  table_streams.emplace(*tables, loop, pool, config.region);
  event_sources->add_source(*table_streams);
}

Result<> Server::Impl::start_event_sources() {
  LAMBENT_TRY_VOID(positions->load());
  std::set<std::string, std::less<>> mappings;
  for (const auto& [id, text] : documents->all(catalog::EventSourceMapping::kKind)) {
    LAMBENT_TRY(const auto mapping, catalog::decode_event_source_mapping(text));
    event_sources->follow(mapping);
    mappings.insert(mapping.id);
  }
  positions->keep_only(mappings);
  return {};
}

void Server::Impl::build_services() {
  const catalog::Home home{config.region, config.account_id};
  catalog::FunctionUrlAddress urls;
  urls.style = resolve_function_url_style(config);
  urls.region = config.region;
  urls.domain = config.url_domain;
  urls.bind = client_address(config.bind);
  urls.port = listener.port();

  snapshot_publisher.emplace(*catalog, *invoker, random);
  lambda.emplace(services::lambda::LambdaParts{*catalog, *code, *layers, *documents, *invoker, *invoker, *event_sources,
                                               *snapshot_publisher, *disk.credentials, clock, random},
                 services::lambda::LambdaSettings{home, config.limits, urls, authority, host_architecture(), network,
                                                  config.calls, config.strict});
  dynamodb.emplace(*tables, loop, pool);
  dynamodb_streams.emplace(*tables, loop, pool, clock);
  iam.emplace(services::iam::IamService::Parts{*documents, *catalog, clock, random, config.account_id});
  sts.emplace(loop, clock, *disk.credentials, [this](std::string_view arn) { return assumable_role(arn); });
  endpoints.push_back(protocol::lambda::make_endpoint(*lambda));
  endpoints.push_back(protocol::dynamodb::make_endpoint(*dynamodb));
  endpoints.push_back(protocol::dynamodbstreams::make_endpoint(*dynamodb_streams));
  endpoints.push_back(protocol::sts::make_endpoint(*sts));
  endpoints.push_back(protocol::iam::make_endpoint(*iam));
  std::vector<protocol::Endpoint*> views;
  for (const auto& endpoint : endpoints) views.push_back(endpoint.get());
  router.emplace(
      ApiRouter::Parts{loop, pool, clock, random, *verifier, config.limits, config.account_id, config.region}, views);
  // A store that failed to write is read-only until a restart.
  router->set_metrics([this] { return cold_starts.text(); });
  router->set_backup([this] {
    return pool.run(loop, [this] { return make_backup(folder, *disk.store, *disk.blobs, clock.wall()); });
  });
  router->set_health_check([this] { return !disk.store->failure(); });
  function_urls.emplace(triggers::FunctionUrls::Parts{*catalog, *invoker, *verifier, clock, random}, home,
                        config.limits, config.calls);
  code_download.emplace(*code, *verifier);
  router->add_visitor([this](edge::Exchange& exchange) { return visit_function_url(exchange); });
  router->add_visitor([this](edge::Exchange& exchange) { return visit_code_download(exchange); });
}

invoke::EventTarget Server::Impl::event_target(const std::string& name, const std::string& qualifier) {
  const auto* entry = catalog->entry(name);
  if (!entry) return {};
  const auto& configs = entry->settings->event_invoke;
  const auto found = configs.find(qualifier.empty() ? std::string(catalog::kLatest) : qualifier);
  return {entry->route(qualifier, random), found == configs.end() ? catalog::EventInvokeConfig{} : found->second};
}

std::optional<services::StsService::Role> Server::Impl::assumable_role(std::string_view arn) const {
  const auto role = iam->find_role_by_arn(arn);
  if (!role) return std::nullopt;
  return services::StsService::Role{role->id, std::chrono::seconds(role->session_seconds)};
}

net::Task<bool> Server::Impl::visit_function_url(edge::Exchange& exchange) {
  const auto match = triggers::FunctionUrls::match(exchange.head());
  if (!match) co_return false;
  co_await function_urls->handle(exchange, *match);
  co_return true;
}

net::Task<bool> Server::Impl::visit_code_download(edge::Exchange& exchange) {
  if (!services::lambda::is_code_download(exchange.head().path())) co_return false;
  std::ignore = co_await exchange.respond(co_await code_download->respond(exchange.head()));
  co_return true;
}

// The life of the server, as the loop runs it.
net::Task<> Server::Impl::serve() {
  const Result<> started = co_await start();
  if (outcome && !started) outcome = started;
  if (outcome) {
    const int signal = co_await stop_signal->next();
    if (signal != 0) log::info("stopping on signal {}: no new connections, calls in flight may finish", signal);
  }
  co_await drain();
  loop.stop();
}

net::Task<Result<>> Server::Impl::start() {
  egress.start(config.network, sandbox::kGateNameServer);
  auto host = co_await spawner.start([this](const std::string& reason) {
    log::error("the spawner is gone, and every instance with it: {}", reason);
    outcome = fail(Error::of("serve", "", "the spawner is gone: " + reason));
    stop_signal->cancel();
  });
  LAMBENT_CO_TRY(sandbox::HostReport report, std::move(host));
  report.capabilities.push_back(report_server_rights());
  tell_of_host(report);
  if (!report.missing(config.require_isolation).empty()) {
    co_return fail(Error::of("require isolation", "", report.refusal(config.require_isolation)));
  }
  const sandbox::Capability* gates = report.find(sandbox::kEgressCapability);
  if (gates == nullptr || gates->level != sandbox::Enforcement::full) network.forgo_gates();
  if (auto started = co_await code->start(); !started) log::error("{}", started.error().message());
  for (const auto& [name, entry] : catalog->entries()) invoker->follow(entry);
  LAMBENT_CO_TRY(const std::size_t resumed, events->resume());
  if (resumed > 0) log::info("{} asynchronous calls of an earlier run go on", resumed);
  LAMBENT_CO_TRY_VOID(start_event_sources());
  for (const auto& runtime : catalog->runtimes_in_use()) invoker->expect(runtime);
  snapshot_publisher->resume();
  housekeeping->start();
  if (recorder) recorder->start();
  public_http->add(
      std::move(listener), [this](edge::Exchange& exchange) { return router->handle_public(exchange); },
      public_limits(config.limits));
  LAMBENT_CO_TRY_VOID(announce());
  router->set_ready(true);
  co_return Result<>();
}

// Beside the rest of the start: it waits for the disk.
std::future<Result<>> Server::Impl::write_endpoint() const {
  cli::Endpoint endpoint;
  endpoint.url = "http://" + authority;
  endpoint.region = config.region;
  endpoint.account_id = config.account_id;
  endpoint.pid = getpid();
  endpoint.root_access_key = disk.credentials->root().access_key_id;
  return std::async(std::launch::async, cli::write_endpoint, folder.path, std::move(endpoint));
}

Result<> Server::Impl::announce() {
  LAMBENT_TRY_VOID(endpoint_written.get());
  fmt::print("Lambent is ready at http://{}\n", authority);
  fmt::print("  credentials: {}\n",
             config.root_keys ? "as given in LAMBENT_ROOT_ACCESS_KEY" : identity::credentials_path(folder.path));
  fmt::print("  set up a shell: eval \"$(lambent env --data {})\"\n", folder.path);
  std::fflush(stdout);
  return {};
}

// Calls in flight may end; what is left at the deadline is ended, so that those who wait for it get an answer.
net::Task<> Server::Impl::end_calls(Monotonic deadline) {
  net::Timer pause(loop);
  while ((public_http->connections() > 0 || invoker->in_flight() > 0) && clock.monotonic() < deadline && !hurry) {
    std::ignore = co_await pause.sleep(std::chrono::milliseconds(10));
  }
  invoker->refuse_calls();
  co_await scheduler->stop();
  co_await snapshots->stop();
  co_await snapshot_publisher->stop();
}

// An operator who asks a second time does not want to wait for calls in flight.
net::Task<> Server::Impl::watch_for_hurry() {
  if (co_await stop_signal->next() == 0) co_return;
  log::info("stopping at once: calls in flight are ended");
  hurry = true;
}

// Outside in: first nothing new comes, then what runs may end, then what still runs is ended.
net::Task<> Server::Impl::drain() {
  router->set_ready(false);
  events->hold();
  event_sources->hold();
  net::Scope ending;
  net::Scope watching;
  watching.spawn(watch_for_hurry());
  ending.spawn(end_calls(clock.monotonic() + config.drain_timeout));
  co_await public_http->drain(config.drain_timeout + kLastWords);
  co_await ending.join();
  stop_signal->cancel();
  co_await watching.join();
  co_await events->stop();
  co_await event_sources->stop();
  co_await instance_http->drain(std::chrono::milliseconds(0));
  co_await spawner.close();
  co_await egress.stop();
  co_await code->close();
  co_await housekeeping->stop();
  if (recorder) co_await recorder->stop();
  log::info("stopped");
}

}  // namespace lambent
