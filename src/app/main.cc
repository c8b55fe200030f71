// The composition root: the only place that names concrete drivers, and the border to the process (arguments,
// environment, signals, descriptors).
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/azure_parts.h"
#include "app/kafka_parts.h"
#include "cli/program.h"
#include "hub/sqlite/sqlite_hub.h"
#include "store/file/file_store.h"
#include "store/retrying_store.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

SqliteHubOptions sqlite_options(const OpenRequest& request, const std::string& member) {
  const Configuration::Hub& hub = request.configuration.hub;
  return {member,
          request.mode == OpenMode::kCreate,
          hub.lease,
          {hub.retention, hub.retention_bytes},
          request.notice};
}

// `owner`: what this process is called where it takes part in something.
Drivers drivers(const std::string& owner, const Environment& environment, const std::stop_token& stop) {
  Drivers out;
  out.hubs["sqlite"] = [owner](const OpenRequest& request) -> Result<std::unique_ptr<Hub>> {
    SqliteHubOptions options = sqlite_options(request, owner);
    if (request.mode == OpenMode::kOpen)
      return SqliteHub::open(request.place, request.clock, std::move(options));
    return SqliteHub::create(request.place, request.configuration.hub.partitions, request.clock,
                             request.random, std::move(options));
  };
  out.stores["file"] = [stop](const OpenRequest& request) -> Result<std::unique_ptr<ObjectStore>> {
    CV_ASSIGN(auto store, FileStore::open(request.place, request.mode == OpenMode::kCreate));
    RetryingStoreOptions options{.stop = stop, .on_wait = request.notice};
    return std::make_unique<RetryingStore>(std::move(store), request.clock, request.random,
                                           std::move(options));
  };
  const auto azure = std::make_shared<AzureParts>(environment, CHANGEVAULT_VERSION, stop);
  const auto kafka = std::make_shared<KafkaParts>(environment, owner, azure);
  for (const char* scheme : {"kafka", "eventhubs"}) {
    out.hubs[scheme] = [kafka, name = std::string(scheme)](const OpenRequest& request) {
      return kafka->open_hub(name, request);
    };
  }
  out.managements["eventhubs"] = [kafka](const OpenRequest& request) {
    return kafka->open_management(request);
  };
  for (const char* scheme : {"azure", "abfss", "abfs", "https", "http"}) {
    out.stores[scheme] = [azure, name = std::string(scheme)](const OpenRequest& request) {
      return azure->open_store(name, request);
    };
  }
  out.warehouses["duckdb"] = [stop](const OpenRequest& request) {
    WarehouseOptions options;
    options.table = request.configuration.warehouse.table;
    options.lock_timeout = request.patience;
    options.memory_limit = request.configuration.warehouse.memory;
    options.on_wait = request.notice;
    options.stop = stop;
    return DuckDbWarehouse::open(request.place, options, request.clock);
  };
  return out;
}

Environment environment() {
  Environment out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Identity identity() {
  Identity out;
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0) out.host = host;
  const passwd* const user = ::getpwuid(::geteuid());
  out.user = user != nullptr ? user->pw_name : std::to_string(::geteuid());
  out.process = ::getpid();
  out.version = CHANGEVAULT_VERSION;
  return out;
}

Terminal terminal(const Environment& variables) {
  Terminal out;
  out.in = ::isatty(STDIN_FILENO) == 1;
  out.out = ::isatty(STDOUT_FILENO) == 1;
  out.err = ::isatty(STDERR_FILENO) == 1;
  const auto no_color = variables.find("NO_COLOR");
  const auto term = variables.find("TERM");
  const bool dumb = term == variables.end() || term->second == "dumb";
  out.color = !dumb && (no_color == variables.end() || no_color->second.empty());
  winsize size{};
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) continue;
    out.width = size.ws_col;
    break;
  }
  return out;
}

// SIGINT and SIGTERM ask the program to stop; a second one ends it at once. They are taken by one thread,
// since a std::stop_source must not be touched from a signal handler.
class SignalThread {
 public:
  SignalThread() {
    ::signal(SIGPIPE, SIG_IGN);  // a closed stdout is an answer of write()
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::sigaddset(&signals_, SIGUSR2);  // ours, to end the thread
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::thread([this] { wait(); });
  }
  ~SignalThread() {
    ended_ = true;
    ::pthread_kill(thread_.native_handle(), SIGUSR2);
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;
  std::stop_token stop() const { return source_.get_token(); }

 private:
  void wait() {
    while (!ended_) {
      int signal = 0;
      if (::sigwait(&signals_, &signal) != 0 || signal == SIGUSR2) continue;
      if (source_.stop_requested()) ::_exit(128 + signal);
      source_.request_stop();
    }
  }
  sigset_t signals_{};
  std::stop_source source_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

std::optional<std::string> read_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

int run(int argc, char** argv) {
  SignalThread signals;
  const Identity self = identity();
  const Environment variables = environment();
  const Drivers known = drivers(self.owner(), variables, signals.stop());
  DescriptorWriter out(STDOUT_FILENO);
  DescriptorWriter err(STDERR_FILENO);
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) {
    ignore_error(err.write("changevault: the current folder is gone\n"), "there is no third place to say it");
    return kExitUsage;
  }
  const Outside outside{known,     system_clock(), system_random(), out,      err, terminal(variables), self,
                        variables, here,           signals.stop(),  read_line};
  return run_program({argv + 1, argv + std::max(argc, 1)}, outside);
}

}  // namespace
}  // namespace changevault

int main(int argc, char** argv) {
  try {
    return changevault::run(argc, argv);
  } catch (const std::exception& error) {  // a bug, or no memory
    std::cerr << "changevault: internal error: " << error.what() << "\n"
              << "hint: what was acknowledged is safe; please report this with the command and its output\n";
    return 1;
  }
}
