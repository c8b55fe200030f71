// Where a verb's words go: results to stdout, everything else to stderr.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "codec/json_fwd.h"

namespace changevault {

// A byte sink: a file descriptor, or a string in tests. A reader that went away is kCancelled.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
};

class StringWriter final : public Writer {
 public:
  Result<void> write(std::string_view bytes) override {
    text.append(bytes);
    return {};
  }
  std::string text;
};

// Writes every byte, EINTR and short writes included.
class DescriptorWriter final : public Writer {
 public:
  explicit DescriptorWriter(int descriptor) : descriptor_(descriptor) {}
  Result<void> write(std::string_view bytes) override;

 private:
  int descriptor_;
};

enum class OutputMode { kTable, kJson, kCsv };
enum class Color { kRed, kYellow, kGreen, kBlue, kDim, kBold };

struct Terminal {
  bool in = false;  // that stream is a terminal
  bool out = false;
  bool err = false;
  bool color = false;  // wanted: NO_COLOR is not set, TERM is not "dumb"
  int width = 80;
};

// Results are written by one thread; what goes to stderr may come from any.
//
// Names and data may hold anything. What goes to stderr, and to a stdout that is a terminal, is made harmless
// here (cli/characters.h), whoever forgot to; into a file or a pipe results go as they are.
class Output {
 public:
  Output(Writer& out, Writer& err, Terminal terminal) : out_(out), terminal_(terminal), err_(err) {}
  ~Output();

  void set_mode(OutputMode mode) { mode_ = mode; }
  void set_quiet(bool quiet) { quiet_ = quiet; }
  OutputMode mode() const { return mode_; }
  bool json_wanted() const { return mode_ == OutputMode::kJson; }
  bool csv_wanted() const { return mode_ == OutputMode::kCsv; }
  bool quiet() const { return quiet_; }
  const Terminal& terminal() const { return terminal_; }

  // Results, in pieces that end with whole characters. Buffered; the first failure is kept and returned by
  // this and every later call.
  Result<void> write(std::string_view bytes);
  // A line ('\n' is added). Failures are kept for `flush`.
  void print(std::string_view line);
  void print_json(const Json& document);
  Result<void> flush();
  bool failed() const { return failure_.has_value(); }
  // The reader of stdout went away: not an error of ours.
  bool closed() const { return failure_ && failure_->code == ErrorCode::kCancelled; }

  // A line to stderr, not with --quiet.
  void note(std::string_view line);
  // A line to stderr, always.
  void complain(std::string_view line);
  // The error as people or (with --output json) programs read it, on stderr.
  void error(const Error& error);
  // Replaces the progress line on stderr; does nothing where that is no terminal, or with --quiet. Empty:
  // takes it away.
  void progress(std::string_view line) CV_EXCLUDES(err_mutex_);
  bool shows_progress() const { return terminal_.err && !quiet_; }

  // Colours for stdout; the text as it is where colours are off.
  std::string paint(Color color, std::string_view text) const;

 private:
  void write_error_line(std::string_view line) CV_EXCLUDES(err_mutex_);
  void show_progress(std::string_view line) CV_REQUIRES(err_mutex_);

  Writer& out_;
  Terminal terminal_;
  OutputMode mode_ = OutputMode::kTable;
  bool quiet_ = false;
  Mutex err_mutex_;
  Writer& err_ CV_GUARDED_BY(err_mutex_);
  bool progress_shown_ CV_GUARDED_BY(err_mutex_) = false;
  std::string buffer_;
  std::optional<Error> failure_;
};

}  // namespace changevault
