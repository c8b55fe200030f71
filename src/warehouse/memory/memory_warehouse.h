// A warehouse in memory, for tests of what stands above: the same answers as a real one, except for `sql`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Calls take turns. Nothing of a failed call is kept.
class MemoryWarehouse final : public Warehouse {
 public:
  // A row that owns its texts; an empty event_id is NULL.
  struct Row {
    std::string event_id;
    std::optional<Timestamp> processed_timestamp;
    std::optional<std::string> partition_id, offset;
    std::optional<std::int64_t> sequence_number;
    Timestamp enqueued_time{};  // TimeRange's open ends stand for infinite ones
    std::string operation_type;
    std::optional<std::string> database_name, collection_name;
    std::optional<std::string> document_key, full_document, update_description, cluster_time;
    std::string raw_event;
    std::string segment_key;  // in a side table
    Timestamp ingested{};     // in the table
  };

  explicit MemoryWarehouse(Clock& clock) : clock_(clock) {}

  Result<void> prepare() override;
  Result<std::vector<LoadedSegment>> load(std::span<const SegmentRef> segments, RecordFeed& feed) override;
  Result<std::map<std::string, std::string>> live_loads() override;
  Result<std::vector<LoadRecord>> load_records() override;
  Result<std::set<std::string>> loaded_among(const std::vector<std::string>& segments) override;
  Result<std::vector<LoadedSlot>> loaded_slots() override;
  Result<LoadMark> load_mark() override;
  Result<std::vector<WarehouseCell>> cells(const Scope& scope) override;
  Result<std::vector<OutsideRows>> outside(const Scope& scope, const TimeRange& hours) override;
  Result<std::vector<IdComparison>> compare(std::span<const CellIds> cells) override;
  Result<std::int64_t> count_present(const std::vector<std::string>& ids) override;
  Result<std::vector<std::int64_t>> count_present_of(
      std::span<const std::vector<std::string>> groups) override;
  Result<void> stage(const std::string& id, std::span<const SegmentRef> segments, RecordFeed& feed,
                     StageContent content) override;
  Result<StageFacts> stage_facts(const std::string& id) override;
  Result<MergeOutcome> merge(const std::string& id, std::span<const SegmentRef> segments,
                             RecordFeed& feed) override;
  Result<std::optional<MergeOutcome>> merged(const std::string& id) override;
  Result<Recheck> recheck(const std::string& id) override;
  Result<void> drop_stage(const std::string& id) override;
  Result<std::vector<std::string>> stages() override;
  Result<DuplicateFacts> duplicates(const Scope& scope, std::size_t examples) override;
  Result<void> stage_duplicates(const std::string& id, const Scope& scope,
                                std::int64_t rows_of_part) override;
  Result<DuplicateStage> duplicate_stage(const std::string& id) override;
  Result<std::int64_t> remove_duplicates(const std::string& id, std::int64_t part) override;
  Result<SqlTable> sql(const std::string& statement) override;
  std::string url() const override { return "memory:"; }

  // What a test looks at, and breaks: rows that are lost, doubled, strange.
  std::vector<Row> rows() const;
  void set_rows(std::vector<Row> rows);
  // The table and its load ledger as if they had never been: somebody deleted the warehouse and made it anew.
  void make_anew();

 private:
  IdComparison compare(Hour hour, const Namespace& ns, const std::vector<std::string>& ids) const
      CV_REQUIRES(mutex_);
  Result<void> require_table() const CV_REQUIRES(mutex_);
  Result<const std::vector<Row>*> find_stage(const std::string& id) const CV_REQUIRES(mutex_);
  std::optional<MergeOutcome> find_merge(const std::string& id) const CV_REQUIRES(mutex_);
  Result<std::vector<Row>> read_again(std::span<const SegmentRef> segments, RecordFeed& feed,
                                      std::vector<Row> chosen) const;
  // Of a side table of duplicates.
  struct Doubled {
    std::string event_id;
    std::vector<Row> rows;  // as they were then
    std::int64_t part = 0;
    bool removed = false;
  };
  // Rows of each event_id that stands more than once and has a row in the scope, in the table's order.
  std::map<std::string, std::vector<Row>> doubled_rows(const Scope& scope) const CV_REQUIRES(mutex_);
  Result<std::vector<Doubled>*> find_doubled(const std::string& id) CV_REQUIRES(mutex_);
  // Rows of the table by event_id; those without one are left out.
  std::map<std::string, std::int64_t> count_ids() const CV_REQUIRES(mutex_);

  Clock& clock_;
  mutable Mutex mutex_;
  bool prepared_ CV_GUARDED_BY(mutex_) = false;
  std::vector<Row> rows_ CV_GUARDED_BY(mutex_);
  std::vector<LoadRecord> loads_ CV_GUARDED_BY(mutex_);
  std::int64_t insertions_ CV_GUARDED_BY(mutex_) = 0;  // as the lock row of a real one counts them
  std::map<std::string, std::vector<Row>> stages_ CV_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<Doubled>> doubled_ CV_GUARDED_BY(mutex_);
};

}  // namespace changevault
