// The fields of a record (docs/formats/record.md), as a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace changevault {

enum class RecordFieldKind : std::uint8_t { kText, kTime, kInteger, kDocument };

struct RecordField {
  std::string_view name;
  RecordFieldKind kind;
};

constexpr std::size_t kRecordFieldCount = 14;

// In the order of our own records.
inline constexpr std::array<RecordField, kRecordFieldCount> kRecordFields{{
    {"event_id", RecordFieldKind::kText},
    {"processed_timestamp", RecordFieldKind::kTime},
    {"partition_id", RecordFieldKind::kText},
    {"offset", RecordFieldKind::kText},
    {"sequence_number", RecordFieldKind::kInteger},
    {"enqueued_time", RecordFieldKind::kTime},
    {"operation_type", RecordFieldKind::kText},
    {"database_name", RecordFieldKind::kText},
    {"collection_name", RecordFieldKind::kText},
    {"document_key", RecordFieldKind::kDocument},
    {"full_document", RecordFieldKind::kDocument},
    {"update_description", RecordFieldKind::kDocument},
    {"cluster_time", RecordFieldKind::kDocument},
    {"raw_event", RecordFieldKind::kDocument},
}};

// The index of the field of that name.
constexpr std::optional<std::size_t> find_record_field(std::string_view name) {
  for (std::size_t i = 0; i < kRecordFieldCount; ++i) {
    if (kRecordFields[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace changevault
