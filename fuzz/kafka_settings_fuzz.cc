// Addresses of topics and hubs, connection strings and lines of settings, from people and files: never a
// crash, and no secret in what is said of them. Input: the scheme by its first byte, the place up to the
// first line end, then the secret.
#include "fuzz/fuzzing.h"
#include "hub/kafka/group_mark.h"
#include "hub/kafka/kafka_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using fuzzing::require;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t line = text.find('\n');
  const std::string secret = line == std::string::npos ? std::string() : text.substr(line + 1);
  const std::string scheme = data[0] % 2 == 0 ? "kafka" : "eventhubs";
  const auto settings = kafka::make_settings({scheme, text.substr(0, line), {}, secret});
  if (settings) {
    require(!settings->servers.empty() && !settings->topic.empty());
    require(settings->url.starts_with(scheme + "://") && settings->url.ends_with("/" + settings->topic));
    require(settings->url.find('@') == std::string::npos);
    require(settings->auth_scope.empty() || settings->properties.at("sasl.mechanism") == "OAUTHBEARER");
  } else {
    require(settings.error().code == ErrorCode::kUsage && !settings.error().message.empty());
  }
  const std::size_t key = secret.find("SharedAccessKey=");
  if (!settings && key != std::string::npos && secret.size() > key + 26) {
    const std::string word = secret.substr(key + 16, 10);
    const bool of_place = text.substr(0, line).find(word) != std::string::npos;
    const bool elsewhere = secret.find(word) < key || secret.find(word, key + 17) != std::string::npos;
    // A secret may be a piece of the explanation, which says it whatever the secret is.
    std::string masked = secret;
    masked.replace(key + 16, 10, 10, 'z');
    const auto other = kafka::make_settings({scheme, text.substr(0, line), {}, masked});
    const bool of_ours = !other && other.error().to_string().find(word) != std::string::npos;
    require(of_place || elsewhere || of_ours || settings.error().to_string().find(word) == std::string::npos);
  }
  const GroupOwner owner = kafka::read_group_mark(text);
  if (!owner.id.empty() && owner.id.size() < 500) require(kafka::group_mark(owner).size() <= 1000);
  return 0;
}
