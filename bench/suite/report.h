// Results as a table for people, as JSON to keep, and two of them side by side.
#pragma once

#include <string>
#include <vector>

#include "bench/suite/work.h"

namespace changevault::bench {

std::string table_of(const std::vector<WorkResult>& results);
// {"works":[{"id","title","unit","contenders":[{"name","wall","cpu","peak","amount","runs"}],
//   "goals":[{"kind","peer","wanted","reached","met"}]}]}
std::string json_of(const std::vector<WorkResult>& results);

// Two JSON documents of `json_of`: for each work of both how much faster and smaller `changed` is than
// `base`. Each is held against the peers of its own run too, which shows what was weather. Throws Failed.
std::string comparison_of(const std::string& base, const std::string& changed);

}  // namespace changevault::bench
