// Conditions on random records: the two ways of asking agree, and a value is found by itself however it is
// written.
#include <array>
#include <cctype>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "codec/json_path.h"
#include "codec/json_text.h"
#include "codec/normal_json.h"
#include "codec/record_builder.h"
#include "codec/record_conditions.h"
#include "codec/record_front.h"
#include "tests/property/codec_random_json.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::RandomJson;
using testing::value;

// An object that may hold fields named like those of a record.
std::string odd_object(RandomJson& random, int depth) {
  constexpr std::array<const char*, 4> kNames{"full_document", "update_description", "cluster_time",
                                              "raw_event"};
  std::string out = random.object(depth);
  if (random.below(2) == 0) return out;
  const std::string field =
      std::string(1, '"') + kNames[random.below(kNames.size())] + "\":" + random.value(2);
  return "{" + field + (out == "{}" ? "}" : "," + out.substr(1));
}

std::string random_line(RandomJson& random) {
  const std::string event =
      R"({"_id":{"_data":"82"},"operationType":"update","ns":{"db":"d","coll":"c"},"documentKey":)" +
      odd_object(random, 2) + R"(,"fullDocument":)" + odd_object(random, 4) + R"(,"updateDescription":)" +
      odd_object(random, 3) + "}";
  RecordBuilder builder({"s", "h", Epoch(0)});
  const HubEvent hub_event{PartitionId(1), Sequence(2), "2", Timestamp{0}, event};
  std::string line;
  builder.append_record(*builder.parse(hub_event), hub_event, {}, {}, line);
  line.pop_back();
  return line;
}

// Every path in `json` that a condition can say, in dots.
void collect_paths(const std::string& json, const std::string& path, std::vector<std::string>& out) {
  JsonReader reader(kMaxEventDepth + 1);
  if (!reader.open(json, true)) return;
  std::string_view name;
  std::string_view slice;
  if (reader.peek() == '{') {
    ObjectFields fields(reader);
    while (fields.next(name)) {
      std::string part;
      if (!reader.check(slice)) return;
      if (!unescape_json(name, part) || part.empty()) continue;
      out.push_back(path + "." + part);
      const std::string below = out.back();
      collect_paths(std::string(slice), below, out);
    }
  } else if (reader.peek() == '[') {
    ArrayItems items(reader);
    for (int at = 0; items.next(); ++at) {
      if (!reader.check(slice)) return;
      out.push_back(path + "." + std::to_string(at));
      const std::string below = out.back();
      collect_paths(std::string(slice), below, out);
    }
  }
}

struct Answers {
  bool whole = false;
  std::optional<bool> quick;
};

Answers ask(const FieldCondition& condition, const std::string& line) {
  Scope scope;
  scope.where = {condition};
  RecordConditions conditions = value(RecordConditions::of(scope));
  RecordScanner scanner;
  RecordFrontReader fronts;
  Answers out;
  out.whole = conditions.hold(value(scanner.scan(line)));
  const auto front = fronts.read(line);
  if (front) out.quick = conditions.hold_in_line(*front, fronts.behind());
  return out;
}

// The characters of a JSON text written with as many escapes as there can be: the same value.
std::string escaped(std::string_view json) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') {
      out += {c, json[++i]};
    } else if (in_string && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/') &&
               !(i > 0 && json[i - 1] == '\\')) {
      // The digits of \u stay what they are.
      const std::size_t back = json.rfind("\\u", i);
      if (back != std::string_view::npos && i - back < 6) {
        out += c;
      } else {
        out += std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
      }
    } else {
      out += c;
    }
  }
  return out;
}

RC_GTEST_PROP(ConditionsProperty, AValueIsFoundByItself, (std::uint64_t seed)) {
  RandomJson random(seed, seed % 2 == 0 ? RandomJson::Escapes::kSome : RandomJson::Escapes::kNone);
  const std::string line = random_line(random);
  RecordScanner scanner;
  const RecordView record = value(scanner.scan(line));
  const std::vector<std::pair<std::string, std::string>> documents{
      {"document_key", std::string(*record.document_key)},
      {"full_document", std::string(*record.full_document)},
      {"update_description", std::string(*record.update_description)},
      {"raw_event", std::string(record.raw_event)}};
  for (const auto& [field, document] : documents) {
    std::vector<std::string> paths;
    collect_paths(document, field, paths);
    for (const std::string& path : paths) {
      std::vector<std::string> parts = split_path(path);
      parts.erase(parts.begin());
      JsonReader reader(kMaxEventDepth + 1);
      RC_ASSERT(reader.open(document, false));
      std::string_view found;
      std::string scratch;
      if (find_at(reader, parts, found, scratch) != PathOutcome::kFound) continue;  // behind a repeated name
      for (const std::string& text : {std::string(found), escaped(found)}) {
        const Answers same = ask({path, text}, line);
        if (!same.whole) RC_LOG() << path << " = " << text << " in " << line;
        RC_ASSERT(same.whole);
        RC_ASSERT(same.quick.value_or(true));
      }
      const std::string other = random.value(2);
      const Answers answers = ask({path, other}, line);
      RC_ASSERT(answers.quick.value_or(answers.whole) == answers.whole);
      JsonReader compared(kMaxEventDepth + 1);
      const bool equal = comparable_json(compared, other) == comparable_json(compared, found);
      RC_ASSERT(answers.whole == equal);
    }
  }
}

}  // namespace
}  // namespace changevault
