// Random JSON documents, Extended JSON wrappers and odd white space included, for property tests.
#pragma once

#include <random>
#include <string>

namespace changevault::testing {

class RandomJson {
 public:
  explicit RandomJson(std::uint64_t seed) : random_(seed) {}

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
    const std::string text =
        pick({"5", "-1", "1.10", "1E+5", "NaN", "Infinity", "0x1", "01", "+5", "", "\\u0035", "5 "});
    const std::string name =
        pick({"$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid", "$date"});
    const std::string more = below(6) == 0 ? ",\"x\":1" : "";
    return "{" + space() + "\"" + name + "\"" + space() + ":" + space() + "\"" + text + "\"" + space() +
           more + "}";
  }

 private:
  std::string space() { return below(8) == 0 ? pick({" ", "\t", "  "}) : ""; }
  std::string pick(std::initializer_list<const char*> from) { return *(from.begin() + below(from.size())); }
  std::string array(int depth) {
    std::string out = "[";
    for (std::size_t i = 0, n = below(4); i < n; ++i)
      out += (i > 0 ? "," : "") + space() + value(depth - 1) + space();
    return out + "]";
  }

  std::mt19937_64 random_;
};

}  // namespace changevault::testing
