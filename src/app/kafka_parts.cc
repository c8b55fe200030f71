#include "app/kafka_parts.h"

#include "app/secret_file.h"
#include "hub/kafka/event_hubs_management.h"
#include "hub/kafka/kafka_hub.h"

namespace changevault {

Result<std::string> KafkaParts::secret(const std::string& scheme, const OpenRequest& request) const {
  const std::string& file = request.configuration.hub.secret_file;
  if (!file.empty()) {
    return read_secret_file(file, "hub.secret_file",
                            scheme == "kafka" ? "lines like sasl.password=…" : "a connection string");
  }
  const auto found = environment_.find("EVENTHUBS_CONNECTION_STRING");
  return scheme == "eventhubs" && found != environment_.end() ? found->second : std::string();
}

Result<kafka::Settings> KafkaParts::settings(const std::string& scheme, const OpenRequest& request) const {
  CV_ASSIGN(std::string text, secret(scheme, request));
  return kafka::make_settings({scheme, request.place, request.configuration.hub.options, std::move(text)});
}

Result<std::unique_ptr<GroupManagement>> KafkaParts::open_management(const OpenRequest& request) {
  CV_ASSIGN(const kafka::Settings of_hub, settings("eventhubs", request));
  CV_ASSIGN(azure::TokenSource* const tokens, azure_->tokens());
  return kafka::open_management(
      of_hub,
      {request.configuration.hub.resource_id, {}, *tokens, azure_->http(), request.clock, request.random});
}

Result<std::unique_ptr<Hub>> KafkaParts::open_hub(const std::string& scheme, const OpenRequest& request) {
  CV_ASSIGN(kafka::Settings settings, this->settings(scheme, request));
  const Configuration::Hub& wanted = request.configuration.hub;
  azure::TokenSource* tokens = nullptr;
  if (!settings.auth_scope.empty()) {
    CV_ASSIGN(tokens, azure_->tokens());
  }
  kafka::HubOptions options{wanted.group, std::nullopt};
  if (request.mode != OpenMode::kOpen) options.create_with = wanted.partitions;
  CV_ASSIGN(auto hub, kafka::KafkaHub::open({std::move(settings), member_, tokens, request.notice}, options,
                                            request.clock));
  return std::unique_ptr<Hub>(std::move(hub));
}

}  // namespace changevault
