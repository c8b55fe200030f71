// The data that the works share: one hour of one busy collection, published, archived and loaded by the real
// program, made once and kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/suite/measure.h"

namespace changevault::bench {

// What every work gets. Paths are absolute.
struct Bench {
  std::filesystem::path program;  // the changevault that is measured
  std::filesystem::path self;     // this benchmark: pieces of work run in children of it
  std::filesystem::path folder;   // everything that is written is below it
  std::int64_t events = 0;
};

inline const std::string kDatabase = "inventory_db";
inline const std::string kCollection = "products";
inline const std::string kDate = "2025/01/15";
inline const std::string kHour = "14";

class Dataset {
 public:
  // Makes what is not there yet; throws Failed.
  Dataset(const Bench& bench, std::int64_t events);

  std::int64_t events() const { return events_; }
  const std::filesystem::path& program() const { return bench_.program; }
  const std::filesystem::path& vault() const { return vault_; }  // folder with changevault.toml
  std::filesystem::path event_file() const { return folder_ / "events.jsonl"; }
  std::filesystem::path record_file() const { return folder_ / "records.jsonl"; }
  // Warehouses to start from: without rows; with all rows; with 99 of 100.
  std::filesystem::path empty_warehouse() const { return folder_ / "empty.duckdb"; }
  std::filesystem::path full_warehouse() const { return folder_ / "full.duckdb"; }
  std::filesystem::path holed_warehouse() const { return folder_ / "holed.duckdb"; }
  std::vector<std::filesystem::path> segments() const;  // ordered by name
  std::int64_t holes() const;                           // rows that the holed warehouse lacks
  double event_megabytes() const;
  double text_megabytes() const;

  // A fresh copy of one of the warehouses, in place of the vault's own, or at a path.
  void put_warehouse(const std::filesystem::path& from) const;
  static void copy_warehouse(const std::filesystem::path& from, const std::filesystem::path& to);

  // The program's verb in the vault; throws Failed unless it ends with `exit_code`.
  Finished verb(std::vector<std::string> arguments, int exit_code = 0) const;
  // The first number that a statement on the vault's warehouse gives.
  std::int64_t number(const std::string& statement) const;

 private:
  void make() const;
  const Bench& bench_;
  std::int64_t events_;
  std::filesystem::path folder_;
  std::filesystem::path vault_;
};

}  // namespace changevault::bench
