// Names and statements of the DuckDB warehouse (docs/formats/warehouse.md).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace changevault {

struct Column {
  const char* name;
  const char* type;
};

// The columns of a record, in the table's order.
inline constexpr std::array<Column, 14> kRecordColumns = {{
    {"event_id", "VARCHAR"},
    {"processed_timestamp", "TIMESTAMP"},
    {"partition_id", "VARCHAR"},
    {"offset", "VARCHAR"},
    {"sequence_number", "BIGINT"},
    {"enqueued_time", "TIMESTAMP"},
    {"operation_type", "VARCHAR"},
    {"database_name", "VARCHAR"},
    {"collection_name", "VARCHAR"},
    {"document_key", "JSON"},
    {"full_document", "JSON"},
    {"update_description", "JSON"},
    {"cluster_time", "JSON"},
    {"raw_event", "JSON"},
}};
inline constexpr const char* kIngestedAt = "_snowflake_ingested_at";
inline constexpr const char* kIngestedAtAlias = "_ingested_at";
// The last column of a side table: the segment that a row came from.
inline constexpr const char* kSegmentKey = "segment_key";

struct TableName {
  std::string catalog;  // empty: the database file
  std::string schema;
  std::string name;
  bool operator==(const TableName&) const = default;
  // Quoted, for statements.
  std::string sql() const;
  // Another table in the same schema.
  TableName beside(const std::string& other) const { return {catalog, schema, other}; }
};

// "events", "lake.events", "\"odd.name\""; kUsage for anything else.
Result<TableName> parse_table_name(std::string_view text);

// "…" with quotes doubled.
std::string quote_identifier(std::string_view name);
// '…' with quotes doubled.
std::string quote_text(std::string_view text);

// "event_id", "processed_timestamp", …: quoted, joined by ", ", each after `prefix`.
std::string record_column_list(const std::string& prefix = {});

// CREATE statements. A side table is made anew.
std::string create_table_sql(const TableName& table);
std::string create_stage_sql(const TableName& stage);
std::string create_loads_sql(const TableName& loads);
std::string create_lock_sql(const TableName& lock);

}  // namespace changevault
