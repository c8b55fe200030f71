#include "archive/verify_segment.h"

#include <algorithm>
#include <expected>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/hash.h"
#include "codec/json.h"
#include "codec/json_fields.h"
#include "codec/record_front.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "codec/segment_writer.h"
#include "model/event_id.h"
#include "store/object_source.h"

namespace changevault {
namespace {

// Cuts the stream of an object into the blocks that the ledger lists and hashes each. Bytes come in pieces of
// any size.
class BlockHasher {
 public:
  explicit BlockHasher(const std::vector<BlockFacts>& blocks) : blocks_(blocks) {}

  void update(std::string_view piece) {
    while (!piece.empty() && current_ < blocks_.size()) {
      const BlockFacts& block = blocks_[current_];
      const std::int64_t begin = std::max(block.byte_offset, offset_) - offset_;
      const std::int64_t end = std::max<std::int64_t>(block.byte_offset + block.bytes - offset_, 0);
      const auto size = static_cast<std::int64_t>(piece.size());
      if (begin < std::min(end, size)) {
        hasher_.update(piece.substr(static_cast<std::size_t>(begin),
                                    static_cast<std::size_t>(std::min(end, size) - begin)));
      }
      if (end > size) break;
      if (hasher_.finish_hex() != block.sha256) bad_.push_back(current_);
      hasher_ = Hasher(Hasher::Kind::kSha256);
      ++current_;
      piece.remove_prefix(static_cast<std::size_t>(end));
      offset_ += end;
    }
    offset_ += static_cast<std::int64_t>(piece.size());
  }

  bool complete() const { return current_ == blocks_.size() && bad_.empty(); }
  std::string describe() const {
    return bad_.empty() ? fmt::format("block {} of {} is not complete", current_ + 1, blocks_.size())
                        : fmt::format("block {} of {} has another sha256", bad_.front() + 1, blocks_.size());
  }

 private:
  const std::vector<BlockFacts>& blocks_;
  std::size_t current_ = 0;
  std::int64_t offset_ = 0;
  Hasher hasher_{Hasher::Kind::kSha256};
  std::vector<std::size_t> bad_;
};

// What the records of a segment amount to, in the terms of the ledger.
class Tally {
 public:
  void add(std::string_view operation, Sequence sequence, Timestamp time, const EventId& id,
           std::size_t line_bytes) {
    if (records == 0) {
      first = sequence;
      min_time = max_time = time;
    }
    ++records;
    last = sequence;
    min_time = std::min(min_time, time);
    max_time = std::max(max_time, time);
    text_bytes += static_cast<std::int64_t>(line_bytes) + 1;
    if (operation.empty()) return;  // a dead letter has no event_id
    digest += id.high;
    ids.push_back(id);
    if (const auto it = operations.find(operation); it != operations.end()) {
      ++it->second;
    } else {
      operations.emplace(operation, 1);
    }
  }

  std::int64_t distinct() {
    std::sort(ids.begin(), ids.end());
    return std::unique(ids.begin(), ids.end()) - ids.begin();
  }

  std::int64_t records = 0;
  std::int64_t text_bytes = 0;
  std::uint64_t digest = 0;
  Sequence first{};
  Sequence last{};
  Timestamp min_time{};
  Timestamp max_time{};
  std::map<std::string, std::int64_t, std::less<>> operations;
  std::vector<EventId> ids;
};

// Holds the block index to the records: which lie in a block, by its place in the text, and what they amount
// to.
class BlockTally {
 public:
  explicit BlockTally(const std::vector<BlockFacts>& blocks) : blocks_(blocks) {}

  // `digest`: what the record adds to its block's digest. `bytes`: of its line, with the line break.
  void add(Sequence sequence, Timestamp time, std::uint64_t digest, std::int64_t bytes) {
    if (current_ >= blocks_.size()) return fail(blocks_.size());
    if (block_.records == 0) {
      block_.first = sequence;
      block_.min_time = block_.max_time = time;
    }
    block_.min_time = std::min(block_.min_time, time);
    block_.max_time = std::max(block_.max_time, time);
    block_.digest += digest;
    block_.text_bytes += bytes;
    ++block_.records;
    if (block_.text_bytes >= blocks_[current_].text_bytes) close();
  }

