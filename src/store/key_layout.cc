#include "store/key_layout.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/hash.h"

namespace changevault {
namespace {

constexpr std::string_view kSuffix = ".jsonl.gz";
constexpr std::string_view kFileEndings[] = {kSuffix, ".json.gz", ".jsonl", ".json"};
constexpr std::string_view kSlotSuffix = ".json";
constexpr std::string_view kDatabaseFolder = "_database";
constexpr std::string_view kClusterFolder = "_cluster";
constexpr std::string_view kDeadLetterFolder = "_deadletter";
constexpr std::string_view kOversizeFolder = "_oversize";
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kMaxEncodedName = 180;
constexpr std::string_view kCutMark = ".~";

// --- one path part ---

bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

std::string encode_whole(std::string_view name) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const bool reserved = name == "." || name == ".." || name.starts_with('_');
  std::string part;
  part.reserve(name.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is_plain(name[i]) && (i > 0 || !reserved)) {
      part.push_back(name[i]);
    } else {
      const auto byte = static_cast<unsigned char>(name[i]);
      part.push_back('%');
      part.push_back(kHex[byte >> 4]);
      part.push_back(kHex[byte & 15]);
    }
  }
  return part;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// --- reading ---

// Digits only: no sign, no space; nullopt past the range of Int.
template <typename Int>
std::optional<Int> parse_digits(std::string_view text) {
  Int value{};
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// The text before the next `separator`, which is taken too; the rest where there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) parts.push_back(take_until(path, '/'));
  return parts;
}

// `parts`: year, month, day, file.
std::optional<Hour> parse_hour_of(std::span<const std::string_view> parts) {
  const std::string_view file = parts[3];
  if (parts[0].size() != 4 || parts[1].size() != 2 || parts[2].size() != 2 || file.size() < 3 ||
      file[2] != '-') {
    return std::nullopt;
  }
  const auto year = parse_digits<int>(parts[0]);
  const auto month = parse_digits<int>(parts[1]);
  const auto day = parse_digits<int>(parts[2]);
  const auto hour = parse_digits<int>(file.substr(0, 2));
  if (!year || !month || !day || !hour || *hour > 23) return std::nullopt;
  const auto date = from_date(*year, *month, *day);
  if (!date) return std::nullopt;
  return Hour{hour_of(*date).index + *hour};
}

std::string file_name(Hour hour, const SegmentName::Origin& origin) {
  return fmt::format("{}-batch-p{:03}-{:020}-{:020}-c{:012}{}", hour_digits(hour), origin.partition.value,
                     origin.first.value, origin.last.value, origin.claim.value, kSuffix);
}

// Numbers are read with any padding; what counts is that building the name again gives the same bytes.
std::optional<SegmentName::Origin> parse_origin(Hour hour, std::string_view file) {
  std::string_view rest = file.substr(3);
  if (!take_suffix(rest, kSuffix) || !take_prefix(rest, "batch-p")) return std::nullopt;
  const auto partition = parse_digits<std::int32_t>(take_until(rest, '-'));
  const auto first = parse_digits<std::int64_t>(take_until(rest, '-'));
  const auto last = parse_digits<std::int64_t>(take_until(rest, '-'));
  if (!take_prefix(rest, "c")) return std::nullopt;
  const auto claim = parse_digits<std::int64_t>(rest);
  if (!partition || !first || !last || !claim || *last < *first) return std::nullopt;
  const SegmentName::Origin origin{PartitionId(*partition), Sequence(*first), Sequence(*last), Slot(*claim)};
  if (file_name(hour, origin) != file) return std::nullopt;
  return origin;
}

// The true name where the part is of our making; else (cut, or written by others) the part itself.
std::optional<std::string> parse_name(std::string_view part) {
  if (part.empty() || part == "." || part == ".." || part.starts_with('_')) return std::nullopt;
  if (auto name = decode_name(part)) return name;
  return std::string(part);
}

std::optional<Namespace> parse_namespace(std::string_view database, std::string_view collection) {
  if (database == kClusterFolder) {
    return collection == kClusterFolder ? std::optional(Namespace{}) : std::nullopt;
  }
  auto database_name = parse_name(database);
  if (!database_name) return std::nullopt;
  if (collection == kDatabaseFolder) return Namespace{std::move(*database_name), {}};
  auto collection_name = parse_name(collection);
  if (!collection_name) return std::nullopt;
  return Namespace{std::move(*database_name), std::move(*collection_name)};
}

}  // namespace

std::string encode_name(std::string_view name) {
  std::string part = encode_whole(name);
  if (part.size() <= kMaxEncodedName) return part;
  // Never between '%' and its digits.
  std::size_t end = kMaxEncodedName;
  if (part[end - 1] == '%')
    end -= 1;
  else if (part[end - 2] == '%')
    end -= 2;
  part.resize(end);
  part += kCutMark;
  part += sha256_hex(name).substr(0, 16);
  return part;
}

