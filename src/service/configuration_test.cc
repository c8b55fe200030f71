#include "service/configuration.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using testing::TempDir;
using testing::value;

struct ConfigurationTest : ::testing::Test {
  TempDir folder;
  ConfigurationSources sources{{}, {}, {}, folder.path()};

  void write(const std::string& text, const std::string& name = "changevault.toml") {
    std::ofstream(folder / name) << text;
  }
  Result<Configuration> load() { return load_configuration(sources, true); }
};

TEST_F(ConfigurationTest, DefaultsAreThoseOfTheTable) {
  write("");
  const Configuration c = value(load());
  EXPECT_EQ(c.source.id, "default");
  EXPECT_EQ(c.hub.group, "snowflake-pipeline");
  EXPECT_EQ(c.hub.partitions, 4);
  EXPECT_EQ(c.store.root, "changestreams");
  EXPECT_EQ(c.warehouse.table, "mongodb_changes");
  EXPECT_EQ(c.archive.flush_interval, seconds(60));
  EXPECT_EQ(c.archive.segment_bytes, std::int64_t{128} << 20);
  EXPECT_EQ(c.archive.memory, std::int64_t{256} << 20);
  EXPECT_EQ(c.archive.gzip_level, 1);
  EXPECT_EQ(c.load.grace, hours(1));
  EXPECT_TRUE(c.file_exists);
}

TEST_F(ConfigurationTest, TheHubKeepsEverythingUnlessToldOtherwise) {
  write("");
  EXPECT_EQ(value(load()).hub.retention, Duration{});
  EXPECT_EQ(value(load()).hub.retention_bytes, 0);
  EXPECT_EQ(value(load()).hub.lease, seconds(10));
  write("[hub]\nretention = \"7d\"\nretention_bytes = \"50GiB\"\nlease = \"30s\"\n");
  EXPECT_EQ(value(load()).hub.retention, hours(7 * 24));
  EXPECT_EQ(value(load()).hub.retention_bytes, std::int64_t{50} << 30);
  EXPECT_EQ(value(load()).hub.lease, seconds(30));
  for (const char* wrong : {"retention = \"7\"", "retention = \"0s\"", "retention_bytes = \"-1\"",
                            "lease = \"0\"", "lease = \"1ms\""}) {
    write(std::string("[hub]\n") + wrong + "\n");
    EXPECT_ERROR(load(), ErrorCode::kUsage);
  }
}

TEST_F(ConfigurationTest, FlagsWinOverEnvironmentOverFileOverDefault) {
  write("[archive]\nflush_interval = \"5s\"\n");
  EXPECT_EQ(value(load()).archive.flush_interval, seconds(5));
  sources.environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "6s";
  EXPECT_EQ(value(load()).archive.flush_interval, seconds(6));
  sources.flags = {"archive.flush_interval=7s", "archive.flush_interval=8s"};
  EXPECT_EQ(value(load()).archive.flush_interval, seconds(8));
}

TEST_F(ConfigurationTest, VariablesThatSetNothingAreNamed) {
  write("");
  sources.environment = {
      {"CHANGEVAULT_STORE_ROT", "x"}, {"CHANGEVAULT_STORE_ROOT", "y"}, {"CHANGEVAULT_CONFIG", ""}};
  EXPECT_EQ(value(load()).unknown_variables,
            std::vector<std::string>{"CHANGEVAULT_STORE_ROT (did you mean CHANGEVAULT_STORE_ROOT?)"});
}

TEST_F(ConfigurationTest, ConsumerGroupYieldsToWhatIsMoreSpecial) {
  write("[hub]\ngroup = \"file\"\n");
  sources.environment["CONSUMER_GROUP"] = "general";
  EXPECT_EQ(value(load()).hub.group, "general");
  sources.environment["CHANGEVAULT_HUB_GROUP"] = "special";
  EXPECT_EQ(value(load()).hub.group, "special");
  sources.flags = {"hub.group=flag"};
  EXPECT_EQ(value(load()).hub.group, "flag");
}

