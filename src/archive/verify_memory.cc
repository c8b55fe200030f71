#include "archive/verify_memory.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/hash.h"
#include "codec/json_fields.h"
#include "codec/sealed_json.h"

namespace changevault {
namespace {

constexpr std::int64_t kFormat = 1;

// Everything that the ledger says of an object, so that a changed listing is a changed object.
std::string fingerprint(const SegmentFacts& facts, const std::string& origin) {
  std::string text = fmt::format("{}\n{}\n{}\n{} {} {} {} {} {} {} {} {} {} {}\n", origin, facts.ns.database,
                                 facts.ns.collection, facts.hour.index, facts.partition.value, facts.records,
                                 facts.first.value, facts.last.value, facts.min_time.ms, facts.max_time.ms,
                                 facts.bytes, facts.text_bytes, facts.digest, facts.distinct);
  for (const auto& [operation, count] : facts.operations) text += fmt::format("{} {}\n", operation, count);
  for (const BlockFacts& block : facts.blocks) {
    text += fmt::format("{} {} {} {} {} {} {} {} {} {}\n", block.byte_offset, block.bytes, block.text_offset,
                        block.text_bytes, block.records, block.first.value, block.min_time.ms,
                        block.max_time.ms, block.sha256, block.digest);
  }
  return sha256_hex(text).substr(0, 32);
}

Error damaged(const std::string& what, const std::string& object) {
  return Error(ErrorCode::kCorrupt, "the memory of what was verified is damaged: " + what, object,
               "delete the file; the next verification reads everything again");
}

// Takes the next line off `text`; without its '\n'.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<std::pair<std::string, RememberedObject>> object_from(std::string_view line,
                                                             const std::string& where) {
  const Json json = Json::parse(line, nullptr, false);
  JsonFields fields(json, where);
  std::pair<std::string, RememberedObject> out;
  out.first = fields.text("key");
  out.second.bytes = fields.count("bytes");
  out.second.etag = fields.text("etag");
  out.second.sha256 = fields.sha256("sha256");
  out.second.listing = fields.text("listing");
  out.second.checked = fields.time("checked");
  CV_TRY(fields.finish());
  return out;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(ErrorCode::kUsage, "the memory cannot be written", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return system_error(ErrorCode::kUsage, "the memory cannot be written", path, errno);
  return {};
}

}  // namespace

Result<VerifyMemory> VerifyMemory::decode(std::string_view text, const std::string& object) {
  const std::size_t last = text.rfind('\n', text.size() < 2 ? std::string_view::npos : text.size() - 2);
  if (text.empty() || text.back() != '\n' || last == std::string_view::npos)
    return damaged("it ends too early", object);
  std::string_view body = text.substr(0, last + 1);
  const Json end = Json::parse(text.substr(last + 1), nullptr, false);
  JsonFields end_fields(end, object);
  const std::string sha = end_fields.sha256("self");
  if (!end_fields.finish() || sha != sha256_hex(body)) return damaged("its checksum is wrong", object);

  const auto first = take_line(body);
  const Json head = Json::parse(first.value_or(""), nullptr, false);
  JsonFields fields(head, object);
  const std::int64_t version = fields.count("version");
  const std::string kind = fields.text("kind");
  VerifyMemory memory(fields.text("archive"));
  if (!fields.finish() || kind != "verify-memory") return damaged("it is no such file", object);
  if (version > kFormat) {
    return Error(ErrorCode::kUsage, "the memory was written by a newer version of the program", object,
                 "use that version, or delete the file");
  }
  while (const auto line = take_line(body)) {
    auto read = object_from(*line, object);
    if (!read) return damaged(read.error().message, object);
    memory.objects_.insert(std::move(*read));
  }
  return memory;
}

std::string VerifyMemory::encode() const {
  std::string text =
      Json{{"version", kFormat}, {"kind", "verify-memory"}, {"archive", archive_}}.dump() + "\n";
  for (const auto& [key, object] : objects_) {
    text += Json{{"key", key},
                 {"bytes", object.bytes},
                 {"etag", object.etag},
                 {"sha256", object.sha256},
                 {"listing", object.listing},
                 {"checked", to_rfc3339(object.checked)}}
                .dump(-1, ' ', false, Json::error_handler_t::replace) +
            "\n";
  }
  return text + Json{{"self", sha256_hex(text)}}.dump() + "\n";
}

const RememberedObject* VerifyMemory::find(const ObjectInfo& object, const SegmentFacts& listed,
                                           const std::string& origin) const {
  const auto found = objects_.find(object.key);
  if (found == objects_.end()) return nullptr;
  const RememberedObject& known = found->second;
  const bool same = known.bytes == object.bytes && known.bytes == listed.bytes && known.etag == object.etag &&
                    !known.etag.empty() && known.sha256 == listed.sha256 &&
                    known.listing == fingerprint(listed, origin);
  return same ? &known : nullptr;
}

void VerifyMemory::remember(const ObjectInfo& object, const SegmentFacts& listed, const std::string& origin,
                            Timestamp now) {
  objects_[object.key] = {object.bytes, object.etag, listed.sha256, fingerprint(listed, origin), now};
}

Result<std::optional<VerifyMemory>> read_verify_memory(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<VerifyMemory>();
    return system_error(ErrorCode::kUsage, "the memory of what was verified cannot be read", file.string(),
                        errno);
  }
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  CV_ASSIGN(VerifyMemory memory, VerifyMemory::decode(text, file.string()));
  return std::optional(std::move(memory));
}

Result<void> write_verify_memory(const VerifyMemory& memory, const std::filesystem::path& file) {
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  std::string temporary = file.string() + ".tmp-XXXXXX";
  const Descriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));
  if (descriptor.get() < 0)
    return system_error(ErrorCode::kUsage, "the memory cannot be written", file.string(), errno);
  Result<void> done = write_all(descriptor.get(), memory.encode(), file.string());
  if (done && ::rename(temporary.c_str(), file.c_str()) != 0)
    done = system_error(ErrorCode::kUsage, "the memory cannot be written", file.string(), errno);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace changevault
