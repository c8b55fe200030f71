// The name of a JSON document, for headers: what it can do (codec/json.h) costs each file that includes it a
// second to compile.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace changevault {

// Fields keep the order in which they were written.
using Json = nlohmann::ordered_json;

}  // namespace changevault