std::optional<std::string> decode_name(std::string_view part) {
  std::string name;
  name.reserve(part.size());
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      name.push_back(part[i]);
      continue;
    }
    if (part.size() - i < 3) return std::nullopt;
    const int high = hex_digit(part[i + 1]);
    const int low = hex_digit(part[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    name.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  // Escapes that were not needed, bytes that needed one, and cut names all fail here.
  if (name.empty() || encode_name(name) != part) return std::nullopt;
  return name;
}

KeyLayout::KeyLayout(std::string root) : root_(std::move(root)) {}

std::string KeyLayout::under_root(std::string_view path) const {
  return root_.empty() ? std::string(path) : fmt::format("{}/{}", root_, path);
}

std::string KeyLayout::segment(const Namespace& ns, Hour hour, const SegmentName::Origin& origin) const {
  return fmt::format("{}{}/{}", namespace_prefix(ns), date_path(hour), file_name(hour, origin));
}

std::string KeyLayout::dead_letter(Hour hour, const SegmentName::Origin& origin) const {
  return fmt::format("{}{}/{}", dead_letter_prefix(), date_path(hour), file_name(hour, origin));
}

std::optional<SegmentName> KeyLayout::parse(std::string_view key) const {
  if (!root_.empty() && !(take_prefix(key, root_) && take_prefix(key, "/"))) return std::nullopt;
  if (!has_file_ending(key)) return std::nullopt;
  const std::vector<std::string_view> parts = split(key);
  SegmentName name;
  if (parts.size() == 5 && parts[0] == kDeadLetterFolder && key.ends_with(kSuffix)) {
    name.dead_letter = true;
  } else if (parts.size() == 6) {
    auto ns = parse_namespace(parts[0], parts[1]);
    if (!ns) return std::nullopt;
    name.ns = std::move(*ns);
  } else {
    return std::nullopt;
  }
  const auto hour = parse_hour_of(std::span(parts).last(4));
  if (!hour) return std::nullopt;
  name.hour = *hour;
  name.origin = parse_origin(*hour, parts.back());
  return name;
}

bool KeyLayout::has_file_ending(std::string_view name) {
  return std::ranges::any_of(kFileEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

bool KeyLayout::has_own_file_name(std::string_view key) {
  const std::string_view file = key.substr(key.rfind('/') + 1);  // npos + 1 is 0
  if (file.size() < 3 || file[2] != '-') return false;
  const auto hour = parse_digits<int>(file.substr(0, 2));
  return hour && *hour <= 23 && parse_origin(Hour{*hour}, file).has_value();
}

std::string KeyLayout::oversize_name(std::string_view sha256) {
  return fmt::format("{}/{}/{}{}", kOversizeFolder, sha256.substr(0, 2), sha256, kSlotSuffix);
}

std::optional<std::string> KeyLayout::parse_oversize(std::string_view key) const {
  std::string_view rest = key;
  if (!take_prefix(rest, oversize_prefix()) || !take_suffix(rest, kSlotSuffix)) return std::nullopt;
  const std::string_view sha256 = rest.substr(rest.find('/') + 1);
  const bool is_hex = sha256.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (sha256.size() != kSha256Digits || !is_hex || oversize(sha256) != key) return std::nullopt;
  return std::string(sha256);
}

std::string KeyLayout::archive_prefix() const {
  return under_root("");
}

std::string KeyLayout::database_prefix(const std::string& database) const {
  return under_root((database.empty() ? std::string(kClusterFolder) : encode_name(database)) + "/");
}

std::string KeyLayout::namespace_prefix(const Namespace& ns) const {
  std::string prefix = database_prefix(ns.database);
  if (ns.is_cluster())
    prefix += kClusterFolder;
  else if (ns.is_database())
    prefix += kDatabaseFolder;
  else
    prefix += encode_name(ns.collection);
  return prefix + "/";
}

std::string KeyLayout::hour_prefix(const Namespace& ns, Hour hour) const {
  return fmt::format("{}{}/{}-", namespace_prefix(ns), date_path(hour), hour_digits(hour));
}

std::string KeyLayout::dead_letter_prefix() const {
  return under_root("_deadletter/");
}
std::string KeyLayout::oversize_prefix() const {
  return under_root("_oversize/");
}
std::string KeyLayout::ledger_prefix() const {
  return under_root("_ledger/");
}
std::string KeyLayout::partition_chain(PartitionId partition) const {
  return fmt::format("{}p{:03}/", ledger_prefix(), partition.value);
}
std::string KeyLayout::seal_chain() const {
  return ledger_prefix() + "seals/";
}
std::string KeyLayout::ack_chain() const {
  return ledger_prefix() + "acks/";
}
std::string KeyLayout::adopted_chain() const {
  return ledger_prefix() + "adopted/";
}
std::string KeyLayout::repair_chain() const {
  return ledger_prefix() + "repairs/";
}
std::string KeyLayout::recoveries_prefix() const {
  return ledger_prefix() + "recoveries/";
}
std::string KeyLayout::recovery_chain(const std::string& recovery_id) const {
  return recoveries_prefix() + recovery_id + "/";
}
std::string KeyLayout::recovery_plan(const std::string& recovery_id) const {
  return recovery_chain(recovery_id) + "plan.json";
}

std::string KeyLayout::slot_name(Slot slot) {
  return fmt::format("{:012}{}", slot.value, kSlotSuffix);
}

std::optional<Slot> KeyLayout::parse_slot_name(std::string_view name) {
  std::string_view digits = name;
  if (!take_suffix(digits, kSlotSuffix)) return std::nullopt;
  const auto number = parse_digits<std::int64_t>(digits);
  if (!number || slot_name(Slot(*number)) != name) return std::nullopt;
  return Slot(*number);
}

std::optional<PartitionId> KeyLayout::parse_partition_folder(std::string_view folder) {
  std::string_view digits = folder;
  if (!take_prefix(digits, "p")) return std::nullopt;
  const auto number = parse_digits<std::int32_t>(digits);
  if (!number || fmt::format("p{:03}", *number) != folder) return std::nullopt;
  return PartitionId(*number);
}

}  // namespace changevault
