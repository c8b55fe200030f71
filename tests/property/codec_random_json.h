// Random JSON documents, Extended JSON wrappers and odd white space included, for property tests.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace changevault::testing {

class RandomJson {
 public:
  // Without escapes a text stands in its file as it is: what looks for characters relies on that.
  enum class Escapes : std::uint8_t { kSome, kNone };
  explicit RandomJson(std::uint64_t seed, Escapes escapes = Escapes::kSome)
      : escapes_(escapes), random_(seed) {}

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  std::string object(int depth = 4) {
    std::string out = "{";
    const std::size_t fields = below(5);
    for (std::size_t i = 0; i < fields; ++i) {
      if (i > 0) out += ",";
      out += space() + string() + space() + ":" + space() + value(depth - 1) + space();
    }
    return out + "}";
  }

  std::string value(int depth) {
    switch (below(depth > 0 ? 10 : 7)) {
      case 0:
        return string();
      case 1:
        return number();
      case 2:
        return pick({"true", "false", "null"});
      case 3:
      case 4:
        return wrapper();
      case 5:
        return pick({"\"$numberInt\"", "\"{\\\"$numberInt\\\":\\\"5\\\"}\"", "\"$\"", "{}", "[]"});
      case 6:
        return string();
      case 7:
        return array(depth);
      default:
        return object(depth);
    }
  }

  std::string string() {
    std::string out = "\"";
    for (std::size_t n = below(6); n > 0; --n) {
      if (escapes_ == Escapes::kNone) {
        out += pick({"a", "$", "_id", "\xc3\xa9", "{", "}", "[", ",", ":", " ", "new", "1E+5"});
        continue;
      }
      out += pick({"a", "$", "_id", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00", "\xc3\xa9", "{", "}", "[",
                   ",", ":", " ", "\\n", "$numberInt", "/"});
    }
    return out + "\"";
  }

  std::string number() {
    return pick({"0", "-0", "1", "-17", "1.10", "1e400", "-1E-9", "9007199254740993",
                 "123456789012345678901234567890"});
  }

  std::string wrapper() {
    if (below(3) == 0) return id_or_date();
    const std::string text = pick({"5", "-1", "1.10", "1E+5", "NaN", "Infinity", "0x1", "01", "+5", "",
                                   escapes_ == Escapes::kSome ? "\\u0035" : "5.", "5 "});
    const std::string name =
        pick({"$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid", "$date"});
    const std::string more = below(6) == 0 ? ",\"x\":1" : "";
    return "{" + space() + "\"" + name + "\"" + space() + ":" + space() + "\"" + text + "\"" + space() +
           more + "}";
  }

 private:
  std::string id_or_date() {
    return pick({R"({"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"})", R"({"$oid":"65A5F0C2E4B0A1B2C3D4E5F6"})",
                 R"({"$date":"2025-01-15T14:03:07.042Z"})", R"({"$date":"2025-01-15T14:03:07Z"})",
                 R"({"$date":{"$numberLong":"1736949787042"}})", R"({"$date":1736949787042})",
                 R"({"$uuid":"00112233-4455-6677-8899-AABBCCDDEEFF"})",
                 R"({"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}})",
                 R"({"$binary":"AQID","$type":"00"})", R"({"$timestamp":{"t":5,"i":1}})"});
  }

  std::string space() { return below(8) == 0 ? pick({" ", "\t", "  "}) : ""; }
  std::string pick(std::initializer_list<const char*> from) { return *(from.begin() + below(from.size())); }
  std::string array(int depth) {
    std::string out = "[";
    for (std::size_t i = 0, n = below(4); i < n; ++i)
      out += (i > 0 ? "," : "") + space() + value(depth - 1) + space();
    return out + "]";
  }

  Escapes escapes_;
  std::mt19937_64 random_;
};

}  // namespace changevault::testing
