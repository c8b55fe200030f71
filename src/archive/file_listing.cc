#include "archive/file_listing.h"

#include <algorithm>

#include "archive/sealed_listing.h"

namespace changevault {
namespace {

// More hours than this are listed by day, more days by collection: a request for each would cost more than
// what the others bring along.
constexpr std::int64_t kMostHours = 48;
constexpr std::int64_t kMostDays = 62;

bool is_plain(const std::string& name) {
  return !name.empty() && name.find_first_of("*?[\\") == std::string::npos;
}

// What stands between the last two slashes of "changestreams/shop/".
std::string folder_name(const std::string& prefix) {
  const std::size_t end = prefix.size() - 1;
  const std::size_t begin = prefix.rfind('/', end - 1);
  return prefix.substr(begin == std::string::npos ? 0 : begin + 1,
                       end - (begin == std::string::npos ? 0 : begin + 1));
}

bool matches_name(const std::string& wanted, const std::string& folder) {
  const std::string name = decode_name(folder).value_or(folder);
  return wanted.empty() || wanted == name || glob_matches(wanted, name) || glob_matches(wanted, folder);
}

class Listing {
 public:
  using Each = std::function<Result<void>(const ObjectInfo&, const SegmentName&)>;
  Listing(ObjectStore& store, const KeyLayout& layout, const Scope& scope, const Each& each)
      : store_(store), layout_(layout), scope_(scope), each_(each) {
    names_only_ = scope;
    names_only_.operations.clear();  // a name does not tell them
    names_only_.key.clear();
    take_dates();
  }

  Result<void> run() {
    if (dates_.empty() && !is_plain(scope_.database)) return list(layout_.archive_prefix());
    CV_ASSIGN(const std::vector<std::string> databases, databases_of_scope());
    for (const std::string& database : databases) {
      CV_ASSIGN(const std::vector<std::string> collections, collections_of(database));
      for (const std::string& collection : collections) {
        if (dates_.empty()) CV_TRY(list(collection));
        for (const std::string& date : dates_) CV_TRY(list(collection + date));
      }
    }
    return {};
  }

 private:
  // What the hours of the scope begin with below a collection, "2025/01/15/14-" or "2025/01/15/"; none: all
  // of it.
  void take_dates() {
    if (!scope_.time.bounded() || scope_.time.from >= scope_.time.to) return;
    const Hour first = hour_of(scope_.time.from);
    const Hour last = hour_of(scope_.time.to - milliseconds(1));
    if (last.index - first.index > kMostDays * 24) return;
    std::vector<std::string> hours;
    std::vector<std::string> days;
    for (Hour hour = first; hour <= last; hour = hour.next()) {
      if (!scope_.touches(hour)) continue;
      const std::string day = date_path(hour) + "/";
      if (days.empty() || days.back() != day) days.push_back(day);
      hours.push_back(day + hour_digits(hour) + "-");
    }
    dates_ = static_cast<std::int64_t>(hours.size()) <= kMostHours && hours.size() <= 8 * days.size() ? hours
                                                                                                      : days;
  }

  Result<std::vector<std::string>> databases_of_scope() {
    if (is_plain(scope_.database)) return spellings(layout_.archive_prefix(), scope_.database);
    return folders(layout_.archive_prefix(), scope_.database);
  }

  Result<std::vector<std::string>> collections_of(const std::string& database) {
    if (is_plain(scope_.collection)) return spellings(database, scope_.collection);
    return folders(database, scope_.collection);
  }

  // A name as we write it, and as others may have.
  static std::vector<std::string> spellings(const std::string& prefix, const std::string& name) {
    std::vector<std::string> out{prefix + encode_name(name) + "/"};
    const bool can_be_a_folder = name.find('/') == std::string::npos && name != "." && name != "..";
    if (can_be_a_folder && encode_name(name) != name) out.push_back(prefix + name + "/");
    return out;
  }

  Result<std::vector<std::string>> folders(const std::string& prefix, const std::string& wanted) {
    std::vector<std::string> out;
    std::string continuation;
    do {
      CV_ASSIGN(ListPage page, store_.list(prefix, '/', continuation));
      for (std::string& folder : page.prefixes) {
        if (matches_name(wanted, folder_name(folder))) out.push_back(std::move(folder));
      }
      continuation = std::move(page.next);
    } while (!continuation.empty());
    return out;
  }

  Result<void> list(const std::string& prefix) {
    return for_each_object(store_, prefix, [&](const ObjectInfo& object) -> Result<void> {
      const auto name = layout_.parse(object.key);
      if (!name || name->dead_letter) return {};
      return names_only_.touches(name_sealed(layout_, {object.key, {}}, name->ns).facts)
                 ? each_(object, *name)
                 : Result<void>();
    });
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  const Scope& scope_;
  Scope names_only_;
  const Each& each_;
  std::vector<std::string> dates_;
};

}  // namespace

Result<void> for_each_named_file(
    ObjectStore& store, const KeyLayout& layout, const Scope& scope,
    const std::function<Result<void>(const ObjectInfo&, const SegmentName&)>& each) {
  return Listing(store, layout, scope, each).run();
}

}  // namespace changevault
