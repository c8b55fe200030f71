// Records of random events, against nlohmann's parser and a slow, plain unwrapping.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>
#include <simdjson.h>

#include "codec/document_key.h"
#include "codec/number_unwrap.h"
#include "codec/record_builder.h"
#include "codec/record_front.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "tests/property/codec_random_json.h"
#include "tests/property/codec_slow_unwrap.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::RandomJson;
using testing::SlowUnwrap;
using testing::value;

std::string unwrapped(std::string_view text) {
  std::string out;
  append_unwrapped(out, text);
  return out;
}

RC_GTEST_PROP(NumberUnwrapProperty, EqualsTheSlowReference, (std::uint64_t seed)) {
  const std::string text = RandomJson(seed).object(6);
  RC_ASSERT(unwrapped(text) == SlowUnwrap(text).run());
}

RC_GTEST_PROP(RecordProperty, ScanGivesBackWhatWasBuilt, (std::uint64_t seed)) {
  RandomJson random(seed);
  const std::string key = random.object(2);
  const std::string document = random.object(5);
  const std::string update = random.object(3);
  const std::string event = R"({"_id":{"_data":"82"},"operationType":"update","ns":{"db":"d","coll":)" +
                            random.string() + R"(},"documentKey":)" + key + R"(,"fullDocument":)" + document +
                            R"(,"updateDescription":)" + update + R"(,"extra":)" + random.value(5) + "}";
  RecordBuilder builder({"s", "h", Epoch(0)});
  const HubEvent hub_event{PartitionId(1), Sequence(2), "2", Timestamp{0}, event};
  const auto parsed = builder.parse(hub_event);
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->raw == event);
  std::string line;
  builder.append_record(*parsed, hub_event, {}, {}, line);
  RC_ASSERT(nlohmann::json::accept(line) || line.find("e400") != std::string::npos);
  line.pop_back();
  RecordScanner scanner;
  for (const bool strict : {false, true}) {
    const RecordView record = value(scanner.scan(line, strict));
    RC_ASSERT(record.raw_event == event);
    RC_ASSERT(record.document_key == unwrapped(key));
    RC_ASSERT(record.full_document == unwrapped(document));
    RC_ASSERT(record.update_description == unwrapped(update));
    RC_ASSERT(record.collection_name.value_or("") == parsed->collection);
  }
  const RecordView record = value(scanner.scan(line, true));
  RecordFrontReader fronts;
  const auto front = fronts.read(line);
  RC_ASSERT(front.has_value() ==
            (line.substr(0, line.find(R"(,"document_key":)")).find('\\') == std::string::npos));
  if (!front) return;
  RC_ASSERT(front->event_id == record.event_id);
  RC_ASSERT(front->processed_timestamp == record.processed_timestamp);
  RC_ASSERT(front->partition_id == record.partition_id);
  RC_ASSERT(front->offset == record.offset);
  RC_ASSERT(front->sequence_number == record.sequence_number);
  RC_ASSERT(front->enqueued_time == record.enqueued_time);
  RC_ASSERT(front->operation_type == record.operation_type);
  RC_ASSERT(front->database_name == record.database_name);
  RC_ASSERT(front->collection_name == record.collection_name);
  RC_ASSERT(guess_raw_event(line).ends_with(event));
}

enum class Verdict { kEvent, kNoEvent, kUnknown };

// nlohmann's opinion; it cannot be the judge of numbers that no double holds.
Verdict judge(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    return json.is_object() && json.contains("operationType") ? Verdict::kEvent : Verdict::kNoEvent;
  } catch (const nlohmann::json::out_of_range&) {
    return Verdict::kUnknown;
  } catch (const nlohmann::json::parse_error&) {
    return Verdict::kNoEvent;
  }
}

