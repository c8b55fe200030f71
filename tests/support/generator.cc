#include "tests/support/generator.h"

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace changevault::testing {
namespace {

// Events per hour of the day, relative: quiet nights, busy evenings.
constexpr std::array<std::uint64_t, 24> kDailyCurve{4,  3,  2,  2,  2,  3,  5,  8,  12, 14, 15, 16,
                                                    17, 16, 15, 15, 16, 18, 20, 20, 17, 13, 9,  6};
constexpr std::array<std::string_view, 8> kWords{"blue",  "Größe",          "木製",  "kettle",
                                                 "naïve", "\\\"quoted\\\"", "ткань", "🙂"};
constexpr std::size_t kLiveDocuments = 2000;  // remembered per collection, for updates and deletes

std::string hex(std::uint64_t value, int digits) {
  std::string out = to_hex(value).substr(static_cast<std::size_t>(16 - digits));
  for (char& c : out) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string lower_hex(std::uint64_t value, int digits) {
  return to_hex(value).substr(static_cast<std::size_t>(16 - digits));
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Values in one of the styles.
class Values {
 public:
  explicit Values(JsonStyle style) : style_(style) {}

  std::string int32(std::int64_t value) const { return number("$numberInt", std::to_string(value)); }
  std::string int64(std::int64_t value) const { return number("$numberLong", std::to_string(value)); }
  std::string real(const std::string& text) const { return number("$numberDouble", text); }
  std::string object_id(const std::string& id) const {
    return style_ == JsonStyle::kNode ? "\"" + id + "\"" : "{\"$oid\":\"" + id + "\"}";
  }
  std::string decimal(const std::string& text) const { return "{\"$numberDecimal\":\"" + text + "\"}"; }
  std::string date(Timestamp time) const {
    switch (style_) {
      case JsonStyle::kCanonical:
        return "{\"$date\":{\"$numberLong\":\"" + std::to_string(time.ms) + "\"}}";
      case JsonStyle::kRelaxed:
        return "{\"$date\":\"" + to_rfc3339(time) + "\"}";
      case JsonStyle::kNode:
        return "\"" + to_rfc3339(time) + "\"";
    }
    return "null";
  }
  std::string cluster_time(std::int64_t second, std::int64_t ordinal) const {
    if (style_ == JsonStyle::kNode)
      return "{\"$timestamp\":\"" + std::to_string(second << 32 | ordinal) + "\"}";
    return "{\"$timestamp\":{\"t\":" + std::to_string(second) + ",\"i\":" + std::to_string(ordinal) + "}}";
  }

 private:
  std::string number(const char* wrapper, const std::string& text) const {
    if (style_ != JsonStyle::kCanonical) return text;
    return std::string("{\"") + wrapper + "\":\"" + text + "\"}";
  }
  JsonStyle style_;
};

struct Collection {
  GeneratedCollection options;
  std::string uuid;
  std::vector<std::uint64_t> live;  // numbers of documents that exist
};

// What stands in every event.
struct Head {
  std::int64_t second = 0;
  std::int64_t ordinal = 0;
  Timestamp wall{};
};

class Generator {
 public:
  Generator(const GeneratorOptions& options, const std::function<void(const GeneratedEvent&)>& take)
      : options_(options), take_(take), random_(options.seed), values_(options.style) {
    for (const GeneratedCollection& collection : options.collections) {
      collections_.push_back({collection, lower_hex(random_.next(), 16) + lower_hex(random_.next(), 16), {}});
    }
  }

  void run() {
    const std::int64_t first_second = (options_.first.ms + 999) / 1000;
    const std::vector<std::int64_t> per_hour = events_per_hour();
    for (std::size_t i = 0; i < per_hour.size(); ++i) {
      const Hour hour{hour_of(options_.first).index + static_cast<std::int64_t>(i)};
      const std::int64_t begin = std::max(first_second, hour.start().ms / 1000);
      const std::int64_t end = std::min((options_.last.ms + 999) / 1000, hour.end().ms / 1000);
      for (std::int64_t n = 0; n < per_hour[i]; ++n) emit(begin + (end - begin) * n / per_hour[i], hour);
    }
  }

 private:
  // Largest remainder, carried along: the counts add up to `events`.
  std::vector<std::int64_t> events_per_hour() const {
    const std::int64_t first = hour_of(options_.first).index;
    const std::int64_t count = hour_of(options_.last - milliseconds(1)).index - first + 1;
    std::uint64_t all = 0;
    const auto weight = [&](std::int64_t i) {
      return kDailyCurve[static_cast<std::size_t>(((first + i) % 24 + 24) % 24)];
    };
    for (std::int64_t i = 0; i < count; ++i) all += weight(i);
    std::vector<std::int64_t> out;
    std::uint64_t seen = 0;
    std::int64_t given = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      seen += weight(i);
      const auto until = static_cast<std::int64_t>(static_cast<std::uint64_t>(options_.events) * seen / all);
      out.push_back(until - given);
      given = until;
    }
    return out;
  }

  void emit(std::int64_t second, Hour hour) {
    head_.ordinal = second == head_.second ? head_.ordinal + 1 : 1;
    head_.second = second;
    head_.wall = Timestamp{second * 1000 + static_cast<std::int64_t>(random_.below(1000))};
    if (options_.one_in_structure != 0 && random_.one_in(options_.one_in_structure)) return emit_structure();
    emit_document(choose(hour));
  }

  Collection& choose(Hour hour) {
    std::uint64_t all = 0;
    const auto weight = [hour](const Collection& c) {
      for (const Hour quiet : c.options.quiet) {
        if (quiet == hour) return std::uint64_t{0};
      }
      return c.options.weight;
    };
    for (const Collection& c : collections_) all += weight(c);
    std::uint64_t at = random_.below(all);
    for (Collection& c : collections_) {
      if (at < weight(c)) return c;
      at -= weight(c);
    }
    return collections_.back();
  }

  void emit_document(Collection& collection) {
    const std::uint64_t dice = random_.below(100);
    const bool known = !collection.live.empty();
    if (!known || dice < 40) return emit_insert(collection);
    const std::size_t at = random_.below(collection.live.size());
    const std::uint64_t number = collection.live[at];
    if (dice < 80) return emit_update(collection, number);
    if (dice < 90) {
      return send(collection.options.ns, "replace", collection.uuid,
                  full_document(number) + place(collection, number));
    }
    collection.live[at] = collection.live.back();
    collection.live.pop_back();
    send(collection.options.ns, "delete", collection.uuid, place(collection, number));
  }

  void emit_insert(Collection& collection) {
    const std::uint64_t number = next_document_++;
    if (collection.live.size() < kLiveDocuments) collection.live.push_back(number);
    send(collection.options.ns, "insert", collection.uuid, full_document(number) + place(collection, number));
  }

  void emit_update(Collection& collection, std::uint64_t number) {
    std::string fields = "\"qty\":" + values_.int32(static_cast<std::int64_t>(random_.below(500)));
    if (random_.one_in(3)) fields += ",\"price\":" + values_.decimal(price());
    if (random_.one_in(5)) fields += ",\"stock.bin.0\":" + json_string(words(12));
    std::string body = random_.one_in(2) ? full_document(number) : std::string();
    body += place(collection, number) + ",\"updateDescription\":{\"updatedFields\":{" + fields +
            "},\"removedFields\":[" + (random_.one_in(8) ? "\"note\"" : "") + "],\"truncatedArrays\":[" +
            (random_.one_in(10) ? "{\"field\":\"tags\",\"newSize\":" + values_.int32(1) + "}" : "") + "]}";
    send(collection.options.ns, "update", collection.uuid, body);
  }

  // Events that concern no document, in databases of their own, so that the shop's numbers stay simple.
  void emit_structure() {
    const Namespace temporary{"staging", "import"};
    switch (random_.below(6)) {
      case 0:
        return send(temporary, "create", {}, ns_field(temporary) + ",\"operationDescription\":{}");
      case 1:
        return send(temporary, "rename", {},
                    ns_field(temporary) + ",\"to\":{\"db\":\"staging\",\"coll\":\"import_old\"}");
      case 2:
        return send({"staging", "import_old"}, "drop", {}, ns_field({"staging", "import_old"}));
      case 3:
        return send({"scratch", ""}, "dropDatabase", {}, ",\"ns\":{\"db\":\"scratch\"}");
      case 4:
        return send({"", ""}, "endOfTransaction", {},
                    ",\"operationDescription\":{\"txnNumber\":" + values_.int64(7) + "}");
      default:
        return send(temporary, "somethingOfTomorrow", {}, ns_field(temporary) + ",\"tomorrow\":[[],{}]");
    }
  }

  void send(const Namespace& ns, std::string_view operation, const std::string& uuid,
            const std::string& body) {
    line_.clear();
    line_ += "{\"_id\":{\"_data\":\"82" + hex(static_cast<std::uint64_t>(head_.second), 8) +
             hex(static_cast<std::uint64_t>(head_.ordinal), 8) + "2B042C0100296E5A1004" +
             (uuid.empty() ? hex(sent_, 16) : upper(uuid)) + "463C6F7065726174696F6E54797065003C" +
             hex(sent_, 12) + "04\"},\"operationType\":\"";
    line_ += operation;
    line_ += "\",\"clusterTime\":" + values_.cluster_time(head_.second, head_.ordinal) +
             ",\"wallTime\":" + values_.date(head_.wall);
    line_ += body;
    line_ += '}';
    ++sent_;
    take_({line_, Timestamp{head_.second * 1000}, ns, operation});
  }

  static std::string upper(std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
  }

  static std::string ns_field(const Namespace& ns) {
    return ",\"ns\":{\"db\":" + json_string(ns.database) + ",\"coll\":" + json_string(ns.collection) + "}";
  }

  std::string id_field(std::uint64_t number) const {
    return "\"_id\":" + values_.object_id("65a5" + lower_hex(options_.seed, 8) + lower_hex(number, 12));
  }

  std::string place(const Collection& collection, std::uint64_t number) const {
    return ns_field(collection.options.ns) + ",\"documentKey\":{" + id_field(number) + "}";
  }

  std::string price() {
    const std::uint64_t cents = random_.below(100'000);
    return std::to_string(cents / 100) + "." + std::to_string(cents % 100 / 10) + std::to_string(cents % 10);
  }

  std::string words(std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) {
      if (!out.empty()) out += ' ';
      out += kWords[random_.below(kWords.size())];
    }
    return out;
  }

  std::string full_document(std::uint64_t number) {
    std::string out = ",\"fullDocument\":{" + id_field(number);
    out += ",\"sku\":\"SKU-" + lower_hex(number * 2'654'435'761U, 8) + "\",\"name\":\"" + words(12) + "\"";
    out += ",\"qty\":" + values_.int32(static_cast<std::int64_t>(random_.below(500)));
    out += ",\"views\":" +
           values_.int64(static_cast<std::int64_t>((std::uint64_t{1} << 53) + random_.below(1000)));
    out += ",\"price\":" + values_.decimal(price()) + ",\"weight\":" + values_.real(price() + "5");
    out += ",\"tags\":[\"" + words(6) + "\",\"" + words(6) + "\"],\"stock\":{\"bin\":[\"" +
           lower_hex(random_.next(), 6) + "\"],\"checked\":" + values_.date(head_.wall) + "}";
    out += ",\"active\":" + std::string(random_.one_in(2) ? "true" : "false") + ",\"parent\":null";
    return out + ",\"note\":\"" + words(options_.text_bytes) + "\"}";
  }

  const GeneratorOptions& options_;
  const std::function<void(const GeneratedEvent&)>& take_;
  Prng random_;
  Values values_;
  std::vector<Collection> collections_;
  Head head_;
  std::uint64_t next_document_ = 1;
  std::uint64_t sent_ = 0;
  std::string line_;
};

}  // namespace

Prng::Prng(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
    word = mixed ^ mixed >> 31;
  }
}

std::uint64_t Prng::next() {
  const auto rotate = [](std::uint64_t x, int k) { return x << k | x >> (64 - k); };
  const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate(state_[3], 45);
  return result;
}

void generate_events(const GeneratorOptions& options,
                     const std::function<void(const GeneratedEvent&)>& take) {
  Generator(options, take).run();
}

std::vector<GeneratedCollection> shop_collections(Hour quiet) {
  return {
      {{"inventory_db", "products"}, 30, {}},
      {{"inventory_db", "warehouses"}, 6, {quiet}},
      {{"sales", "orders"}, 25, {}},
      {{"sales", "payments"}, 15, {}},
      {{"sales", "customers"}, 10, {}},
      {{"sales", "odd/name 100%"}, 1, {}},
      {{"sales", "_drafts"}, 1, {}},
      {{"каталог", "商品"}, 2, {}},
      {{"logs", "a-collection-with-quite-a-long-name"}, 1, {}},
  };
}

}  // namespace changevault::testing
