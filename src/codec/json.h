// JSON documents of our own: ledger, plans, answers. What documents of people hold goes another way
// (codec/json_reader.h).
#pragma once

#include <nlohmann/json.hpp>

#include "codec/json_fwd.h"  // IWYU pragma: export
