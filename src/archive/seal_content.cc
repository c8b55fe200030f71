#include "archive/seal_content.h"

#include <algorithm>

namespace changevault {
namespace {

void sort_by_key(std::vector<SealedSegment>& segments) {
  std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
}

}  // namespace

void SealContent::add_segment(const SegmentFacts& facts) {
  if (!is_inside(facts.hour)) return;
  SealedCell& cell = cells_[{facts.hour, facts.ns}];
  cell.hour = facts.hour;
  cell.ns = facts.ns;
  cell.digest += facts.counted();
  cell.operations += facts.operations;
  cell.segments.push_back({facts.key, facts.sha256});
}

void SealContent::add_dead_letters(const SegmentFacts& facts) {
  if (!is_inside(facts.hour)) return;
  SealedDeadLetters& letters = dead_letters_[facts.hour];
  letters.hour = facts.hour;
  letters.records += facts.records;
  letters.objects.push_back({facts.key, facts.sha256});
}

std::vector<SealedCell> SealContent::take_cells() {
  std::vector<SealedCell> out;
  for (auto& [place, cell] : cells_) {
    sort_by_key(cell.segments);
    out.push_back(std::move(cell));
  }
  return out;
}

std::vector<SealedDeadLetters> SealContent::take_dead_letters() {
  std::vector<SealedDeadLetters> out;
  for (auto& [hour, letters] : dead_letters_) {
    sort_by_key(letters.objects);
    out.push_back(std::move(letters));
  }
  return out;
}

}  // namespace changevault
