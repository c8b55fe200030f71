#include "warehouse/duckdb/duckdb_session.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "base/mutex.h"
#include "base/random.h"
#include "warehouse/duckdb/duckdb_memory.h"

namespace changevault {
namespace {

// One for the program: it is what lets a file be opened twice within the process. Never destroyed, so that
// threads that still run while the program ends find it.
duckdb_instance_cache instance_cache() {
  static duckdb_instance_cache cache = duckdb_create_instance_cache();
  return cache;
}

std::string first_line(const char* message) {
  const std::string text = message == nullptr ? "unknown error" : message;
  return text.substr(0, text.find('\n'));
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

bool contains_any(const std::string& text, std::initializer_list<const char*> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const char* part) { return contains(text, part); });
}

// Also where a commit that could not get its memory is called an error of the transaction.
bool wants_memory(const std::string& message) {
  return contains_any(message, {"Out of Memory", "failed to pin block", "could not allocate block",
                                "failed to allocate", "Failed to allocate", "failed to offload"});
}

// A commit or a checkpoint that ended half way. A race that was lost is none.
bool breaks_database(duckdb_error_type type, const std::string& message) {
  if (type == DUCKDB_ERROR_FATAL) return true;
  if (!contains_any(message, {"Failed to commit", "create checkpoint"})) return false;
  return !contains(message, "onflict") && !contains(message, "onstraint");
}

// Of this process: one database is opened at a time, and each that is open has one health, by its path.
struct OpenDatabases {
  Mutex opening;
  std::map<std::string, std::weak_ptr<DuckDbHealth>> health CV_GUARDED_BY(opening);
};
OpenDatabases& open_databases() {
  static OpenDatabases databases;
  return databases;
}

std::shared_ptr<DuckDbHealth> health_of(OpenDatabases& databases, const std::string& path)
    CV_REQUIRES(databases.opening) {
  std::weak_ptr<DuckDbHealth>& known = databases.health[path];
  std::shared_ptr<DuckDbHealth> health = known.lock();
  if (health == nullptr) known = health = std::make_shared<DuckDbHealth>();
  return health;
}

bool is_held(const std::string& message) {
  return contains(message, "Could not set lock on file");
}

// Waiting is ordinary; a person hears of it when it lasts.
constexpr Duration kSilentWait = seconds(1);

std::string holder_of(const std::string& message) {
  std::string holder = "another process";
  const std::size_t start = message.find("(PID ");
  if (start != std::string::npos) {
    const std::size_t end = message.find_first_not_of("0123456789", start + 5);
    holder += " (pid " + message.substr(start + 5, end - start - 5) + ")";
  }
  return holder;
}

Error held_error(const std::string& path, const std::string& holder) {
  return Error(ErrorCode::kBusy, "the warehouse file is held by " + holder, path,
               "a DuckDB file admits one process: close the other one, or raise the lock timeout", true);
}

Error open_error(const std::string& path, const std::string& message) {
  for (const char* sign : {"not a valid DuckDB database file", "orrupt", "checksum", "WAL file", "erializ"}) {
    if (contains(message, sign)) {
      return Error(
          ErrorCode::kCorrupt, "the warehouse file cannot be read: " + message, path,
          "put the file aside and run `changevault init` and `changevault load`: the archive has it all");
    }
  }
  return Error(
      ErrorCode::kUnreachable, "cannot open the warehouse: " + message, path,
      "this user must be allowed to read and write the file and its folder, and the disk needs room");
}

// A database file that is away or empty while its log still holds something is not an empty database.
Result<void> check_file(const std::string& path, bool create) {
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(path, failed);
  const bool there = !failed;
  const auto log_bytes = std::filesystem::file_size(path + ".wal", failed);
  const bool has_log = !failed && log_bytes > 0;
  if ((!there || bytes == 0) && has_log) {
    return Error(
        ErrorCode::kCorrupt, "the warehouse file is gone or empty, but its write-ahead log is there", path,
        "put the .wal file aside too, then `changevault init` and `changevault load` fill a new warehouse");
  }
  if (!there && !create) {
    return Error(ErrorCode::kNotFound, "no warehouse file", path,
                 "make it with: changevault init (or correct warehouse.url in the configuration); then "
                 "changevault load "
                 "--once brings every row back");
  }
  return {};
}

struct Config {
  duckdb_config handle = nullptr;
  ~Config() { duckdb_destroy_config(&handle); }
};

Result<void> configure(Config& config, const WarehouseOptions& options) {
  const DuckDbMemory memory = memory_of(options);
  const std::pair<const char*, std::string> settings[] = {
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"preserve_insertion_order", "false"},
      // A checkpoint writes what is new and joins no groups of rows: joined groups of long rows may not find
      // room in memory. See join_row_groups.
      {"max_vacuum_tasks", "0"},
      // To find out whether these fit, DuckDB copies every text of a group of rows beside what it counts as
      // its memory; of documents it is the group once more, for nothing.
      {"disabled_compression_methods", "dictionary,dict_fsst"},
      {"memory_limit", std::to_string(memory.limit) + "B"},
      {"threads", std::to_string(memory.threads)},
  };
  if (duckdb_create_config(&config.handle) == DuckDBError) {
    return Error(ErrorCode::kInternal, "duckdb gives no configuration");
  }
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config.handle, name, value.c_str()) == DuckDBError) {
      return Error(ErrorCode::kUsage, "duckdb refuses the setting " + std::string(name) + " = " + value);
    }
  }
  return {};
}

