#include "warehouse/duckdb/duckdb_bulk_insert.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace changevault {
namespace {

// A chunk is handed over when it is full or its texts are this many: documents may be of any size.
constexpr std::int64_t kChunkBytes = std::int64_t{4} << 20;
// What waits in the queue, beyond one chunk.
constexpr std::int64_t kQueueBytes = std::int64_t{24} << 20;
constexpr idx_t kInsertThreads = 4;
// Rows of a group, which a thread collects before it compresses them.
constexpr std::int64_t kGroupRows = 122'880;

struct Types {
  std::vector<duckdb_logical_type> handles;
  Types() = default;
  Types(const Types&) = delete;
  Types& operator=(const Types&) = delete;
  ~Types() {
    for (duckdb_logical_type& type : handles) duckdb_destroy_logical_type(&type);
  }
};

// One thread of the database, as the queue knows it.
struct Taker {
  std::int64_t rows = 0;  // that it took
};

// A thread of the database does little with a chunk until its group of rows is full, and compresses for a
// long time then. Did they take turns, all would collect at once and compress at once, and whoever makes the
// rows would wait, or be waited for. So the chunks of a group go to one thread, and the next group's to
// another one. Only a queue that is full, and the end of the rows, are everybody's.
//
// Thread-safe: one thread puts, those of the database take.
class ChunkQueue {
 public:
  Types types;

  ~ChunkQueue() {
    for (Item& item : items_) duckdb_destroy_data_chunk(&item.chunk);
  }

  // Takes the chunk over. Waits for room; false where nobody will take it any more.
  bool put(duckdb_data_chunk chunk, std::int64_t bytes) {
    const MutexLock lock(mutex_);
    while (state_ != State::kOver && bytes_ >= kQueueBytes) room_.wait(mutex_);
    items_.push_back({chunk, bytes});  // freed with the queue where it is over
    bytes_ += bytes;
    filled_.notify_all();
    return state_ != State::kOver;
  }

  enum class State {
    kOpen,
    kClosed,  // all chunks are there
    kOver,    // the statement has ended
    kBroken,  // the rows will not all come: the statement has to fail
  };
  void set(State state) {
    const MutexLock lock(mutex_);
    state_ = state;
    room_.notify_all();
    filled_.notify_all();
  }

  // The next chunk, the caller's from then on; null at the end. kBroken: an error.
  std::pair<State, duckdb_data_chunk> take(Taker& taker) {
    const MutexLock lock(mutex_);
    while (state_ == State::kOpen && !may_take(taker)) filled_.wait(mutex_);
    if (state_ == State::kBroken || state_ == State::kOver || items_.empty()) return {state_, nullptr};
    const Item item = items_.front();
    items_.pop_front();
    bytes_ -= item.bytes;
    room_.notify_one();
    count(taker, static_cast<std::int64_t>(duckdb_data_chunk_get_size(item.chunk)));
    return {State::kOpen, item.chunk};
  }

 private:
  struct Item {
    duckdb_data_chunk chunk;
    std::int64_t bytes;
  };

  bool may_take(const Taker& taker) const CV_REQUIRES(mutex_) {
    if (items_.empty()) return false;
    return collecting_ == nullptr || collecting_ == &taker || bytes_ >= kQueueBytes;
  }

  // A group is compressed when the first row behind it comes.
  void count(Taker& taker, std::int64_t rows) CV_REQUIRES(mutex_) {
    const auto group = [&taker] { return (taker.rows + kGroupRows - 1) / kGroupRows; };
    const std::int64_t before = std::max<std::int64_t>(group(), 1);
    taker.rows += rows;
    if (group() == before) {
      if (collecting_ == nullptr) collecting_ = &taker;
    } else if (collecting_ == &taker) {
      collecting_ = nullptr;
      filled_.notify_all();
    }
  }

  Mutex mutex_;
  CondVar room_;
  CondVar filled_;
  std::deque<Item> items_ CV_GUARDED_BY(mutex_);
  std::int64_t bytes_ CV_GUARDED_BY(mutex_) = 0;
  State state_ CV_GUARDED_BY(mutex_) = State::kOpen;
  const Taker* collecting_ CV_GUARDED_BY(mutex_) = nullptr;  // whose group is not full yet
};

// The function stays known to the database until that is closed; it shares the queue, which says when it is
// over.
using SharedQueue = std::shared_ptr<ChunkQueue>;

void delete_shared(void* shared) {
  delete static_cast<SharedQueue*>(shared);
}

void bind_rows(duckdb_bind_info info) {
  const ChunkQueue& queue = **static_cast<SharedQueue*>(duckdb_bind_get_extra_info(info));
  for (std::size_t i = 0; i < queue.types.handles.size(); ++i) {
    duckdb_bind_add_result_column(info, ("c" + std::to_string(i)).c_str(), queue.types.handles[i]);
  }
}

void init_rows(duckdb_init_info info) {
  duckdb_init_set_max_threads(info, kInsertThreads);
}

void init_taker(duckdb_init_info info) {
  duckdb_init_set_init_data(info, new Taker(), [](void* taker) { delete static_cast<Taker*>(taker); });
}

void next_rows(duckdb_function_info info, duckdb_data_chunk output) {
  ChunkQueue& queue = **static_cast<SharedQueue*>(duckdb_function_get_extra_info(info));
  auto [state, chunk] = queue.take(*static_cast<Taker*>(duckdb_function_get_local_init_data(info)));
  if (state == ChunkQueue::State::kBroken)
    duckdb_function_set_error(info, "the rows to insert could not all be read");
  if (chunk == nullptr) {
    duckdb_data_chunk_set_size(output, 0);
    return;
  }
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(output); ++i) {
    duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(output, i),
                                   duckdb_data_chunk_get_vector(chunk, i));
  }
  duckdb_data_chunk_set_size(output, duckdb_data_chunk_get_size(chunk));
  duckdb_destroy_data_chunk(&chunk);
}

