#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "net/url_text.h"
#include "service/jobs.h"

namespace changevault {
namespace {

// Creates the file whole or not at all, and never over another: written under a name of its own, then linked.
Result<bool> write_new_file(const std::filesystem::path& path, const std::string& text, Random& random) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);  // the open below says what is wrong
  const std::string temporary = path.string() + "." + random.nonce().substr(0, 8);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0)
    return system_error(ErrorCode::kUsage, "cannot write the configuration file", path.string(), errno);
  const Result<void> written = DescriptorWriter(file).write(text);
  const bool synced = ::fsync(file) == 0;
  ::close(file);
  bool created = false;
  Result<void> linked;
  if (written.has_value() && synced) {
    created = ::link(temporary.c_str(), path.c_str()) == 0;
    if (!created && errno != EEXIST) {
      linked = system_error(ErrorCode::kUsage, "cannot write the configuration file", path.string(), errno);
    }
  }
  ::unlink(temporary.c_str());
  CV_TRY(written);
  CV_TRY(linked);
  if (!synced)
    return Error(ErrorCode::kUnreachable, "cannot write the configuration file to the disk", path.string());
  return created;
}

class InitVerb final : public Verb {
 public:
  std::string name() const override { return "init"; }
  std::string summary() const override {
    return "writes a commented changevault.toml and creates hub, store, warehouse";
  }
  std::string usage() const override { return "[flags]"; }
  std::string details() const override {
    return "Never overwrites: what is there already is kept and used. Settings given with --set are written "
           "into a new file.";
  }
  std::string examples() const override {
    return "changevault init\nchangevault init --set hub.partitions=8 --set store.url=file:/srv/archive";
  }
  bool needs_configuration_file() const override { return false; }
  void add_options(Options&) override {}

  Result<int> run(Context& context) override {
    const Configuration& configuration = context.configuration;
    CV_TRY(check_place(context));
    bool written = false;
    if (!configuration.file_exists) {
      CV_ASSIGN(const std::string text, configuration_template(context.flags));
      CV_ASSIGN(written, write_new_file(configuration.file, text, context.parts.random()));
    } else if (!context.flags.empty()) {
      context.out.note(
          "note: " + configuration.file.string() +
          " is there already, so what --set says counts for this run only; write it there to keep it");
    }
    CV_ASSIGN(const Archiver::Parts parts, archiver_parts(context.parts, OpenMode::kCreate));
    CV_ASSIGN(const std::int32_t added, add_partitions(parts.hub, configuration.hub.partitions));
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse(OpenMode::kCreate));
    CV_TRY(warehouse->prepare());
    CV_TRY(init_archive(parts, archiver_options(configuration, context.identity.owner())));
    CV_ASSIGN(const HubDescription hub, parts.hub.describe());
    if (context.out.json_wanted()) {
      context.out.print_json({{"configuration", configuration.file.string()},
                              {"configuration_written", written},
                              {"hub", configuration.hub.url},
                              {"partitions", hub.partitions},
                              {"partitions_added", added},
                              {"group", configuration.hub.group},
                              {"store", without_secrets(configuration.store.url)},
                              {"warehouse", configuration.warehouse.url}});
      return kExitDone;
    }
    print_result(context, written, hub, added);
    return kExitDone;
  }

 private:
  // Before anything is made or changed: a hub made anew would stand in for the one that an archive belongs
  // to, a hub or group of another archive must stay as it is, and a ledger begun beside archived files would
  // call them leftovers.
  static Result<void> check_place(Context& context) {
    Parts& parts = context.parts;
    CV_ASSIGN(ObjectStore* const store, parts.store(OpenMode::kCreate));
    const KeyLayout& layout = parts.layout();
    const Result<ObjectInfo> ledger = store->head(layout.seal_chain() + KeyLayout::slot_name(Slot(0)));
    if (!ledger && ledger.error().code != ErrorCode::kNotFound) return ledger.error();
    if (!ledger) CV_TRY(check_no_files(*store, layout));
    const Result<Hub*> hub = parts.hub(OpenMode::kOpen);
    if (hub) {
      CV_ASSIGN(const Archiver::Parts opened, archiver_parts(parts));
      CV_TRY(check_archive(opened, archiver_options(context.configuration, context.identity.owner())));
    }
    if (!hub && hub.error().code == ErrorCode::kUnreachable) return hub.error();
    if (hub || !ledger) return {};
    return Error(hub.error().code, "the hub of the archive that stands here: " + hub.error().message,
                 hub.error().object,
                 "point hub.url at the hub that this archive belongs to, or choose another store.root; where "
                 "the hub is gone for good: changevault archive --new-epoch makes a new one and goes on");
  }

  // Adopted files are listed already, and what bears no name of ours is no leftover.
  static Result<void> check_no_files(ObjectStore& store, const KeyLayout& layout) {
    const Result<ObjectInfo> adopted = store.head(layout.adopted_chain() + KeyLayout::slot_name(Slot(0)));
    if (!adopted && adopted.error().code != ErrorCode::kNotFound) return adopted.error();
    return for_each_object(store, layout.archive_prefix(), [&](const ObjectInfo& object) -> Result<void> {
      const auto name = layout.parse(object.key);
      if (!name || (adopted && !name->origin)) return {};
      return Error(
          ErrorCode::kUsage, "archived files without a ledger stand here already", object.key,
          "if the ledger was deleted, put it back (" + layout.seal_chain() +
              "…); for a new archive choose another store.root" +
              (name->origin ? "" : ", or list the files of the other program first: changevault adopt"));
    });
  }

  // An embedded hub that was there already gets the partitions that the configuration has more; how many
  // these are.
  static Result<std::int32_t> add_partitions(Hub& hub, std::int32_t wanted) {
    CV_ASSIGN(const HubDescription before, hub.describe());
    if (!before.embedded || before.partitions == wanted) return 0;
    CV_TRY(hub.raise_partitions(wanted));
    return wanted - before.partitions;
  }

  static void print_result(Context& context, bool written, const HubDescription& hub, std::int32_t added) {
    const Configuration& c = context.configuration;
    Output& out = context.out;
    out.print("configuration  " + c.file.string() + (written ? "" : "  (was there already, kept as it is)"));
    out.print("hub            " + c.hub.url + "  (" + counted(hub.partitions, "partition") + ", group " +
              c.hub.group + ")");
    if (added > 0) {
      out.note("note: " + counted(added, "partition") +
               " added; from now on documents may go to another partition than before, so across this change "
               "the order of one document's events is by time only");
      if (!written)
        out.note("note: keep [hub] partitions = " + std::to_string(hub.partitions) + " in " +
                 c.file.string());
    }
    out.print("store          " + without_secrets(c.store.url) + "  (root " + c.store.root + ")");
    out.print("warehouse      " + c.warehouse.url + "  (table " + c.warehouse.table + ")");
    out.print("");
    out.print("next: changevault publish FILE…, then changevault run");
  }
};

}  // namespace

std::unique_ptr<Verb> make_init_verb() {
  return std::make_unique<InitVerb>();
}

}  // namespace changevault