Result<void> bind(duckdb_prepared_statement statement, const DuckDbValues& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto index = static_cast<idx_t>(i + 1);
    const auto* text = std::get_if<std::string>(&values[i]);
    const duckdb_state state = text != nullptr
                                   ? duckdb_bind_varchar_length(statement, index, text->data(), text->size())
                                   : duckdb_bind_int64(statement, index, std::get<std::int64_t>(values[i]));
    if (state == DuckDBError) return Error(ErrorCode::kInternal, "cannot bind a value of a statement");
  }
  return {};
}

}  // namespace

Error duckdb_failure(duckdb_error_type type, const char* message) {
  const std::string text = first_line(message);
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY || wants_memory(text)) {
    return Error(ErrorCode::kUnreachable, "the warehouse is out of memory: " + text, {},
                 "raise warehouse.memory, or lower load.batch_bytes");
  }
  if (breaks_database(type, text)) {
    return Error(ErrorCode::kUnreachable, "the warehouse could not write: " + text, {},
                 "the disk needs room; run the same command again");
  }
  switch (type) {
    case DUCKDB_ERROR_TRANSACTION:
      return Error(ErrorCode::kBusy, "another transaction was first: " + text, {}, {}, true);
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_PERMISSION:
      return Error(ErrorCode::kUnreachable, "the warehouse failed: " + text);
    default:
      return Error(ErrorCode::kUsage, text);
  }
}

Patience::Patience(Clock& clock, const WarehouseOptions& options)
    : clock_(clock),
      options_(&options),
      begin_(clock.steady()),
      deadline_{begin_.ms + options.lock_timeout.ms} {}

bool Patience::wait(const std::string& holder) {
  const std::int64_t now = clock_.steady().ms;
  const std::int64_t left = deadline_.ms - now;
  if (left <= 0) return false;
  if (!told_ && now - begin_.ms >= kSilentWait.ms && options_->on_wait) {
    told_ = true;
    options_->on_wait("waiting for the warehouse, held by " + holder + "; for " +
                      to_string(seconds(left / 1000 + 1)) + " at most");
  }
  const auto jitter =
      static_cast<std::int64_t>(system_random().next() % static_cast<std::uint64_t>(step_ms_));
  const bool go_on = clock_.sleep(milliseconds(std::min(left, step_ms_ + jitter)), options_->stop);
  step_ms_ = std::min<std::int64_t>(step_ms_ * 2, 100);
  return go_on;
}

Error Patience::given_up(Error busy) const {
  if (!options_->stop.stop_requested()) return busy;
  return Error(ErrorCode::kCancelled, "stopped while waiting: " + busy.message, busy.object);
}

DuckDbRows::DuckDbRows(duckdb_result result) : result_(result) {}

DuckDbRows::DuckDbRows(DuckDbRows&& other) noexcept
    : result_(std::exchange(other.result_, duckdb_result{})),
      chunk_(std::exchange(other.chunk_, nullptr)),
      row_(other.row_),
      rows_(std::exchange(other.rows_, 0)) {}

DuckDbRows::~DuckDbRows() {
  if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  if (result_.internal_data != nullptr) duckdb_destroy_result(&result_);
}

bool DuckDbRows::next() {
  if (++row_ < rows_) return true;
  if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  chunk_ = duckdb_fetch_chunk(result_);
  row_ = 0;
  rows_ = chunk_ == nullptr ? 0 : duckdb_data_chunk_get_size(chunk_);
  return rows_ > 0;
}

bool DuckDbRows::is_null(std::size_t column) const {
  uint64_t* validity = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(chunk_, column));
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row_);
}

const void* DuckDbRows::data(std::size_t column) const {
  return duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk_, column));
}

std::int64_t DuckDbRows::integer(std::size_t column) const {
  return is_null(column) ? 0 : static_cast<const std::int64_t*>(data(column))[row_];
}

std::uint64_t DuckDbRows::natural(std::size_t column) const {
  return is_null(column) ? 0 : static_cast<const std::uint64_t*>(data(column))[row_];
}

