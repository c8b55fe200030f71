// Objects that people put into the store, beside the archive.
#pragma once

#include <string>

#include "base/result.h"
#include "store/key_layout.h"

namespace changevault {

// The folder that is proposed for them.
inline constexpr const char* kBesideFolder = "recovery/";

// kUsage where nobody but the archiver may write (under store.root), and for names that are no object's.
// Whoever loads them names them to shells, terminals and a warehouse's stage, so they are made of letters,
// digits and -._=+@,% alone.
Result<void> check_key_beside(const KeyLayout& layout, const std::string& key);

// "recovery/products.jsonl" of a local file's path. kUsage where its name cannot be an object's.
Result<std::string> key_for_file(const KeyLayout& layout, const std::string& path);

}  // namespace changevault