  bool right() const { return !wrong_ && current_ == blocks_.size(); }
  std::string describe() const {
    return fmt::format("block {} of {} does not hold the records that it is listed with",
                       wrong_.value_or(current_) + 1, blocks_.size());
  }

 private:
  void close() {
    const BlockFacts& listed = blocks_[current_];
    const bool same = block_.records == listed.records && block_.text_bytes == listed.text_bytes &&
                      block_.digest == listed.digest && block_.first == listed.first &&
                      block_.min_time == listed.min_time && block_.max_time == listed.max_time;
    if (!same) fail(current_);
    ++current_;
    block_ = {};
  }
  void fail(std::size_t block) { wrong_ = wrong_.value_or(block); }

  const std::vector<BlockFacts>& blocks_;
  std::size_t current_ = 0;
  BlockFacts block_;
  std::optional<std::size_t> wrong_;
};

class SegmentVerifier {
 public:
  SegmentVerifier(const VerifyContext& context, const SegmentFacts& listed, bool dead_letter,
                  const ObjectInfo* seen)
      : context_(context),
        listed_(listed),
        dead_letter_(dead_letter),
        seen_(seen),
        builder_(context.identity),
        blocks_(listed.blocks),
        block_tally_(listed.blocks) {}

  Result<SegmentCheck> run();
  Result<SegmentCheck> run_without_content();

 private:
  void problem(const char* kind, std::string detail) {
    check_.problems.push_back({kind, listed_.key, std::move(detail)});
  }
  bool check_name();
  Result<bool> check_presence();
  Result<void> read_records(ObjectSource& source);
  Result<void> check_line(std::string_view line);
  bool rebuilds(std::string_view line, const HubEvent& event, Timestamp processed,
                std::expected<ParsedEvent, Refusal>& parsed);
  Result<void> check_record(std::string_view line);
  Result<void> check_scanned(std::string_view line);
  Result<void> take(std::string_view line, const HubEvent& event, const ParsedEvent& parsed);
  Result<void> check_dead_letter(std::string_view line);
  Result<void> check_place(Sequence sequence, Timestamp enqueued) const;
  void compare_tally();
  bool blocks_tile();
  void compare_blocks();

