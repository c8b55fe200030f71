#include "archive/segment_rebuild.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <isa-l/crc.h>

#include "base/hash.h"
#include "codec/gzip_format.h"
#include "codec/json.h"
#include "codec/json_fields.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "codec/segment_writer.h"
#include "store/object_source.h"

namespace changevault {
namespace {

constexpr std::string_view kStampField = R"("processed_timestamp":")";
constexpr std::size_t kStampLength = 24;
constexpr std::int64_t kMostBorders = 4096;         // ways to divide unknown times between two known ones
constexpr std::int64_t kLongestSearchMs = 900'000;  // before the commit; flushes are not further apart

Error cannot(const std::string& why, const SegmentFacts& listed) {
  return Error(ErrorCode::kIndeterminate, why, listed.key);
}

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint32_t crc32(std::uint32_t before, const std::string& text) {
  // read only, by its documentation
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  return crc32_gzip_refl(before, data, text.size());
}

// The records of one block, with room for their times of writing.
struct BlockText {
  std::string text;
  std::vector<Sequence> sequences;
  std::vector<std::size_t> stamps;  // where in the text each stands

  void add(Sequence sequence, const std::string& line) {
    sequences.push_back(sequence);
    // Quotes inside of strings are escaped, so this is the field itself.
    stamps.push_back(text.size() + line.find(kStampField) + kStampField.size());
    text += line;
  }
  void set_stamp(std::size_t record, const std::string& stamp) {
    text.replace(stamps[record], kStampLength, stamp);
  }
};

// A run of records between known times: at first the earlier one, from the border on the later.
struct Run {
  std::size_t begin;
  std::size_t end;
  std::string left;
  std::string right;
};

class Rebuild {
 public:
  Rebuild(ObjectStore& store, const RebuildTarget& target, const RebuildSources& sources,
          std::stop_token stop)
      : store_(store),
        target_(target),
        listed_(target.listed->facts),
        sources_(sources),
        stop_(std::move(stop)),
        builder_(target.identity),
        blocks_(listed_.blocks.size()) {
    for (const int level : {sources.gzip_level, 1, 2, 3, 0}) {
      if (std::find(levels_.begin(), levels_.end(), level) == levels_.end()) levels_.push_back(level);
    }
  }

