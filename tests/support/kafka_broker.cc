#include "tests/support/kafka_broker.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "tests/support/kafka_java.h"

namespace changevault::testing {
namespace {

// RFC 4648, section 5, without padding.
std::string base64url(const std::string& bytes) {
  std::string text = to_base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

}  // namespace

bool KafkaBroker::available() {
  return kafka_available();
}

std::string KafkaBroker::why_not() {
  return kafka_why_not();
}

KafkaBroker* KafkaBroker::shared() {
  static const std::unique_ptr<KafkaBroker> broker = available() ? std::make_unique<KafkaBroker>() : nullptr;
  return broker.get();
}

KafkaBroker::KafkaBroker(KafkaOptions options)
    : options_(std::move(options)),
      plan_(plan_kafka(1)),
      certificates_(options_.sasl_ssl ? std::make_unique<Certificates>() : nullptr),
      node_(1, plan_.cluster, kafka_properties(plan_, 0, options_, certificates_.get())) {
  restart();
}

std::string KafkaBroker::bootstrap() const {
  return "127.0.0.1:" + std::to_string(plan_.nodes[0].plaintext);
}

std::string KafkaBroker::sasl_bootstrap() const {
  if (!certificates_) throw std::runtime_error("KafkaOptions::sasl_ssl is off");
  return "127.0.0.1:" + std::to_string(plan_.nodes[0].sasl_ssl);
}

std::string KafkaBroker::ca_file() const {
  if (!certificates_) throw std::runtime_error("KafkaOptions::sasl_ssl is off");
  return certificates_->ca();
}

std::string KafkaBroker::token(const std::string& subject, Duration lifetime) {
  const std::int64_t now = system_clock().now().ms / 1000;
  const std::string claims = R"({"sub":")" + subject + R"(","iat":)" + std::to_string(now) + R"(,"exp":)" +
                             std::to_string(now + lifetime.ms / 1000) + "}";
  return base64url(R"({"alg":"none"})") + "." + base64url(claims) + ".";
}

void KafkaBroker::restart() {
  node_.kill();
  node_.begin();
  node_.wait_ready();
}

void KafkaBroker::create_topic(const std::string& name, int partitions, const KafkaProperties& settings) {
  create_kafka_topic(bootstrap(), name, partitions, settings);
}

Outcome KafkaBroker::run_tool(const std::string& main_class, std::vector<std::string> arguments,
                              const std::string& input) const {
  arguments.insert(arguments.begin(), {"--bootstrap-server", bootstrap()});
  return run_kafka_java(main_class, arguments, input);
}

}  // namespace changevault::testing
