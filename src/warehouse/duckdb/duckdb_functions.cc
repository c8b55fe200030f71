#include "warehouse/duckdb/duckdb_functions.h"

#include <algorithm>
#include <string_view>

#include "model/event_id.h"

namespace changevault {
namespace {

std::uint64_t digest_bits(std::string_view event_id) {
  return EventId::of_text(event_id).high;
}

// Of the two texts that EventId::of_text takes for one, the one that we never write.
bool has_capital_digits(std::string_view event_id) {
  return event_id.size() == 32 &&
         std::any_of(event_id.begin(), event_id.end(), [](char c) { return c >= 'A' && c <= 'F'; });
}

std::uint64_t exact_bits(std::string_view event_id) {
  const std::uint64_t bits = digest_bits(event_id);
  return has_capital_digits(event_id) ? ~bits : bits;
}

// The length of what is hashed instead keeps it from reading digits.
duckdb_uhugeint identity(std::string_view event_id) {
  const EventId id = has_capital_digits(event_id) ? EventId::of_text(std::string(event_id) + '\0')
                                                  : EventId::of_text(event_id);
  return {.lower = id.low, .upper = id.high};
}

template <typename Value, Value (*function)(std::string_view)>
void apply(duckdb_function_info, duckdb_data_chunk input, duckdb_vector output) {
  const duckdb_vector argument = duckdb_data_chunk_get_vector(input, 0);
  auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(argument));
  uint64_t* valid = duckdb_vector_get_validity(argument);
  auto* values = static_cast<Value*>(duckdb_vector_get_data(output));
  const idx_t rows = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < rows; ++row) {
    if (valid != nullptr && !duckdb_validity_row_is_valid(valid, row)) {
      duckdb_vector_ensure_validity_writable(output);
      duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), row);
      continue;
    }
    values[row] = function({duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])});
  }
}

Result<void> register_function(DuckDbConnection& connection, const char* name, duckdb_type returned,
                               duckdb_scalar_function_t code) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_logical_type result = duckdb_create_logical_type(returned);
  duckdb_scalar_function_set_name(function, name);
  duckdb_scalar_function_add_parameter(function, varchar);
  duckdb_scalar_function_set_return_type(function, result);
  duckdb_scalar_function_set_function(function, code);
  const duckdb_state state = duckdb_register_scalar_function(connection.handle(), function);
  duckdb_destroy_logical_type(&varchar);
  duckdb_destroy_logical_type(&result);
  duckdb_destroy_scalar_function(&function);
  if (state == DuckDBError) return Error(ErrorCode::kBusy, "cannot register a function", name, {}, true);
  return {};
}

}  // namespace

Result<void> register_functions(DuckDbConnection& connection) {
  // All or none: a rival that registers them at the same time makes our attempt fail, and the next look
  // finds them.
  const char* present =
      "SELECT count(DISTINCT function_name) FROM duckdb_functions() "
      "WHERE function_name IN ('cv_digest_bits', 'cv_exact_bits', 'cv_identity')";
  CV_ASSIGN(const std::int64_t found, connection.count(present));
  if (found == 3) return {};
  CV_TRY(register_function(connection, "cv_digest_bits", DUCKDB_TYPE_UBIGINT,
                           apply<std::uint64_t, digest_bits>));
  CV_TRY(
      register_function(connection, "cv_exact_bits", DUCKDB_TYPE_UBIGINT, apply<std::uint64_t, exact_bits>));
  return register_function(connection, "cv_identity", DUCKDB_TYPE_UHUGEINT, apply<duckdb_uhugeint, identity>);
}

}  // namespace changevault