std::string_view DuckDbRows::text(std::size_t column) const {
  if (is_null(column)) return {};
  // The C API takes a mutable pointer though it only reads: short texts stand inside the element itself.
  auto* elements = static_cast<duckdb_string_t*>(const_cast<void*>(data(column)));
  return {duckdb_string_t_data(&elements[row_]), duckdb_string_t_length(elements[row_])};
}

std::int64_t DuckDbRows::rows_changed() {
  return static_cast<std::int64_t>(duckdb_rows_changed(&result_));
}

DuckDbConnection::~DuckDbConnection() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
}

Result<DuckDbRows> DuckDbConnection::query(const std::string& statement, const DuckDbValues& values) {
  struct Prepared {
    duckdb_prepared_statement handle = nullptr;
    ~Prepared() { duckdb_destroy_prepare(&handle); }
  } prepared;
  if (health_->broken) {
    return Error(ErrorCode::kUnreachable, "the warehouse is closed after a failure and opened anew", {},
                 "run the same command again", true);
  }
  if (duckdb_prepare(connection_, statement.c_str(), &prepared.handle) == DuckDBError) {
    return duckdb_failure(DUCKDB_ERROR_INVALID, duckdb_prepare_error(prepared.handle));
  }
  CV_TRY(bind(prepared.handle, values));
  duckdb_result result;
  const duckdb_state state = duckdb_execute_prepared(prepared.handle, &result);
  DuckDbRows rows(result);
  if (state == DuckDBError) {
    return failed(duckdb_result_error_type(&rows.handle()), duckdb_result_error(&rows.handle()));
  }
  return rows;
}

Error DuckDbConnection::failed(duckdb_error_type type, const char* message) {
  if (breaks_database(type, first_line(message))) give_up_database();
  return duckdb_failure(type, message);
}

// Nothing that it holds in memory is to reach the file any more.
void DuckDbConnection::give_up_database() {
  health_->broken = true;
  for (const char* statement :
       {"PRAGMA disable_checkpoint_on_shutdown", "SET GLOBAL wal_autocheckpoint = '1PB'"})
    duckdb_query(connection_, statement, nullptr);
}

Result<void> DuckDbConnection::run(const std::string& statement, const DuckDbValues& values) {
  CV_TRY(query(statement, values));
  return {};
}

Result<std::int64_t> DuckDbConnection::count(const std::string& statement, const DuckDbValues& values) {
  CV_ASSIGN(DuckDbRows rows, query(statement, values));
  return rows.next() ? rows.integer(0) : 0;
}

Result<DuckDbTransaction> DuckDbTransaction::begin(DuckDbConnection& connection) {
  CV_TRY(connection.run("BEGIN TRANSACTION"));
  return DuckDbTransaction(connection);
}

DuckDbTransaction::~DuckDbTransaction() {
  if (connection_ == nullptr) return;
  ignore_error(connection_->run("ROLLBACK"),
               "a transaction that cannot be rolled back ends with its connection");
}

Result<void> DuckDbTransaction::commit() {
  DuckDbConnection* connection = std::exchange(connection_, nullptr);
  return connection->run("COMMIT");
}

Result<DuckDbSession> DuckDbSession::open(const std::string& path, const WarehouseOptions& options,
                                          bool create, Patience& patience) {
  Config config;
  CV_TRY(configure(config, options));
  while (true) {
    CV_TRY(check_file(path, create));
    OpenDatabases& databases = open_databases();
    MutexLock lock(databases.opening);
    const std::shared_ptr<DuckDbHealth> health = health_of(databases, path);
    if (health->broken) {
      lock.unlock();
      const std::string self = "this process, which closes it after a failure";
      if (!patience.wait(self)) return patience.given_up(held_error(path, self));
      continue;
    }
    duckdb_database database = nullptr;
    char* raw_message = nullptr;
    if (duckdb_get_or_create_from_cache(instance_cache(), path.c_str(), &database, config.handle,
                                        &raw_message) == DuckDBSuccess) {
      return DuckDbSession(database, health);
    }
    lock.unlock();
    const std::string message = raw_message == nullptr ? "unknown error" : raw_message;
    duckdb_free(raw_message);
    if (!is_held(message)) return open_error(path, first_line(message.c_str()));
    const std::string holder = holder_of(message);
    if (!patience.wait(holder)) return patience.given_up(held_error(path, holder));
  }
}

DuckDbSession::~DuckDbSession() {
  if (database_ != nullptr) duckdb_close(&database_);  // before the health, by which others know it is open
}

Result<DuckDbConnection> DuckDbSession::connect() {
  duckdb_connection handle = nullptr;
  if (duckdb_connect(database_, &handle) == DuckDBError) {
    return Error(ErrorCode::kUnreachable, "the warehouse refuses a connection");
  }
  DuckDbConnection connection(handle, health_);
  CV_TRY(connection.run("SET TimeZone = 'UTC'"));
  return connection;
}

}  // namespace changevault