  Result<RebuiltObject> run() {
    CV_ASSIGN(std::optional<std::string> copy, find_copy());
    if (copy) return RebuiltObject{std::move(*copy), "a copy"};
    CV_TRY(take_remains());
    const auto whole =
        std::count_if(blocks_.begin(), blocks_.end(), [](const auto& b) { return !b.empty(); });
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].empty()) CV_TRY(make_block(i));
    }
    CV_ASSIGN(std::string bytes, assemble());
    const auto made = static_cast<std::int64_t>(blocks_.size()) - whole;
    if (whole == 0) return RebuiltObject{std::move(bytes), "the hub's events"};
    if (made == 0) return RebuiltObject{std::move(bytes), "what is left of it"};
    return RebuiltObject{
        std::move(bytes),
        fmt::format("what is left of it, and the hub's events for {} of {} blocks", made, blocks_.size())};
  }

 private:
  Result<std::optional<std::string>> find_copy() {
    if (!sources_.copy) return std::optional<std::string>();
    CV_ASSIGN(std::optional<std::string> bytes, sources_.copy(listed_.key));
    if (bytes && sha256_hex(*bytes) != listed_.sha256) bytes.reset();
    return bytes;
  }

  // Blocks that are whole in what stands there, at their place or moved by what was cut out or put in.
  Result<void> take_remains() {
    const auto info = store_.head(listed_.key);
    if (!info && info.error().code == ErrorCode::kNotFound) return {};
    if (!info) return info.error();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const BlockFacts& block = listed_.blocks[i];
      for (const std::int64_t moved : {std::int64_t{0}, info->bytes - listed_.bytes}) {
        const std::int64_t offset = block.byte_offset + moved;
        if (offset < 0 || offset + block.bytes > info->bytes) continue;
        auto bytes = store_.get(listed_.key, ByteRange{offset, block.bytes});
        if (!bytes && bytes.error().code == ErrorCode::kNotFound) return {};
        if (!bytes) return bytes.error();
        if (sha256_hex(*bytes) != block.sha256) continue;
        blocks_[i] = std::move(*bytes);
        break;
      }
    }
    return {};
  }

  // --- the records, from the hub ---

  Sequence last_of(std::size_t block) const {
    return block + 1 < listed_.blocks.size() ? listed_.blocks[block + 1].first.previous() : listed_.last;
  }

  Result<void> check_hub(const BlockFacts& block) {
    if (sources_.hub == nullptr) return cannot("no hub was given to read its events from again", listed_);
    CV_ASSIGN(const HubDescription hub, sources_.hub->describe());
    if (hub.identity != target_.identity.hub_identity)
      return cannot("its events came from another hub than the one that is configured now", listed_);
    CV_ASSIGN(const std::vector<PartitionBounds> bounds, sources_.hub->bounds());
    const auto partition = std::find_if(bounds.begin(), bounds.end(), [&](const PartitionBounds& b) {
      return b.partition == listed_.partition;
    });
    if (partition == bounds.end()) return cannot("the hub does not have its partition", listed_);
    if (block.first < partition->first) {
      return cannot(fmt::format("the hub no longer has its events: they began at {}, the hub begins at {}",
                                block.first.value, partition->first.value),
                    listed_);
    }
    return {};
  }

  // Effective times never go back, and the first record's is known: from there they follow again, through the
  // events of the other collections too.
  Result<BlockText> read_block(std::size_t index) {
    const BlockFacts& block = listed_.blocks[index];
    CV_TRY(check_hub(block));
    BlockText out;
    Timestamp reached = block.min_time;
    for (Sequence at = block.first; at <= last_of(index); at = at.next()) {
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      CV_ASSIGN(const std::optional<EventBatch> batch, sources_.hub->read(listed_.partition, at));
      if (!batch || batch->events.empty() || batch->events.front().sequence != at) continue;
      const HubEvent& event = batch->events.front();
      reached = std::max(reached, std::min(event.broker_time, block.max_time));
      if (hour_of(reached) != listed_.hour) continue;
      CV_TRY(append_if_ours(event, reached, out));
    }
    if (static_cast<std::int64_t>(out.sequences.size()) != block.records) {
      return cannot(fmt::format("the hub gives {} of the {} records of block {}", out.sequences.size(),
                                block.records, index + 1),
                    listed_);
    }
    if (static_cast<std::int64_t>(out.text.size()) != block.text_bytes)
      return cannot("the hub's events are not those that were archived", listed_);
    return out;
  }

  Result<void> append_if_ours(HubEvent event, Timestamp effective, BlockText& out) {
    std::optional<OversizeBody> body;
    if (sources_.bodies) {
      CV_ASSIGN(body, sources_.bodies->read(event.payload));
    }
    if (body && *body) event.payload = **body;
    const bool refused = body && !*body;
    const auto parsed = refused ? std::unexpected(body->error()) : builder_.parse(event);
    if (parsed.has_value() == target_.dead_letter) return {};
    std::string line;
    if (target_.dead_letter) {
      RecordBuilder::append_dead_letter(parsed.error(), event, effective, effective, line);
    } else if (parsed->database == listed_.ns.database && parsed->collection == listed_.ns.collection) {
      builder_.append_record(*parsed, event, effective, effective, line);
    }
    if (!line.empty()) out.add(event.sequence, line);
    return {};
  }

  // --- the times of writing ---

  // Hints in the order of their worth; each set is tried by itself, as one may be wrong.
  Result<void> make_block(std::size_t index) {
    const BlockFacts& block = listed_.blocks[index];
    CV_ASSIGN(BlockText text, read_block(index));
    if (sources_.stamps && !target_.dead_letter) {
      CV_ASSIGN(const StampHints told, sources_.stamps(listed_.partition, block.first, last_of(index)));
      CV_ASSIGN(const bool made, try_hints(index, text, told));
      if (made) return {};
      if (!told.empty()) CV_TRY(read_hints_around());
      StampHints both = told;
      both.insert(around_.begin(), around_.end());
      CV_ASSIGN(const bool made_by_both, try_hints(index, text, both));
      if (made_by_both) return {};
    }
    CV_TRY(read_hints_around());
    CV_ASSIGN(const bool made, try_hints(index, text, around_));
    if (made) return {};
    CV_ASSIGN(const bool found, search_one_time(index, text));
    if (found) return {};
    return cannot(
        fmt::format("the hub has its events, but the times at which block {} of {} was written could "
                    "not be found (or this machine compresses otherwise), and without them the "
                    "bytes would not be those of the ledger",
                    index + 1, blocks_.size()),
        listed_);
  }

  // What the whole blocks and the other objects of the commit say.
  Result<void> read_hints_around() {
    if (std::exchange(read_around_, true)) return {};
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].empty()) continue;
      auto text = inflate_block(blocks_[i], listed_.blocks[i].text_bytes);
      if (text) add_hints(std::move(*text), target_.dead_letter);
    }
    for (const ListedSegment* sibling : target_.siblings) {
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      // A damaged one gives what can be read of it: hints need no proof.
      ObjectSource source(store_, sibling->facts.key);
      SegmentReader reader(source);
      const bool dead = sibling->facts.operations.empty();
      for (auto text = reader.next(); text && !text->empty(); text = reader.next())
        add_hints(std::string(*text), dead);
    }
    return {};
  }

  void add_hints(std::string text, bool dead_letter) {
    const std::size_t size = text.size();
    text.resize(size + kScanPadding);
    ignore_error(for_each_line(std::string_view(text).substr(0, size),
                               [&](std::string_view line) -> Result<void> {
                                 dead_letter ? add_dead_letter_hint(line) : add_record_hint(line);
                                 return {};
                               }),
                 "a hint more or less");
  }
  void add_record_hint(std::string_view line) {
    const auto record = scanner_.scan(line);
    if (record && record->sequence_number && record->processed_timestamp)
      around_.emplace(Sequence(*record->sequence_number), *record->processed_timestamp);
  }
  void add_dead_letter_hint(std::string_view line) {
    const Json json = Json::parse(line, nullptr, false);
    JsonFields fields(json, listed_.key);
    const Sequence sequence(fields.count("sequence_number"));
    const Timestamp stamp = fields.time("processed_timestamp");
    if (fields.finish()) around_.emplace(sequence, stamp);
  }

  // Known times are set; of the runs between two different ones every border is tried.
  Result<bool> try_hints(std::size_t index, BlockText& text, const StampHints& hints) {
    if (hints.empty()) return false;
    std::vector<Run> runs;
    std::int64_t ways = 1;
    for (std::size_t i = 0; i < text.sequences.size(); ++i) {
      const auto known = hints.find(text.sequences[i]);
      if (known != hints.end()) {
        text.set_stamp(i, to_rfc3339(known->second));
        continue;
      }
      const auto right = hints.lower_bound(text.sequences[i]);
      const auto left = right == hints.begin() ? right : std::prev(right);
      Run run{i, i + 1, to_rfc3339(left->second), to_rfc3339((right == hints.end() ? left : right)->second)};
      // Up to the next known number, of whatever object it is.
      while (run.end < text.sequences.size() && hints.lower_bound(text.sequences[run.end]) == right &&
             !hints.contains(text.sequences[run.end]))
        ++run.end;
      i = run.end - 1;
      if (run.left != run.right) ways *= static_cast<std::int64_t>(run.end - run.begin) + 1;
      runs.push_back(std::move(run));
      if (ways > kMostBorders) return false;
    }
    for (std::int64_t way = 0; way < ways; ++way) {
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      set_way(text, runs, way);
      if (keep_if_right(index, text.text, levels_)) return true;
    }
    return false;
  }

  static void set_way(BlockText& text, const std::vector<Run>& runs, std::int64_t way) {
    for (const Run& run : runs) {
      const auto lengths = static_cast<std::int64_t>(run.end - run.begin) + 1;
      const auto border = run.begin + static_cast<std::size_t>(run.left == run.right ? 0 : way % lengths);
      if (run.left != run.right) way /= lengths;
      for (std::size_t i = run.begin; i < run.end; ++i) text.set_stamp(i, i < border ? run.left : run.right);
    }
  }

  // No hint is right: a block of one poll has one time, at most one flush before its commit.
  Result<bool> search_one_time(std::size_t index, BlockText& text) {
    const std::int64_t most =
        std::min(kLongestSearchMs,
                 sources_.search_bytes / std::max<std::int64_t>(1, listed_.blocks[index].text_bytes));
    const std::vector<int> first_level(levels_.begin(), levels_.begin() + 1);
    for (std::int64_t back = 0; back <= most; ++back) {
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      const std::string stamp = to_rfc3339(target_.listed->listed_at - milliseconds(back));
      for (std::size_t i = 0; i < text.stamps.size(); ++i) text.set_stamp(i, stamp);
      if (keep_if_right(index, text.text, back == 0 ? levels_ : first_level)) return true;
    }
    return false;
  }

  bool keep_if_right(std::size_t index, const std::string& text, const std::vector<int>& levels) {
    for (const int level : levels) {
      auto compressor = compressors_.try_emplace(level, level).first;
      std::string bytes;
      compressor->second.compress(text, bytes);
      if (sha256_hex(bytes) != listed_.blocks[index].sha256) continue;
      blocks_[index] = std::move(bytes);
      // What was right once is right for the others.
      std::rotate(levels_.begin(), std::find(levels_.begin(), levels_.end(), level),
                  std::find(levels_.begin(), levels_.end(), level) + 1);
      return true;
    }
    return false;
  }

  Result<std::string> assemble() {
    std::string bytes(kGzipHeader);
    std::uint32_t crc = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      CV_ASSIGN(const std::string text, inflate_block(blocks_[i], listed_.blocks[i].text_bytes));
      crc = crc32(crc, text);
      bytes += blocks_[i];
    }
    bytes += kFinalBlock;
    append_little_endian(bytes, crc);
    append_little_endian(bytes, static_cast<std::uint32_t>(listed_.text_bytes));
    if (sha256_hex(bytes) == listed_.sha256) return bytes;
    return cannot("its blocks are whole, but together they are not the bytes that the ledger lists", listed_);
  }

  ObjectStore& store_;
  const RebuildTarget& target_;
  const SegmentFacts& listed_;
  const RebuildSources& sources_;
  std::stop_token stop_;
  RecordBuilder builder_;
  RecordScanner scanner_;
  std::vector<int> levels_;  // of compression, the likeliest first
  std::map<int, BlockCompressor> compressors_;
  std::vector<std::string> blocks_;  // compressed, proven; empty: not made yet
  StampHints around_;                // what the other records of the commit say
  bool read_around_ = false;
};

}  // namespace

Result<RebuiltObject> rebuild_object(ObjectStore& store, const RebuildTarget& target,
                                     const RebuildSources& sources, std::stop_token stop) {
  return Rebuild(store, target, sources, std::move(stop)).run();
}

}  // namespace changevault