TEST_F(ConfigurationTest, AnEmptyGroupIsAnErrorWhereverItComesFrom) {
  write("[hub]\ngroup = \"\"\n");
  EXPECT_ERROR(load(), ErrorCode::kUsage);
  EXPECT_NE(load().error().hint, "");
  write("");
  sources.environment["CONSUMER_GROUP"] = "";
  ASSERT_FALSE(load().has_value());
  EXPECT_NE(load().error().object.find("CONSUMER_GROUP"), std::string::npos);
  EXPECT_NE(load().error().hint, "");
  sources.environment.clear();
  sources.flags = {"hub.group="};
  EXPECT_ERROR(load(), ErrorCode::kUsage);
}

TEST_F(ConfigurationTest, RelativePathsCountFromTheFile) {
  std::filesystem::create_directories(folder.path() / "etc");
  write("[hub]\nurl = \"sqlite:data/hub.db\"\n[store]\nurl = \"file:///srv/archive\"\n", "etc/cv.toml");
  sources.file = "etc/cv.toml";
  sources.environment["CHANGEVAULT_WAREHOUSE_URL"] = "duckdb:../w.duckdb";
  const Configuration c = value(load());
  EXPECT_EQ(c.hub.url, "sqlite:" + (folder / "etc/data/hub.db"));
  EXPECT_EQ(c.store.url, "file:/srv/archive");
  EXPECT_EQ(c.warehouse.url, "duckdb:" + (folder / "w.duckdb"));
}

TEST_F(ConfigurationTest, TheFileIsFoundByFlagThenEnvironmentThenFolder) {
  write("[source]\nid = \"here\"\n");
  write("[source]\nid = \"environment\"\n", "environment.toml");
  write("[source]\nid = \"flag\"\n", "flag.toml");
  EXPECT_EQ(value(load()).source.id, "here");
  sources.environment["CHANGEVAULT_CONFIG"] = "environment.toml";
  EXPECT_EQ(value(load()).source.id, "environment");
  sources.file = "flag.toml";
  EXPECT_EQ(value(load()).source.id, "flag");
}

TEST_F(ConfigurationTest, WithoutAFileTheHintIsInit) {
  EXPECT_ERROR(load(), ErrorCode::kUsage);
  EXPECT_NE(load().error().hint.find("changevault init"), std::string::npos);
  EXPECT_OK(load_configuration(sources, false));
  sources.environment = {{"CHANGEVAULT_HUB_URL", "sqlite:h"}, {"CHANGEVAULT_STORE_URL", "file:s"}};
  EXPECT_ERROR(load(), ErrorCode::kUsage);
  sources.environment["CHANGEVAULT_WAREHOUSE_URL"] = "duckdb:w";
  EXPECT_OK(load());
  sources.file = "named.toml";  // asked for, so it must be there
  EXPECT_ERROR(load(), ErrorCode::kUsage);
}

struct BadCase {
  const char* text;
  const char* message;  // a part of it
  const char* line;     // in the place
  const char* hint;     // a part of it
};

