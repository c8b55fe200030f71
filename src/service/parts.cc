#include "service/parts.h"

#include "net/url_text.h"
#include "store/read_only_store.h"
#include "warehouse/read_only_warehouse.h"

namespace changevault {
namespace {

template <typename Part>
Result<std::unique_ptr<Part>> open_part(const std::map<std::string, Driver<Part>>& drivers,
                                        const std::string& what, const std::string& url,
                                        OpenRequest request) {
  const auto parts = split_url(url);
  const auto driver = parts ? drivers.find(parts->scheme) : drivers.end();
  if (driver == drivers.end()) {
    std::string known;
    for (const auto& [scheme, unused] : drivers) known += (known.empty() ? "" : ", ") + scheme + ":";
    return Error(ErrorCode::kUsage, "this program knows no " + what + " of that kind", without_secrets(url),
                 "known are: " + known);
  }
  request.place = parts->rest;
  Result<std::unique_ptr<Part>> part = driver->second(request);
  if (!part.has_value() && part.error().code == ErrorCode::kNotFound) {
    Error error = part.error();
    error.code = ErrorCode::kUsage;
    error.hint = "make it with: changevault init (or correct " + what + ".url in the configuration)";
    if (what == "hub")
      error.hint +=
          "; where it is gone for good and the archive is to go on: changevault archive --new-epoch";
    return error;
  }
  return part;
}

}  // namespace

Parts::Parts(const Configuration& configuration, const Drivers& drivers, Clock& clock, Random& random)
    : configuration_(configuration),
      drivers_(drivers),
      clock_(clock),
      random_(random),
      layout_(configuration.store.root),
      patience_(configuration.warehouse.lock_timeout) {}

Result<Hub*> Parts::hub(OpenMode mode) {
  if (!hub_) {
    CV_ASSIGN(hub_, open_part(drivers_.hubs, "hub", configuration_.hub.url,
                              {{}, mode, configuration_, clock_, random_, patience_, notice_}));
  }
  return hub_.get();
}

Result<std::unique_ptr<GroupManagement>> Parts::group_management() {
  const auto url = split_url(configuration_.hub.url);
  if (!url || !drivers_.managements.contains(url->scheme)) {
    return Error(ErrorCode::kUsage, "this hub has no groups beside those of its readers",
                 without_secrets(configuration_.hub.url), "leave --management away");
  }
  return open_part(drivers_.managements, "hub", configuration_.hub.url,
                   {{}, OpenMode::kOpen, configuration_, clock_, random_, patience_, notice_});
}

Result<ObjectStore*> Parts::store(OpenMode mode) {
  if (!store_) {
    CV_ASSIGN(store_, open_part(drivers_.stores, "store", configuration_.store.url,
                                {{}, mode, configuration_, clock_, random_, patience_, notice_}));
    if (dry_) store_ = std::make_unique<ReadOnlyStore>(std::move(store_), writable_);
  }
  return store_.get();
}

Result<std::unique_ptr<ObjectStore>> Parts::other_store(const std::string& url,
                                                        const std::string& secret_file, OpenMode mode) {
  if (holds_secret(url)) {
    return Error(
        ErrorCode::kUsage, "a secret must not stand in an argument, where others see it",
        without_secrets(url),
        "give it in the environment (AZURE_STORAGE_CONNECTION_STRING), or in a file (--to-secret-file)");
  }
  const std::filesystem::path here = std::filesystem::current_path();
  Configuration other = configuration_;
  CV_ASSIGN(other.store.url, store_url(url, here));
  other.store.secret_file = secret_file.empty() ? std::string() : (here / secret_file).string();
  return open_part(drivers_.stores, "store", other.store.url,
                   {{}, mode, other, clock_, random_, patience_, notice_, true});
}

Result<Warehouse*> Parts::warehouse(OpenMode mode) {
  if (!warehouse_) {
    CV_ASSIGN(warehouse_, open_part(drivers_.warehouses, "warehouse", configuration_.warehouse.url,
                                    {{}, mode, configuration_, clock_, random_, patience_, notice_}));
    if (dry_) warehouse_ = std::make_unique<ReadOnlyWarehouse>(std::move(warehouse_), writable_);
  }
  return warehouse_.get();
}

}  // namespace changevault
