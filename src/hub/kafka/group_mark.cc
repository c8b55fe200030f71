#include "hub/kafka/group_mark.h"

#include <nlohmann/json.hpp>

namespace changevault::kafka {
namespace {

constexpr std::size_t kMost = 1000;
constexpr const char* kArchive = "changevault_archive";

std::string text_of(const nlohmann::json& json) {
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string group_mark(const GroupOwner& owner) {
  if (owner.id.empty()) return {};
  std::string name = owner.name;
  while (true) {
    std::string text = text_of({{kArchive, owner.id}, {"name", name}});
    if (text.size() <= kMost || name.empty()) return text;
    name.resize(name.size() / 2);
  }
}

GroupOwner read_group_mark(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains(kArchive) || !json[kArchive].is_string()) return {};
  GroupOwner out{json[kArchive].get<std::string>(), {}};
  if (json.contains("name") && json["name"].is_string()) out.name = json["name"].get<std::string>();
  return out;
}

GroupOwner owner_of(const CommittedPositions& positions) {
  for (const auto& [partition, position] : positions) {
    GroupOwner owner = read_group_mark(position.metadata);
    if (!owner.id.empty()) return owner;
  }
  return {};
}

}  // namespace changevault::kafka