// Functions live in the database, which other connections share.
std::string unused_function_name() {
  static std::atomic<std::uint64_t> used{0};
  return "cv_rows_" + std::to_string(used++);
}

Result<void> register_rows(DuckDbConnection& connection, const std::string& name, const SharedQueue& queue) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name.c_str());
  duckdb_table_function_set_extra_info(function, new SharedQueue(queue), delete_shared);
  duckdb_table_function_set_bind(function, bind_rows);
  duckdb_table_function_set_init(function, init_rows);
  duckdb_table_function_set_local_init(function, init_taker);
  duckdb_table_function_set_function(function, next_rows);
  const duckdb_state state = duckdb_register_table_function(connection.handle(), function);
  duckdb_destroy_table_function(&function);
  if (state == DuckDBError) return Error(ErrorCode::kInternal, "cannot register a table function", name);
  return {};
}

// The table's own types: JSON is text by another name, and a cast from one to the other would parse every
// document.
Result<void> read_types(DuckDbConnection& connection, const TableName& table, Types& types) {
  CV_ASSIGN(DuckDbRows none, connection.query("SELECT * FROM " + table.sql() + " LIMIT 0"));
  for (idx_t i = 0; i < duckdb_column_count(&none.handle()); ++i) {
    types.handles.push_back(duckdb_column_logical_type(&none.handle(), i));
  }
  return {};
}

}  // namespace

struct BulkInsert::Statement {
  SharedQueue queue = std::make_shared<ChunkQueue>();
  std::optional<Error> failure;  // written by the thread, read behind its end
  std::thread thread;

  void run(DuckDbConnection& connection, const std::string& text) {
    thread = std::thread([this, &connection, text] {
      const Result<void> done = connection.run(text);
      if (!done) failure = done.error();
      queue->set(ChunkQueue::State::kOver);
    });
  }

  Result<void> end(ChunkQueue::State state) {
    if (thread.joinable()) {
      if (state != ChunkQueue::State::kOver) queue->set(state);
      thread.join();
    }
    if (failure) return *failure;
    return {};
  }
};

Result<BulkInsert> BulkInsert::start(DuckDbConnection& connection, const TableName& table) {
  auto statement = std::make_unique<Statement>();
  CV_TRY(read_types(connection, table, statement->queue->types));
  const std::string function = unused_function_name();
  CV_TRY(register_rows(connection, function, statement->queue));
  statement->run(connection, "INSERT INTO " + table.sql() + " SELECT * FROM " + function + "()");
  return BulkInsert(std::move(statement));
}

BulkInsert::BulkInsert(std::unique_ptr<Statement> statement) : statement_(std::move(statement)) {
  new_chunk();
}

BulkInsert::BulkInsert(BulkInsert&& other) noexcept
    : statement_(std::move(other.statement_)),
      chunk_(std::exchange(other.chunk_, nullptr)),
      vectors_(std::move(other.vectors_)),
      data_(std::move(other.data_)),
      rows_(other.rows_),
      bytes_(other.bytes_) {}

BulkInsert::~BulkInsert() {
  if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  if (statement_ == nullptr) return;
  ignore_error(statement_->end(ChunkQueue::State::kBroken), "the statement was made to fail");
}

void BulkInsert::new_chunk() {
  std::vector<duckdb_logical_type>& types = statement_->queue->types.handles;
  chunk_ = duckdb_create_data_chunk(types.data(), types.size());
  vectors_.resize(types.size());
  data_.resize(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    vectors_[i] = duckdb_data_chunk_get_vector(chunk_, i);
    data_[i] = duckdb_vector_get_data(vectors_[i]);
  }
  rows_ = 0;
  bytes_ = 0;
}

void BulkInsert::set_text(std::size_t column, std::string_view text) {
  duckdb_vector_assign_string_element_len(vectors_[column], rows_, text.data(), text.size());
  bytes_ += static_cast<std::int64_t>(text.size());
}

void BulkInsert::set_integer(std::size_t column, std::int64_t value) {
  static_cast<std::int64_t*>(data_[column])[rows_] = value;
}

void BulkInsert::set_null(std::size_t column) {
  duckdb_vector_ensure_validity_writable(vectors_[column]);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vectors_[column]), rows_);
}

Result<void> BulkInsert::end_row() {
  ++rows_;
  if (rows_ == duckdb_vector_size() || bytes_ >= kChunkBytes) return hand_over();
  return {};
}

Result<void> BulkInsert::hand_over() {
  duckdb_data_chunk_set_size(chunk_, rows_);
  const bool taken = statement_->queue->put(std::exchange(chunk_, nullptr), bytes_);
  new_chunk();
  if (taken) return {};
  CV_TRY(statement_->end(ChunkQueue::State::kOver));
  return Error(ErrorCode::kInternal, "an insert ended before its rows did");
}

Result<void> BulkInsert::close() {
  if (rows_ > 0) CV_TRY(hand_over());
  return statement_->end(ChunkQueue::State::kClosed);
}

}  // namespace changevault