// One changed byte: what we accept, nlohmann accepts too, and the other way round.
RC_GTEST_PROP(RecordProperty, AcceptsExactlyJson, (std::uint64_t seed)) {
  RandomJson random(seed);
  std::string event = R"({"operationType":"x","a":)" + random.value(5) + "}";
  event[24 + random.below(event.size() - 24)] = "{}[],:\"\\01e.-tn \x01\xc3\x80u"[random.below(21)];
  const Verdict verdict = judge(event);
  RC_PRE(verdict != Verdict::kUnknown);
  RecordBuilder builder({"s", "h", Epoch(0)});
  const bool accepted = builder.parse({PartitionId(1), Sequence(2), "2", Timestamp{0}, event}).has_value();
  if (accepted != (verdict == Verdict::kEvent)) RC_LOG() << event << "\n";
  RC_ASSERT(accepted == (verdict == Verdict::kEvent));
}

// The same document with every character of its strings escaped.
std::string escaped(std::string_view json) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') inside = !inside;
    if (json[i] == '\\') {
      const std::size_t length = json[i + 1] == 'u' ? 6 : 2;
      out += json.substr(i, length);
      i += length - 1;
    } else if (inside && json[i] != '"' && static_cast<unsigned char>(json[i]) < 0x80) {
      constexpr char kHex[] = "0123456789ABCDEF";
      out += "\\u00";
      out += kHex[json[i] >> 4];
      out += kHex[json[i] & 15];
    } else {
      out += json[i];
    }
  }
  return out;
}

RC_GTEST_PROP(DocumentKeyProperty, WhiteSpaceAndEscapesDoNotMatter, (std::uint64_t seed)) {
  const std::string text = RandomJson(seed).object(4);
  const auto key = normal_document_key(text);
  RC_ASSERT(key.has_value());
  std::string compact(text.size() + simdjson::SIMDJSON_PADDING, ' ');
  std::size_t length = 0;
  RC_ASSERT(simdjson::minify(text.data(), text.size(), compact.data(), length) == simdjson::SUCCESS);
  compact.resize(length);
  RC_ASSERT(normal_document_key(compact) == key);
  RC_ASSERT(normal_document_key(escaped(text)) == key);
}

// The samples of the released format, which every later version reads.
TEST(Samples, OfVersionOneAreRead) {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples";
  const auto bytes_of = [&folder](const char* name) {
    std::ifstream in(folder / name, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  };
  const std::string lines = bytes_of("record-v1.jsonl");
  const std::string segment = bytes_of("segment-v1.jsonl.gz");
  StringSource source(segment);
  SegmentReader reader(source);
  EXPECT_EQ(value(reader.next()), lines);
  EXPECT_EQ(value(reader.next()), "");
  std::vector<std::string> operations;
  RecordScanner scanner;
  EXPECT_OK(for_each_line(lines, [&](std::string_view line) -> Result<void> {
    CV_ASSIGN(const RecordView record, scanner.scan(line, true));
    operations.emplace_back(record.operation_type);
    return {};
  }));
  EXPECT_EQ(operations, (std::vector<std::string>{"insert", "update", "delete", "dropDatabase"}));
}

// Real canonical and relaxed samples of every BSON type.
TEST(BsonCorpus, EveryDocumentMakesARecord) {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../../shared/data/bson_corpus";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "SKIPPED: no BSON corpus at " << folder;
  int documents = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(file.path());
    const auto corpus = nlohmann::json::parse(in);
    if (!corpus.contains("valid")) continue;
    for (const auto& sample : corpus["valid"]) {
      for (const char* const form : {"canonical_extjson", "relaxed_extjson"}) {
        if (!sample.contains(form)) continue;
        const auto document = sample[form].get<std::string>();
        const std::string event = R"({"operationType":"insert","fullDocument":)" + document + "}";
        RecordBuilder builder({"s", "h", Epoch(0)});
        const HubEvent hub_event{PartitionId(0), Sequence(0), "0", Timestamp{0}, event};
        const auto parsed = builder.parse(hub_event);
        ASSERT_TRUE(parsed.has_value()) << parsed.error() << ": " << event;
        std::string line;
        builder.append_record(*parsed, hub_event, {}, {}, line);
        line.pop_back();
        RecordScanner scanner;
        EXPECT_EQ(value(scanner.scan(line, true)).full_document, SlowUnwrap(document).run());
        ++documents;
      }
    }
  }
  EXPECT_GT(documents, 100);
}

}  // namespace
}  // namespace changevault
