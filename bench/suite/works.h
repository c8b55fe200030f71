// The benchmarks, one function each. `dataset` and `bench` outlive what is returned.
#pragma once

#include <vector>

#include "bench/suite/dataset.h"
#include "bench/suite/work.h"

namespace changevault::bench {

Work archive_work(const Bench& bench, const Dataset& dataset);
Work publish_work(const Bench& bench, const Dataset& dataset);
Work verify_work(const Bench& bench, const Dataset& dataset);
Work count_work(const Bench& bench, const Dataset& dataset);
std::vector<Work> filter_works(const Bench& bench, const Dataset& dataset);
Work load_work(const Bench& bench, const Dataset& dataset);
Work recover_absent_work(const Bench& bench, const Dataset& dataset);
Work recover_present_work(const Bench& bench, const Dataset& dataset);
Work gaps_work(const Bench& bench);
// Peak memory of archive, load, recover, verify and get, over the data and over a quarter of it.
std::vector<Work> memory_works(const Dataset& small, const Dataset& large);

// Against Azurite, beside curl and rclone. Throws Failed where one of them is not installed.
std::vector<Work> azure_works(const Bench& bench);

// On a real Kafka, beside kcat. Throws Failed where they are not installed.
Work kafka_work(const Bench& bench, const Dataset& dataset);

}  // namespace changevault::bench
