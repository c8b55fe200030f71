// A whole file under a name that was free, or nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/object_store.h"

namespace changevault::file {

enum class CreateMethod {
  kUnnamed,  // O_TMPFILE: a kill leaves nothing behind; falls back to kNamed where the file system has no
             // such files
  kNamed,    // a temporary name: a kill may leave a ".changevault-tmp-…" behind, which no listing shows
};

// Writes and syncs the bytes, then links them as `name` into the open folder `folder`, which the caller
// syncs. `object` is for messages. A name that is taken is left alone, whatever it is.
Result<PutOutcome> create_file(int folder, const std::string& name, std::string_view bytes,
                               const std::string& object, CreateMethod method = CreateMethod::kUnnamed);

}  // namespace changevault::file
