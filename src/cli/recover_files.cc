#include "cli/recover_files.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "cli/recovery_report.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "codec/json.h"
#include "recovery/file_plan.h"
#include "store/store_with_files.h"

namespace changevault {
namespace {

Error unknown(const std::string& name) {
  return Error(ErrorCode::kUsage, "neither a file of this machine nor an object of the store begins so", name,
               "name a file, or a KEY as put and export --to-store say it");
}

// What stands below the archive's root is the ledger's to say.
Result<void> must_be_beside(const KeyLayout& layout, const std::string& key) {
  const std::string prefix = layout.archive_prefix();
  if (!prefix.empty() && !key.starts_with(prefix)) return {};
  return Error(ErrorCode::kUsage, "this belongs to the archive", key,
               "recover it by its scope, without --from-files; or name a longer prefix");
}

Result<void> add_objects(ObjectStore& store, const KeyLayout& layout, const std::string& name,
                         std::vector<std::string>& keys) {
  if (name.empty()) return unknown(name);
  const std::size_t before = keys.size();
  const Result<ObjectInfo> exact = name.ends_with('/')
                                       ? Result<ObjectInfo>(Error(ErrorCode::kNotFound, "a folder", name))
                                       : store.head(name);
  if (exact) {
    keys.push_back(name);
  } else if (exact.error().code == ErrorCode::kNotFound) {
    CV_TRY(for_each_object(store, name, [&](const ObjectInfo& object) -> Result<void> {
      CV_TRY(must_be_beside(layout, object.key));
      keys.push_back(object.key);
      return {};
    }));
  } else {
    return exact.error();
  }
  if (keys.size() == before) return unknown(name);
  return must_be_beside(layout, keys.back());
}

// Each once, in the order in which they are named.
Result<std::vector<std::string>> keys_of(ObjectStore& store, const KeyLayout& layout,
                                         const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  for (const std::string& name : names) {
    std::error_code failed;
    const auto kind = std::filesystem::status(name, failed);
    if (std::filesystem::is_directory(kind)) {
      return Error(ErrorCode::kUsage, "this is a folder", name,
                   "name its files, for example " + name + "/*.gz");
    }
    if (std::filesystem::exists(kind)) {
      keys.push_back(local_file_key(name));
    } else {
      CV_TRY(add_objects(store, layout, name, keys));
    }
  }
  std::set<std::string> seen;
  std::erase_if(keys, [&](const std::string& key) { return !seen.insert(key).second; });
  return keys;
}

// The segments that may hold the same events. `kept` holds the ledger that they are of.
Result<std::vector<const ListedSegment*>> segments_of(Context& context, const std::vector<PlannedCell>& cells,
                                                      std::shared_ptr<const Catalog>& kept) {
  const Scope scope = scope_around(cells);
  Result<Context::FoundCatalog> found = context.catalog_of(scope);
  if (!found && found.error().code == ErrorCode::kIndeterminate) return std::vector<const ListedSegment*>();
  if (!found) return found.error();
  kept = std::make_shared<const Catalog>(std::move(found->catalog));
  std::set<std::pair<Hour, Namespace>> asked;
  for (const PlannedCell& cell : cells) asked.emplace(cell.hour, cell.ns);
  std::vector<const ListedSegment*> segments = kept->select(scope);
  // A folder of another program may go by another clock: of those none is left out.
  if (!found->without_ledger) {
    std::erase_if(segments, [&](const ListedSegment* segment) {
      bool wanted = false;
      for_each_place(*segment, [&](Hour hour, const Namespace& ns, const Digest&) {
        wanted = wanted || asked.contains({hour, ns});
      });
      return !wanted;
    });
  }
  return segments;
}

}  // namespace

Result<int> recover_files(Context& context, const Scope& scope, const FilesWanted& wanted,
                          const RecoverFlags& flags) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  FilePlanRequest request;
  CV_ASSIGN(request.keys, keys_of(*store, context.parts.layout(), wanted.names));
  request.scope = scope;
  request.source_id = context.configuration.source.id;
  request.accept_changed = wanted.accept_changed;
  request.now = context.parts.clock().now();
  request.id = make_recovery_id(request.now, context.parts.random());
  request.actor = actor_of(context);
  request.stop = context.stop;
  StoreWithFiles files(*store);
  std::shared_ptr<const Catalog> kept;
  Progress progress(context.out, context.parts.clock());
  Result<RecoveryPlan> made = plan_from_files(
      request, files,
      [&](const std::vector<PlannedCell>& cells) { return segments_of(context, cells, kept); }, *warehouse,
      [&](std::int64_t done, std::int64_t all) {
        progress.show([&] {
          return "planning: " + with_thousands(done) + " of " + counted(all, "file") +
                 progress.remaining(done, all);
        });
      });
  if (!made && made.error().code == ErrorCode::kNotFound) made.error().code = ErrorCode::kUsage;
  if (!made) return before_anything(std::move(made).error());
  if (!made->segments.empty()) return decide(context, *made, flags, {});
  if (context.out.json_wanted()) {
    context.out.print_json({{"segments", 0}, {"expected", 0}, {"inserted", 0}, {"state", "done"}});
  } else if (context.out.csv_wanted()) {
    print_plan_csv(context.out, {});
  } else {
    context.out.print("no record of the " + counted(static_cast<std::int64_t>(request.keys.size()), "file") +
                      " is in the scope, so there is nothing to recover");
  }
  return kExitDone;
}

}  // namespace changevault
