#include "catalog/layers.h"

#include <gtest/gtest.h>

#include "catalog/test_catalog.h"

namespace lambent::catalog {
namespace {

namespace fs = std::filesystem;

class LayersTest : public testing::Test {
 protected:
  LayerVersionPtr publish(const std::string& name, const std::string& zip = "PK layer") {
    auto package = t.run(t.code->put(zip));
    LayerVersion layer{.name = name, .runtimes = {"python3.11"}};
    layer.code = *package;
    layer.code_digest = (*package)->digest;
    layer.code_size = (*package)->zip_bytes;
    const auto published = t.run(t.layers->publish(std::move(layer)));
    return published ? *published : nullptr;
  }
  TestCatalog t;
};

TEST_F(LayersTest, AreNumberedAndNumbersAreNotGivenAgain) {
  EXPECT_EQ(publish("a")->version, 1U);
  EXPECT_EQ(publish("a", "PK other")->version, 2U);
  EXPECT_EQ(publish("b")->version, 1U);
  ASSERT_TRUE(t.run(t.layers->erase("a", 2)));
  EXPECT_EQ(t.layers->find("a", 2), nullptr);
  t.restart();
  EXPECT_EQ(publish("a")->version, 3U);
  EXPECT_EQ(t.layers->find("a", 1)->runtimes, std::vector<std::string>{"python3.11"});
}

TEST_F(LayersTest, KeepTheirContentOverAPowerCutAndUntilTheyAreErased) {
  const auto folder = publish("a")->code->folder;
  t.store.crash();
  t.restart(false);
  EXPECT_FALSE(t.start_failure);
  ASSERT_TRUE(t.layers->find("a", 1));
  EXPECT_TRUE(fs::exists(folder));
  ASSERT_TRUE(t.run(t.layers->erase("a", 1)));
  ASSERT_TRUE(t.run(t.layers->erase("a", 1)));
  t.run(t.code->close());
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(LayersTest, StayForTheFunctionsThatHaveThem) {
  const auto layer = publish("a");
  auto function = TestCatalog::named("f");
  function.layers = {{"arn", 8}};
  function.layers_digest = layer->code_digest;
  function.layers_code = layer->code;
  ASSERT_TRUE(t.put_function(function));
  ASSERT_TRUE(t.run(t.layers->erase("a", 1)));
  t.restart();
  EXPECT_FALSE(t.start_failure);
  ASSERT_TRUE(t.catalog->find("f")->layers_code);
  EXPECT_TRUE(fs::exists(t.catalog->find("f")->layers_code->folder));
  EXPECT_EQ(t.catalog->find("f")->layers.at(0).code_size, 8U);
}

TEST_F(LayersTest, AreMergedOnceForAll) {
  const auto one = publish("a", "PK one");
  const auto two = publish("b", "PK two");
  const auto merged = t.run(t.code->merge({one->code, two->code}));
  ASSERT_TRUE(merged);
  EXPECT_TRUE(fs::exists((*merged)->folder + "/content"));
  const auto again = t.run(t.code->merge({one->code, two->code}));
  EXPECT_EQ(*again, *merged);
  EXPECT_NE((*t.run(t.code->merge({two->code, one->code})))->digest, (*merged)->digest);
}

}  // namespace
}  // namespace lambent::catalog
