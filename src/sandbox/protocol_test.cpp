#include "sandbox/protocol.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace lambent::sandbox::protocol {
namespace {

Policy good_policy() {
  Policy policy;
  policy.mounts = {{"/data/code/1", "/var/task"}};
  policy.writable_folders = {{"/data/scratch", "/mnt/scratch"}};
  policy.argv = {"/bin/sh", "-c", ""};
  policy.environment = {"A=1", "B="};
  return policy;
}

std::unique_ptr<Launch> good_launch() {
  auto message = std::make_unique<Launch>();
  EXPECT_TRUE(encode(good_policy(), 7, *message));
  return message;
}

template <class Message>
std::span<const std::byte> bytes_of(const Message& message, std::size_t bytes = sizeof(Message)) {
  return std::as_bytes(std::span(&message, 1)).first(bytes);
}

TEST(LaunchMessage, CarriesThePolicy) {
  auto message = good_launch();
  EXPECT_EQ(type_of_request(bytes_of(*message)), Type::launch);
  const auto argv = message->argv.pointers();
  ASSERT_EQ(argv.size(), 4U);
  EXPECT_STREQ(argv[0], "/bin/sh");
  EXPECT_STREQ(argv[2], "");
  EXPECT_EQ(argv[3], nullptr);
  EXPECT_STREQ(message->environment.pointers()[1], "B=");
  EXPECT_EQ(message->mount_paths.count, 4U);
  EXPECT_EQ(message->mount_writable[0], 0);
  EXPECT_EQ(message->mount_writable[1], 1);
}

TEST(LaunchMessage, EveryFieldOutOfBoundsIsRefused) {
  const auto refused = [](auto change) {
    auto message = good_launch();
    change(*message);
    const auto checked = validate(*message);
    return checked ? "" : checked.error().target;
  };
  EXPECT_EQ(refused([](Launch&) {}), "");
  EXPECT_EQ(refused([](Launch& m) { m.header.id = 0; }), "id");
  EXPECT_EQ(refused([](Launch& m) { m.mount_paths.count = 3; }), "mount_paths");
  EXPECT_EQ(refused([](Launch& m) { m.mount_paths.count = 0xffffffff; }), "mount_paths");
  EXPECT_EQ(refused([](Launch& m) { m.mount_paths.used = 0xffffffff; }), "mount_paths");
  EXPECT_EQ(refused([](Launch& m) { m.mount_paths.data[0] = 'x'; }), "mount_paths");
  EXPECT_EQ(refused([](Launch& m) { m.mount_paths.data[m.mount_paths.used - 1] = 'x'; }), "mount_paths");
  EXPECT_EQ(refused([](Launch& m) { m.mount_writable[23] = 2; }), "mount_writable");
  EXPECT_EQ(refused([](Launch& m) { m.argv.count = 0; }), "argv");
  EXPECT_EQ(refused([](Launch& m) { m.argv.used = 0; }), "argv");
  EXPECT_EQ(refused([](Launch& m) { m.argv.data[0] = 'b'; }), "argv");
  EXPECT_EQ(refused([](Launch& m) { m.environment.used -= 1; }), "environment");
  EXPECT_EQ(refused([](Launch& m) { m.working_folder.fill('/'); }), "working_folder");
  EXPECT_EQ(refused([](Launch& m) { m.hostname.fill('a'); }), "hostname");
  EXPECT_EQ(refused([](Launch& m) { m.uid = 0; }), "uid");
  EXPECT_EQ(refused([](Launch& m) { m.gid = 65'534; }), "uid");
  EXPECT_EQ(refused([](Launch& m) { m.memory_bytes = ~0ULL; }), "memory_bytes");
  EXPECT_EQ(refused([](Launch& m) { m.tmp_inodes = 0; }), "tmp_bytes");
  EXPECT_EQ(refused([](Launch& m) { m.cpu_millicores = 9; }), "cpu_millicores");
  EXPECT_EQ(refused([](Launch& m) { m.processes = 0; }), "processes");
  EXPECT_EQ(refused([](Launch& m) { m.open_files = 0; }), "open_files");
  EXPECT_EQ(refused([](Launch& m) { m.platform_port = m.runtime_port; }), "runtime_port");
  EXPECT_EQ(refused([](Launch& m) { m.seccomp_profile = 9; }), "seccomp_profile");
  EXPECT_EQ(refused([](Launch& m) { m.network = 4; }), "network");
  EXPECT_EQ(refused([](Launch& m) { m.is_template = 2; }), "is_template");
  EXPECT_EQ(refused([](Launch& m) { m.is_template = m.forked_from = 1; }), "forked_from");
}

TEST(Packets, OfTheWrongSizeOrTypeAreNoMessages) {
  const auto message = good_launch();
  EXPECT_FALSE(type_of_request(bytes_of(*message, sizeof(Launch) - 1)));
  EXPECT_FALSE(type_of_request(bytes_of(*message, 3)));
  EXPECT_FALSE(type_of_reply(bytes_of(*message)));
  auto kill = make<Kill>(Type::kill, 1);
  EXPECT_EQ(type_of_request(bytes_of(kill)), Type::kill);
  kill.header.type = static_cast<Type>(99);
  EXPECT_FALSE(type_of_request(bytes_of(kill)));
  kill = make<Kill>(Type::kill, 1);
  kill.header.bytes = 15;
  EXPECT_FALSE(type_of_request(bytes_of(kill)));
}

TEST(ConfigureMessage, TakesOnlyOurCgroupNamesAndHighIds) {
  auto message = make<Configure>(Type::configure, 0);
  put_text(message.cgroup_name, "lambent-0123456789abcdef");
  message.first_host_uid = 1'000'000;
  message.host_uids = 1000;
  EXPECT_TRUE(validate(message));
  message.first_host_uid = 0;
  EXPECT_FALSE(validate(message));
  message.first_host_uid = 0xfffffff0;
  EXPECT_FALSE(validate(message));
  message.first_host_uid = 1'000'000;
  for (const char* bad : {"", "lambent-", "lambent-../../../../../..", "lambent-0123456789abcdeg", "system.slice"}) {
    put_text(message.cgroup_name, bad);
    EXPECT_FALSE(validate(message)) << bad;
  }
}

TEST(Texts, AreCutToTheirArrayAndStopAtNul) {
  std::array<char, 4> text{};
  put_text(text, "abcdef");
  EXPECT_EQ(text_of(text), "abc");
  put_text(text, std::string_view("a\0b", 3));
  EXPECT_EQ(text_of(text), "a");
}

}  // namespace
}  // namespace lambent::sandbox::protocol
