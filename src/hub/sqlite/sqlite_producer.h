// Appends to the embedded hub.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "hub/hub.h"
#include "hub/sqlite/retention.h"
#include "hub/sqlite/sqlite_database.h"
#include "hub/sqlite/sqlite_log.h"

namespace changevault {

// Has a connection of its own. One append is one transaction: all of its messages or, on an error, none.
// Sequence numbers are given inside it, so they have no holes however many processes append, and a kill takes
// nothing that was acknowledged.
class SqliteProducer final : public Producer {
 public:
  // `clock` outlives the producer.
  static Result<std::unique_ptr<SqliteProducer>> open(std::unique_ptr<SqliteLog> log,
                                                      SqliteRetention retention, Clock& clock);
  Result<void> append(std::vector<Message> messages) override;

 private:
  struct Statements {
    SqliteStatement insert;
    SqliteStatement move_end;
    SqliteStatement mark;
    SqliteStatement set_newest;
  };
  SqliteProducer(std::unique_ptr<SqliteLog> log, Statements statements, SqliteRetention retention,
                 Clock& clock)
      : log_(std::move(log)),
        statements_(std::move(statements)),
        retention_(*log_, retention, clock),
        clock_(clock) {}
  Result<void> append_all(const std::vector<Message>& messages);
  Result<void> insert(PartitionRow& row, Timestamp time, const std::string& payload);

  std::unique_ptr<SqliteLog> log_;
  Statements statements_;
  Retention retention_;
  Clock& clock_;
};

}  // namespace changevault
