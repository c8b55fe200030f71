#include "bench/suite/report.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace changevault::bench {
namespace {

using nlohmann::ordered_json;

constexpr double kMebibyte = 1 << 20;

const char* name_of(GoalKind kind) {
  switch (kind) {
    case GoalKind::kWallRatio:
      return "wall_ratio";
    case GoalKind::kCpuRatio:
      return "cpu_ratio";
    case GoalKind::kRate:
      return "rate";
    case GoalKind::kCpuRate:
      return "cpu_rate";
    case GoalKind::kSeconds:
      return "seconds";
    case GoalKind::kPeak:
      return "peak";
    case GoalKind::kPeakRatio:
      return "peak_ratio";
  }
  throw Failed("no such goal");
}

std::string words_of(const GoalResult& goal, const WorkResult& work) {
  const std::string& peer = work.contenders.at(goal.goal.peer).name;
  const double reached = goal.reached;
  const double wanted = goal.goal.wanted;
  switch (goal.goal.kind) {
    case GoalKind::kWallRatio:
      return fmt::format("{:.2f} x the speed of {}, wanted {}", reached, peer, wanted);
    case GoalKind::kCpuRatio:
      return fmt::format("{:.2f} x less CPU than {}, wanted {}", reached, peer, wanted);
    case GoalKind::kRate:
      return fmt::format("{:.0f} {}/s, wanted {:.0f}", reached, work.unit, wanted);
    case GoalKind::kCpuRate:
      return fmt::format("{:.0f} {}/s of CPU time, wanted {:.0f}", reached, work.unit, wanted);
    case GoalKind::kSeconds:
      return fmt::format("{:.2f} s, wanted at most {}", reached, wanted);
    case GoalKind::kPeak:
      return fmt::format("{:.0f} MiB, wanted at most {:.0f}", reached / kMebibyte, wanted / kMebibyte);
    case GoalKind::kPeakRatio:
      return fmt::format("{:.2f} x the memory {}, wanted at most {}", reached, peer, wanted);
  }
  throw Failed("no such goal");
}

std::string line_of(const ContenderResult& who, const std::string& unit) {
  const Sample& best = who.best;
  const std::string peak =
      best.peak > 0 ? fmt::format("{:.0f}", static_cast<double>(best.peak) / kMebibyte) : "-";
  return fmt::format("  {:<26} {:>8.2f} {:>8.2f} {:>8}   {:>12.0f} {}/s\n", who.name, best.wall, best.cpu,
                     peak, best.amount / best.wall, unit);
}

double speed(const ordered_json& contender) {
  return contender.at("amount").get<double>() / contender.at("wall").get<double>();
}

std::string compared(const ordered_json& base, const ordered_json& changed) {
  const ordered_json& was = base.at("contenders").at(0);
  const ordered_json& is = changed.at("contenders").at(0);
  std::string out =
      fmt::format("{:<18} {:>8.2f} {:>8.2f}   {:>5.2f} x", base.at("id").get<std::string>(),
                  was.at("wall").get<double>(), is.at("wall").get<double>(), speed(is) / speed(was));
  if (base.at("contenders").size() > 1 && changed.at("contenders").size() > 1) {
    const double weather = speed(changed.at("contenders").at(1)) / speed(base.at("contenders").at(1));
    out += fmt::format("   {:>5.2f} x", speed(is) / speed(was) / weather);
  } else {
    out += "         -";
  }
  const double peak = was.at("peak").get<double>();
  if (peak > 0) out += fmt::format("   {:>5.2f} x", is.at("peak").get<double>() / peak);
  return out + "\n";
}

}  // namespace

std::string table_of(const std::vector<WorkResult>& results) {
  std::string out =
      fmt::format("{:<28} {:>8} {:>8} {:>8}   {:>12}\n", "", "wall s", "CPU s", "peak MiB", "speed");
  for (const WorkResult& work : results) {
    out += fmt::format("\n{}\n", work.title);
    for (const ContenderResult& who : work.contenders) out += line_of(who, work.unit);
    for (const GoalResult& goal : work.goals) {
      out += fmt::format("    {} {}\n", goal.met ? "✓" : "✗", words_of(goal, work));
    }
  }
  return out;
}

std::string json_of(const std::vector<WorkResult>& results) {
  ordered_json works = ordered_json::array();
  for (const WorkResult& work : results) {
    ordered_json contenders = ordered_json::array();
    for (const ContenderResult& who : work.contenders) {
      contenders.push_back({{"name", who.name},
                            {"wall", who.best.wall},
                            {"cpu", who.best.cpu},
                            {"peak", who.best.peak},
                            {"amount", who.best.amount},
                            {"runs", who.runs}});
    }
    ordered_json goals = ordered_json::array();
    for (const GoalResult& goal : work.goals) {
      goals.push_back({{"kind", name_of(goal.goal.kind)},
                       {"peer", work.contenders.at(goal.goal.peer).name},
                       {"wanted", goal.goal.wanted},
                       {"reached", goal.reached},
                       {"met", goal.met}});
    }
    works.push_back({{"id", work.id},
                     {"title", work.title},
                     {"unit", work.unit},
                     {"contenders", contenders},
                     {"goals", goals}});
  }
  return ordered_json{{"works", works}}.dump(2) + "\n";
}

std::string comparison_of(const std::string& base, const std::string& changed) {
  const auto was = ordered_json::parse(base, nullptr, false);
  const auto is = ordered_json::parse(changed, nullptr, false);
  if (was.is_discarded() || is.is_discarded()) throw Failed("not the JSON of a benchmark");
  std::string out = fmt::format("{:<18} {:>8} {:>8}   {:>7}   {:>7}   {:>7}\n", "", "base s", "now s",
                                "speed", "to peer", "memory");
  std::size_t both = 0;
  for (const ordered_json& work : is.at("works")) {
    for (const ordered_json& old : was.at("works")) {
      if (old.at("id") != work.at("id")) continue;
      out += compared(old, work);
      ++both;
    }
  }
  if (both == 0) throw Failed("the two runs have no work in common");
  return out;
}

}  // namespace changevault::bench
