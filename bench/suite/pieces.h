// Work done inside a process: what has no verb of its own, and the libraries that we are measured against. A
// piece runs in a child of the benchmark, so that its CPU time and memory are its own; it reads its input
// first and then measures itself.
#pragma once

#include <string>
#include <vector>

#include "bench/suite/dataset.h"
#include "bench/suite/measure.h"

namespace changevault::bench {

// What a piece found, besides its cost: "records", "rows", …
struct PieceResult {
  Sample sample;
  std::string result;  // JSON
};

// In the child: does the piece, prints its cost and result as JSON; returns the exit code.
int piece_main(const std::vector<std::string>& arguments);

// In the benchmark: runs a piece in a child. Throws Failed. Its peak memory is 0: it holds its input.
PieceResult run_piece(const Bench& bench, std::vector<std::string> arguments);

// The clock of a piece.
class Stopwatch {
 public:
  Stopwatch();
  Sample stop() const;

 private:
  double wall_;
  double cpu_;
};

// Pieces. Each returns its cost and, in `result`, what to check.
//   archive EVENTS FOLDER    events in memory → segments on disk, on one thread
//   isal TEXT                ISA-L level 1 alone over the same text
//   zlib TEXT PERMILLE       zlib level 6 over the first so many thousandths of it
//   count FILE…              records per operation, both cores
PieceResult archive_piece(const std::string& event_file, const std::string& folder);
PieceResult isal_piece(const std::string& text_file);
PieceResult zlib_piece(const std::string& text_file, std::size_t permille);
PieceResult count_piece(const std::vector<std::string>& files);
//   read_json DATABASE FILE…   DuckDB's own insert of the files into the table
//   merge DATABASE FILE…       DuckDB's own MERGE of the files into the table
PieceResult read_json_piece(const std::string& database, const std::vector<std::string>& files);
PieceResult merge_piece(const std::string& database, const std::vector<std::string>& files);

}  // namespace changevault::bench