  const VerifyContext& context_;
  const SegmentFacts& listed_;
  bool dead_letter_;
  const ObjectInfo* seen_;
  bool offline_ = false;
  RecordBuilder builder_;
  RecordFrontReader fronts_;
  RecordScanner scanner_;
  Hasher whole_{Hasher::Kind::kSha256};
  BlockHasher blocks_;
  Tally tally_;
  BlockTally block_tally_;
  std::string rebuilt_;
  SegmentCheck check_;
};

Error bad_record(std::string what) {
  return Error(ErrorCode::kValidation, std::move(what));
}

Result<SegmentCheck> SegmentVerifier::run_without_content() {
  if (!check_name()) return std::move(check_);
  CV_ASSIGN(const bool present, check_presence());
  if (present && !blocks_tile()) problem("blocks", "the block index does not tile the file");
  return std::move(check_);
}

Result<SegmentCheck> SegmentVerifier::run() {
  if (!check_name()) return std::move(check_);
  CV_ASSIGN(const bool present, check_presence());
  if (!present) return std::move(check_);
  if (offline_) {
    return Error(ErrorCode::kUnreachable,
                 "it is in a tier without access; bring it back (az storage blob set-tier --tier Hot, takes "
                 "hours) and "
                 "verify it then",
                 listed_.key);
  }
  ObjectSource source(context_.store, listed_.key, [this](std::string_view piece) {
    whole_.update(piece);
    blocks_.update(piece);
    check_.bytes += static_cast<std::int64_t>(piece.size());
    context_.bytes_read += static_cast<std::int64_t>(piece.size());
  });
  const auto read = read_records(source);
  if (!read && read.error().code == ErrorCode::kNotFound) {
    problem("missing", "it was taken away while it was read");
    return std::move(check_);
  }
  if (!read && read.error().code != ErrorCode::kCorrupt && read.error().code != ErrorCode::kValidation)
    return read.error();
  // The whole file's hash counts first: read what an error left unread.
  std::string rest(std::size_t{1} << 20, '\0');
  for (;;) {
    CV_ASSIGN(const std::size_t n, source.read(rest));
    if (n == 0) break;
  }
  check_.records = tally_.records;
  if (const std::string sha = whole_.finish_hex(); sha != listed_.sha256) {
    problem("sha256",
            fmt::format("the bytes are not those that were archived: sha256 {}, the ledger says {}{}", sha,
                        listed_.sha256, blocks_.complete() ? "" : "; " + blocks_.describe()));
  } else if (!read) {
    problem(read.error().code == ErrorCode::kCorrupt ? "gzip" : "record", read.error().message);
  } else {
    compare_tally();
    compare_blocks();
  }
  return std::move(check_);
}

bool SegmentVerifier::check_name() {
  const auto name = context_.layout.parse(listed_.key);
  const SegmentName::Origin* origin = name && name->origin ? &*name->origin : nullptr;
  const bool right =
      origin != nullptr && name->hour == listed_.hour && name->dead_letter == dead_letter_ &&
      origin->partition == listed_.partition && origin->first == listed_.first &&
      origin->last == listed_.last &&
      listed_.key == (dead_letter_ ? context_.layout.dead_letter(listed_.hour, *origin)
                                   : context_.layout.segment(listed_.ns, listed_.hour, *origin));
  if (!right) problem("name", "the object's name is not the one of what the ledger lists under it");
  return right;
}

Result<bool> SegmentVerifier::check_presence() {
  const auto info = seen_ != nullptr ? Result<ObjectInfo>(*seen_) : context_.store.head(listed_.key);
  if (!info && info.error().code == ErrorCode::kNotFound) {
    problem("missing",
            fmt::format("the ledger lists it ({} records), the store does not have it", listed_.records));
    return false;
  }
  if (!info) return info.error();
  offline_ = info->offline;
  if (info->bytes != listed_.bytes)
    problem("size", fmt::format("{} bytes, the ledger says {}", info->bytes, listed_.bytes));
  return true;
}

Result<void> SegmentVerifier::read_records(ObjectSource& source) {
  SegmentReader reader(source);
  for (;;) {
    if (context_.stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    CV_ASSIGN(const std::string_view text, reader.next());
    if (text.empty()) break;
    CV_TRY(for_each_line(text, [this](std::string_view line) { return check_line(line); }));
  }
  if (reader.members() != 1)
    return Error(ErrorCode::kCorrupt, fmt::format("{} gzip members instead of one", reader.members()));
  return {};
}

Result<void> SegmentVerifier::check_line(std::string_view line) {
  auto checked = dead_letter_ ? check_dead_letter(line) : check_record(line);
  if (!checked) return bad_record(fmt::format("record {}: {}", tally_.records + 1, checked.error().message));
  return {};
}

Result<void> SegmentVerifier::check_place(Sequence sequence, Timestamp enqueued) const {
  if (hour_of(enqueued) != listed_.hour) return bad_record("its time lies in another hour");
  if (tally_.records > 0 && sequence <= tally_.last)
    return bad_record("its sequence number does not follow the one before");
  if (tally_.records > 0 && enqueued < tally_.max_time) return bad_record("its time goes back");
  return {};
}

// The event itself is in the record, unchanged: what the archiver makes of it must be this very line.
bool SegmentVerifier::rebuilds(std::string_view line, const HubEvent& event, Timestamp processed,
                               std::expected<ParsedEvent, Refusal>& parsed) {
  parsed = builder_.parse(event);
  if (!parsed) return false;
  rebuilt_.clear();
  builder_.append_record(*parsed, event, event.broker_time, processed, rebuilt_);
  return std::string_view(rebuilt_).substr(0, rebuilt_.size() - 1) == line;
}

// A line that its own front and the event behind it make again needs no scan: the rebuilt line is a record by
// construction, and it has one raw_event.
Result<void> SegmentVerifier::check_record(std::string_view line) {
  std::expected<ParsedEvent, Refusal> parsed;
  if (const auto front = fronts_.read(line)) {
    const HubEvent event{listed_.partition, Sequence(*front->sequence_number), *front->offset,
                         front->enqueued_time, guess_raw_event(line)};
    if (rebuilds(line, event, *front->processed_timestamp, parsed)) return take(line, event, *parsed);
  }
  return check_scanned(line);
}

Result<void> SegmentVerifier::check_scanned(std::string_view line) {
  CV_ASSIGN(const RecordView record, scanner_.scan(line));
  if (!record.sequence_number || !record.processed_timestamp || !record.offset)
    return bad_record("its position is not complete");
  if (record.partition_id != to_string(listed_.partition)) return bad_record("it is of another partition");
  const HubEvent event{listed_.partition, Sequence(*record.sequence_number), *record.offset,
                       record.enqueued_time, record.raw_event};
  std::expected<ParsedEvent, Refusal> parsed;
  const bool same = rebuilds(line, event, *record.processed_timestamp, parsed);
  if (!parsed) return bad_record("its event is not a valid one: " + parsed.error());
  if (!same) return bad_record("its fields are not those of its event");
  return take(line, event, *parsed);
}

Result<void> SegmentVerifier::take(std::string_view line, const HubEvent& event, const ParsedEvent& parsed) {
  if (parsed.database != listed_.ns.database || parsed.collection != listed_.ns.collection)
    return bad_record("it belongs to " +
                      to_string(Namespace{std::string(parsed.database), std::string(parsed.collection)}));
  CV_TRY(check_place(event.sequence, event.broker_time));
  tally_.add(parsed.operation, event.sequence, event.broker_time, parsed.id, line.size());
  block_tally_.add(event.sequence, event.broker_time, parsed.id.high,
                   static_cast<std::int64_t>(line.size()) + 1);
  return {};
}

Result<void> SegmentVerifier::check_dead_letter(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  JsonFields fields(json, listed_.key);
  const Sequence sequence(fields.count("sequence_number"));
  const Timestamp enqueued = fields.time("enqueued_time");
  const std::string partition = fields.text("partition_id");
  (void)fields.text("reason");
  (void)fields.text("payload_base64");
  CV_TRY(fields.finish());
  if (partition != to_string(listed_.partition)) return bad_record("it is of another partition");
  CV_TRY(check_place(sequence, enqueued));
  const EventId id = EventId::of_position(context_.identity.hub_identity, context_.identity.epoch,
                                          listed_.partition, sequence);
  tally_.add({}, sequence, enqueued, id, line.size());
  block_tally_.add(sequence, enqueued, 0, static_cast<std::int64_t>(line.size()) + 1);
  return {};
}

void SegmentVerifier::compare_tally() {
  if (tally_.records != listed_.records) {
    return problem("count", fmt::format("{} records, the ledger says {}", tally_.records, listed_.records));
  }
  if (tally_.digest != listed_.digest)
    problem("digest", "the event_ids are not those that the ledger counts");
  const OperationCounts operations(tally_.operations.begin(), tally_.operations.end());
  const bool same = operations == listed_.operations && tally_.first == listed_.first &&
                    tally_.last == listed_.last && tally_.min_time == listed_.min_time &&
                    tally_.max_time == listed_.max_time && tally_.text_bytes == listed_.text_bytes &&
                    check_.bytes == listed_.bytes && tally_.distinct() == listed_.distinct;
  if (!same)
    problem("facts",
            "operations, range, times, sizes or distinct event_ids are not those that the ledger lists");
}

bool SegmentVerifier::blocks_tile() {
  std::int64_t records = 0, text = 0, end = 0;
  std::uint64_t digest = 0;
  bool tiled = !listed_.blocks.empty();
  for (const BlockFacts& block : listed_.blocks) {
    tiled = tiled && block.text_offset == text && (end == 0 || block.byte_offset == end);
    records += block.records;
    text += block.text_bytes;
    digest += block.digest;
    end = block.byte_offset + block.bytes;
  }
  return tiled && records == listed_.records && text == listed_.text_bytes && digest == listed_.digest &&
         end <= listed_.bytes;
}

void SegmentVerifier::compare_blocks() {
  if (!blocks_tile()) {
    problem("blocks", "the block index does not tile the file");
  } else if (!blocks_.complete()) {
    problem("blocks", blocks_.describe());
  } else if (!block_tally_.right()) {
    problem("blocks", block_tally_.describe());
  }
}

}  // namespace

Result<SegmentCheck> verify_segment(const VerifyContext& context, const SegmentFacts& listed,
                                    bool dead_letter, const ObjectInfo* seen) {
  return SegmentVerifier(context, listed, dead_letter, seen).run();
}

Result<SegmentCheck> verify_presence(const VerifyContext& context, const SegmentFacts& listed,
                                     bool dead_letter, const ObjectInfo* seen) {
  return SegmentVerifier(context, listed, dead_letter, seen).run_without_content();
}

}  // namespace changevault