class BadConfiguration : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadConfiguration, SaysWhatAndWhereAndWhatIsRight) {
  const BadCase& c = GetParam();
  TempDir folder;
  std::ofstream(folder / "changevault.toml") << c.text;
  const auto loaded = load_configuration({{}, {}, {}, folder.path()}, true);
  ASSERT_FALSE(loaded.has_value()) << c.text;
  const Error& error = loaded.error();
  EXPECT_EQ(error.code, ErrorCode::kUsage);
  EXPECT_NE(error.message.find(c.message), std::string::npos) << error.message;
  EXPECT_TRUE(error.object.ends_with(c.line)) << error.object;
  EXPECT_NE(error.hint.find(c.hint), std::string::npos) << error.hint;
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadConfiguration,
    ::testing::Values(
        BadCase{"[archive]\nflush_intervall = \"5s\"", "unknown key archive.flush_intervall", "line 2",
                "flush_interval"},
        BadCase{"\n[archve]\nmemory = \"1MiB\"", "unknown section [archve]", "line 3", "\"archive\""},
        BadCase{"[archve]", "unknown section [archve]", "line 1", "\"archive\""},
        BadCase{"[zzzzzz]\na = 1", "unknown section [zzzzzz]", "line 2", "known are: source, hub"},
        BadCase{"group = \"g\"", "outside of every section", "line 1", "source, hub"},
        BadCase{"[hub]\npartitions = \"4\"", "hub.partitions must be a whole number", "line 2",
                "partitions = 4"},
        BadCase{"[hub]\npartitions = 0", "from 1 to 1024", "line 2", ""},
        BadCase{"[hub]\ngroup = 5", "hub.group must be a text", "line 2", "group = \"snowflake-pipeline\""},
        BadCase{"[hub]\nurl = \"hub.db\"", "is not a URL", "line 2", "sqlite:data/hub.db"},
        BadCase{"[archive]\nflush_interval = \"5 parsecs\"", "is not a duration", "line 2", "\"60s\""},
        BadCase{"[archive]\nflush_interval = \"0s\"", "is not at least 1ms", "line 2", "60s"},
        BadCase{"[archive]\nsegment_bytes = \"12 elephants\"", "is not a size", "line 2", "128MiB"},
        BadCase{"[archive]\nsegment_bytes = \"10B\"", "at least 1024 bytes", "line 2", "128MiB"},
        BadCase{"[archive]\ngzip_level = 9", "from 0 to 3", "line 2", ""},
        BadCase{"[store]\nroot = \"/x\"", "not a folder name", "line 2", "changestreams"},
        BadCase{"[hub\n", "not valid TOML", "line 1", ""},
        BadCase{"[hub]\ngroup = \"a\"\ngroup = \"b\"", "not valid TOML", "line 3", ""}));

TEST_F(ConfigurationTest, FlagsAreChecked) {
  write("");
  for (const char* flag : {"archive", "=", "a.b", "archive=5", "archive.flush=5s", "hub.partitions=x"}) {
    sources.flags = {flag};
    EXPECT_ERROR(load(), ErrorCode::kUsage);
    EXPECT_NE(load().error().object.find(flag), std::string::npos);
  }
}

TEST_F(ConfigurationTest, TheTemplateIsReadBackAsItself) {
  write(value(configuration_template({})));
  const Configuration from_template = value(load());
  write("");
  const Configuration defaults = value(load());
  EXPECT_EQ(from_template.hub.url, defaults.hub.url);
  EXPECT_EQ(from_template.archive.memory, defaults.archive.memory);
  EXPECT_EQ(from_template.load.grace, defaults.load.grace);

  const std::string odd = "a\"b\\c\n#\x7f é";
  write(value(configuration_template({"source.id=" + odd, "hub.partitions=9"})));
  EXPECT_EQ(value(load()).source.id, odd);
  EXPECT_EQ(value(load()).hub.partitions, 9);
}

TEST_F(ConfigurationTest, TheTemplateNamesAndExplainsEveryKey) {
  const std::string text = value(configuration_template({}));
  for (const ConfigurationKey& key : configuration_keys()) {
    EXPECT_NE(text.find("\n" + std::string(key.name) + " = "), std::string::npos) << key.path();
    EXPECT_NE(text.find(key.help), std::string::npos) << key.path();
    EXPECT_EQ(key.variable().substr(0, 12), "CHANGEVAULT_");
  }
}

TEST(ParseBytes, Table) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("4096"), 4096);
  EXPECT_EQ(parse_bytes("64KiB"), 65'536);
  EXPECT_EQ(parse_bytes("128MiB"), 134'217'728);
  EXPECT_EQ(parse_bytes("1GiB"), 1'073'741'824);
  EXPECT_EQ(parse_bytes("10MB"), 10'000'000);
  for (const char* bad :
       {"", "MiB", "1.5MiB", "-1", "1 MiB", "1mib", "9223372036854775807KiB", "99999999999999999999"}) {
    EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
  }
}

TEST(SplitUrl, Table) {
  EXPECT_EQ(split_url("sqlite:data/hub.db")->scheme, "sqlite");
  EXPECT_EQ(split_url("file:/a:b")->rest, "/a:b");
  for (const char* bad : {"", "x", ":x", "x:", "Data/x:y", "a b:c"}) EXPECT_FALSE(split_url(bad)) << bad;
}

}  // namespace
}  // namespace changevault
