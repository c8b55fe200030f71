#include "warehouse/duckdb/duckdb_rows.h"

#include <array>
#include <utility>

namespace changevault {
namespace {

// Columns of kRecordColumns: document_key to raw_event.
constexpr std::size_t kFirstDocument = 9;
constexpr std::size_t kLastDocument = 13;

constexpr std::int64_t to_micros(Timestamp time) {
  return time.ms * 1000;
}

}  // namespace

Result<RecordInsert> RecordInsert::open(DuckDbConnection& connection, const TableName& table) {
  CV_ASSIGN(BulkInsert rows, BulkInsert::start(connection, table));
  return RecordInsert(std::move(rows));
}

void RecordInsert::set_optional(std::size_t column, const std::optional<std::string_view>& text) {
  text ? rows_.set_text(column, *text) : rows_.set_null(column);
}

// Columns in the order of kRecordColumns.
void RecordInsert::set_facts(const RecordView& record) {
  record.event_id.empty() ? rows_.set_null(0) : rows_.set_text(0, record.event_id);
  record.processed_timestamp ? rows_.set_integer(1, to_micros(*record.processed_timestamp))
                             : rows_.set_null(1);
  set_optional(2, record.partition_id);
  set_optional(3, record.offset);
  record.sequence_number ? rows_.set_integer(4, *record.sequence_number) : rows_.set_null(4);
  rows_.set_integer(5, to_micros(record.enqueued_time));
  rows_.set_text(6, record.operation_type);
  set_optional(7, record.database_name);
  set_optional(8, record.collection_name);
}

void RecordInsert::set_documents(const RecordView& record) {
  set_optional(9, record.document_key);
  set_optional(10, record.full_document);
  set_optional(11, record.update_description);
  set_optional(12, record.cluster_time);
  rows_.set_text(13, record.raw_event);
}

Result<void> RecordInsert::append(const RecordView& record, Timestamp ingested) {
  set_facts(record);
  set_documents(record);
  rows_.set_integer(14, to_micros(ingested));
  return rows_.end_row();
}

Result<void> RecordInsert::append(const RecordView& record, const std::string& segment_key,
                                  StageContent content) {
  set_facts(record);
  if (content == StageContent::kWhole) {
    set_documents(record);
  } else {
    for (std::size_t column = kFirstDocument; column <= kLastDocument; ++column) rows_.set_null(column);
  }
  rows_.set_text(14, segment_key);
  return rows_.end_row();
}

Result<IdTable> IdTable::open(DuckDbConnection& connection) {
  CV_TRY(connection.run("CREATE OR REPLACE TEMPORARY TABLE cv_ids (id VARCHAR, tag BIGINT)"));
  duckdb_appender appender = nullptr;
  const duckdb_state state =
      duckdb_appender_create_ext(connection.handle(), "temp", "main", "cv_ids", &appender);
  IdTable table(appender);
  CV_TRY(table.check(state));
  return table;
}

Result<void> IdTable::fill(DuckDbConnection& connection, const std::vector<std::string>& ids) {
  CV_ASSIGN(IdTable table, open(connection));
  for (const std::string& id : ids) CV_TRY(table.add(id));
  return table.close();
}

Result<void> IdTable::fill(DuckDbConnection& connection, std::span<const std::vector<std::string>> groups) {
  CV_ASSIGN(IdTable table, open(connection));
  for (std::size_t tag = 0; tag < groups.size(); ++tag) {
    for (const std::string& id : groups[tag]) CV_TRY(table.add(id, static_cast<std::int64_t>(tag)));
  }
  return table.close();
}

IdTable::IdTable(duckdb_appender appender) : appender_(appender) {
  std::array<duckdb_logical_type, 2> types{duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR),
                                           duckdb_create_logical_type(DUCKDB_TYPE_BIGINT)};
  chunk_ = duckdb_create_data_chunk(types.data(), types.size());
  for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
}

IdTable::IdTable(IdTable&& other) noexcept
    : appender_(std::exchange(other.appender_, nullptr)),
      chunk_(std::exchange(other.chunk_, nullptr)),
      rows_(other.rows_) {}

IdTable::~IdTable() {
  if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  if (appender_ != nullptr) duckdb_appender_destroy(&appender_);
}

Result<void> IdTable::add(std::string_view id, std::int64_t tag) {
  duckdb_vector_assign_string_element_len(duckdb_data_chunk_get_vector(chunk_, 0), rows_, id.data(),
                                          id.size());
  static_cast<std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk_, 1)))[rows_] = tag;
  ++rows_;
  return rows_ == duckdb_vector_size() ? hand_over() : Result<void>();
}

Result<void> IdTable::hand_over() {
  duckdb_data_chunk_set_size(chunk_, rows_);
  CV_TRY(check(duckdb_append_data_chunk(appender_, chunk_)));
  duckdb_data_chunk_reset(chunk_);
  rows_ = 0;
  return {};
}

Result<void> IdTable::close() {
  CV_TRY(hand_over());
  return check(duckdb_appender_close(appender_));
}

Result<void> IdTable::check(duckdb_state state) {
  if (state == DuckDBSuccess) return {};
  duckdb_error_data error = duckdb_appender_error_data(appender_);
  Error failure = duckdb_failure(duckdb_error_data_error_type(error), duckdb_error_data_message(error));
  duckdb_destroy_error_data(&error);
  return failure;
}

}  // namespace changevault
