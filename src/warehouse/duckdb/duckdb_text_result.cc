// The C API renders only plain types as text. So a result is handed back to DuckDB as the rows of a table
// function, with its own types, and a second query casts the columns: nested values, time zones and types yet
// to come are DuckDB's business.
#include "warehouse/duckdb/duckdb_text_result.h"

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

namespace changevault {
namespace {

Error statement_error(const char* message) {
  const std::string_view text = message == nullptr ? "unknown error" : message;
  return Error(ErrorCode::kUsage, std::string(text.substr(0, text.find('\n'))));
}

class Statements {
 public:
  Statements() = default;
  ~Statements() { duckdb_destroy_extracted(&handle_); }
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  Result<idx_t> parse(duckdb_connection connection, const std::string& text) {
    const idx_t count = duckdb_extract_statements(connection, text.c_str(), &handle_);
    if (count > 0) return count;
    const char* message = duckdb_extract_statements_error(handle_);
    if (message != nullptr) return statement_error(message);
    return Error(ErrorCode::kUsage, "no statement");
  }

  Result<DuckDbRows> run(duckdb_connection connection, idx_t index) {
    struct Prepared {
      duckdb_prepared_statement handle = nullptr;
      ~Prepared() { duckdb_destroy_prepare(&handle); }
    } prepared;
    if (duckdb_prepare_extracted_statement(connection, handle_, index, &prepared.handle) == DuckDBError) {
      return statement_error(duckdb_prepare_error(prepared.handle));
    }
    duckdb_result result;
    const duckdb_state state = duckdb_execute_prepared(prepared.handle, &result);
    DuckDbRows rows(result);
    if (state == DuckDBError) return statement_error(duckdb_result_error(&rows.handle()));
    return rows;
  }

 private:
  duckdb_extracted_statements handle_ = nullptr;
};

// The result that a table function plays back, once. The function stays known to the database until that is
// closed, so what it points to is shared with it, and says when it is over.
struct Playback {
  duckdb_result* result;  // null: over
  duckdb_data_chunk chunk = nullptr;
  ~Playback() {
    if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
  }
};
using SharedPlayback = std::shared_ptr<Playback>;

void delete_shared(void* shared) {
  delete static_cast<SharedPlayback*>(shared);
}

void bind_playback(duckdb_bind_info info) {
  const Playback& playback = **static_cast<SharedPlayback*>(duckdb_bind_get_extra_info(info));
  if (playback.result == nullptr) {
    duckdb_bind_set_error(info, "this result is no longer there");
    return;
  }
  const idx_t columns = duckdb_column_count(playback.result);
  for (idx_t i = 0; i < columns; ++i) {
    duckdb_logical_type type = duckdb_column_logical_type(playback.result, i);
    duckdb_bind_add_result_column(info, ("c" + std::to_string(i)).c_str(), type);
    duckdb_destroy_logical_type(&type);
  }
}

void init_playback(duckdb_init_info info) {
  duckdb_init_set_max_threads(info, 1);
}

void next_chunk(duckdb_function_info info, duckdb_data_chunk output) {
  Playback& playback = **static_cast<SharedPlayback*>(duckdb_function_get_extra_info(info));
  if (playback.chunk != nullptr) duckdb_destroy_data_chunk(&playback.chunk);
  playback.chunk = duckdb_fetch_chunk(*playback.result);
  const idx_t rows = playback.chunk == nullptr ? 0 : duckdb_data_chunk_get_size(playback.chunk);
  for (idx_t i = 0; rows > 0 && i < duckdb_data_chunk_get_column_count(output); ++i) {
    duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(output, i),
                                   duckdb_data_chunk_get_vector(playback.chunk, i));
  }
  duckdb_data_chunk_set_size(output, rows);
}

Result<void> register_playback(DuckDbConnection& connection, const std::string& name,
                               const SharedPlayback& playback) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name.c_str());
  duckdb_table_function_set_extra_info(function, new SharedPlayback(playback), delete_shared);
  duckdb_table_function_set_bind(function, bind_playback);
  duckdb_table_function_set_init(function, init_playback);
  duckdb_table_function_set_function(function, next_chunk);
  const duckdb_state state = duckdb_register_table_function(connection.handle(), function);
  duckdb_destroy_table_function(&function);
  if (state == DuckDBError) return Error(ErrorCode::kInternal, "cannot register a table function", name);
  return {};
}

// Functions live in the database, which other connections share.
std::string unused_function_name() {
  static std::atomic<std::uint64_t> used{0};
  return "cv_result_" + std::to_string(used++);
}

Result<std::vector<std::string>> column_types(DuckDbConnection& connection, const std::string& function) {
  CV_ASSIGN(DuckDbRows rows, connection.query("DESCRIBE SELECT * FROM " + function + "()"));
  std::vector<std::string> out;
  while (rows.next()) out.emplace_back(rows.text(1));
  return out;
}

Result<void> read_rows(DuckDbConnection& connection, const std::string& function, SqlTable& out) {
  CV_ASSIGN(DuckDbRows rows, connection.query("SELECT COLUMNS(*)::VARCHAR FROM " + function + "()"));
  while (rows.next()) {
    std::vector<std::optional<std::string>>& row = out.rows.emplace_back(out.columns.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!rows.is_null(i)) row[i] = rows.text(i);
    }
  }
  return {};
}

Result<SqlTable> to_text(DuckDbConnection& connection, DuckDbRows& result) {
  SqlTable out;
  const duckdb_result_type type = duckdb_result_return_type(result.handle());
  if (type == DUCKDB_RESULT_TYPE_CHANGED_ROWS) out.rows_changed = result.rows_changed();
  if (type != DUCKDB_RESULT_TYPE_QUERY_RESULT) return out;
  for (idx_t i = 0; i < duckdb_column_count(&result.handle()); ++i) {
    out.columns.emplace_back(duckdb_column_name(&result.handle(), i));
  }
  const auto playback = std::make_shared<Playback>(Playback{&result.handle()});
  const std::string function = unused_function_name();
  Result<void> done = register_playback(connection, function, playback);
  if (done) {
    Result<std::vector<std::string>> types = column_types(connection, function);
    if (types) out.types = std::move(*types);
    done = types ? read_rows(connection, function, out) : Result<void>(types.error());
  }
  playback->result = nullptr;
  CV_TRY(std::move(done));
  return out;
}

}  // namespace

Result<SqlTable> run_as_text(DuckDbConnection& connection, const std::string& text) {
  if (text.find('\0') != std::string::npos) return Error(ErrorCode::kUsage, "a statement holds a zero byte");
  Statements statements;
  CV_ASSIGN(const idx_t count, statements.parse(connection.handle(), text));
  for (idx_t i = 0; i + 1 < count; ++i) CV_TRY(statements.run(connection.handle(), i));
  CV_ASSIGN(DuckDbRows last, statements.run(connection.handle(), count - 1));
  return to_text(connection, last);
}

}  // namespace changevault
