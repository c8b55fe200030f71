// The flags and words of a verb, bound to its members.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace changevault {

struct FlagWords {
  std::vector<std::string> names;    // "--yes", "-y"; the long ones first
  std::string value;                 // what follows it: "FILE"; empty: nothing does
  std::vector<std::string> choices;  // of the value, where only these are taken
  std::string description;
};

// What reads the words is CLI11, and options.cc alone knows it: its header costs each file that includes it
// seconds to compile. The members outlive the options. Not thread-safe.
class Options {
 public:
  // A flag that takes a value. Its methods return it, so that they can follow one another.
  class Option {
   public:
    virtual Option* type_name(const std::string& word) = 0;  // what help calls the value
    virtual Option* one_of(const std::vector<std::string>& choices) = 0;
    virtual Option* whole_number() = 0;  // 0 or more
    virtual Option* repeated() = 0;      // of a list: one value each time, never several behind one flag

   protected:
    ~Option() = default;
  };

  Options();
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // `names` are like "--yes,-y".
  void add_flag(const std::string& names, bool& to, const std::string& description = "");
  Option* add_option(const std::string& names, std::string& to, const std::string& description);
  Option* add_option(const std::string& names, std::optional<std::string>& to,
                     const std::string& description);
  Option* add_option(const std::string& names, std::vector<std::string>& to, const std::string& description);
  Option* add_option(const std::string& names, std::optional<std::int32_t>& to,
                     const std::string& description);
  Option* add_option(const std::string& names, std::optional<std::int64_t>& to,
                     const std::string& description);
  Option* add_option(const std::string& names, std::int64_t& to, const std::string& description);
  // A word that stands alone, in the order in which they are added; a list takes all that are left.
  void add_position(const std::string& name, std::string& to);
  void add_position(const std::string& name, std::optional<std::string>& to);
  void add_position(const std::string& name, std::vector<std::string>& to);

  const std::vector<FlagWords>& flags() const { return flags_; }
  const std::vector<std::string>& positions() const { return positions_; }

  // Sets the members; the words that nothing took. kUsage in the library's words, without a hint, for a value
  // that a flag does not take. Once only.
  Result<std::vector<std::string>> parse(std::vector<std::string> words);

 private:
  class Added;
  struct Impl;
  template <typename To>
  Option* add(const std::string& names, To& to, const std::string& description);
  template <typename To>
  void place(const std::string& name, To& to);

  std::vector<FlagWords> flags_;
  std::vector<std::string> positions_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace changevault
