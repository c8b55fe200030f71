#include "hub/kafka/kafka_client.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/mutex.h"

namespace changevault::kafka {
namespace {

constexpr const char* kReachHint =
    "check hub.url, that the brokers run, and that a firewall lets this machine in (Event Hubs: port 9093); "
    "changevault check tries it";
constexpr const char* kLoginHint =
    "check user and password in [hub.options] or hub.secret_file; for Event Hubs the connection string, or "
    "that the identity has the role \"Azure Event Hubs Data Receiver\" (and \"Data Sender\" to publish)";
constexpr const char* kRightsHint =
    "the user lacks the right to it. Kafka: READ on topic and group, DESCRIBE on both, WRITE to publish. "
    "Event "
    "Hubs: a policy with Listen (Send to publish) or the role \"Azure Event Hubs Data Receiver\"; a "
    "namespace "
    "of the Basic tier has no Kafka endpoint: it needs Standard or better";

bool is_login_failure(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM || code == RD_KAFKA_RESP_ERR__SSL;
}

bool is_refusal(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

bool is_absence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

bool is_fence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR__FENCED ||
         code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

// Asked again it would be answered the same.
bool is_definite(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
    case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return true;
    default:
      return false;
  }
}

// Settings that exist for one of the two roles only: librdkafka warns where the other one is given them.
bool is_for_producers(const std::string& name) {
  constexpr std::array kNames{"linger.ms",
                              "queue.buffering.max.kbytes",
                              "queue.buffering.max.messages",
                              "message.timeout.ms",
                              "delivery.timeout.ms",
                              "request.timeout.ms",
                              "compression.type",
                              "compression.codec",
                              "batch.size",
                              "enable.idempotence",
                              "acks",
                              "partitioner",
                              "retries",
                              "batch.num.messages",
                              "compression.level"};
  for (const char* const known : kNames) {
    if (name == known) return true;
  }
  return false;
}

bool is_for_consumers(const std::string& name) {
  constexpr std::array kNames{
      "group.id",           "session.timeout.ms",         "isolation.level",        "check.crcs",
      "fetch.min.bytes",    "queued.max.messages.kbytes", "fetch.queue.backoff.ms", "group.instance.id",
      "auto.offset.reset",  "enable.auto.commit",         "heartbeat.interval.ms",  "max.poll.interval.ms",
      "queued.min.messages"};
  for (const char* const known : kNames) {
    if (name == known) return true;
  }
  return name.starts_with("fetch.");
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(const ClientParts& parts, Role role, const Properties& extra,
                                             rd_kafka_event_type_t events) {
  std::unique_ptr<Client> client(new Client(parts));
  CV_TRY(client->create(role, extra, events));
  return client;
}

Result<void> Client::create(Role role, const Properties& extra, rd_kafka_event_type_t events) {
  Properties all = parts_.settings.properties;
  all["bootstrap.servers"] = parts_.settings.servers;
  all.emplace("client.id", parts_.client_id);
  for (const auto& [name, value] : extra) all[name] = value;
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> words{};
  for (const auto& [name, value] : all) {
    if (role == Role::kConsumer ? is_for_producers(name) : is_for_consumers(name)) continue;
    const auto set = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), words.data(), words.size());
    if (set == RD_KAFKA_CONF_OK) continue;
    rd_kafka_conf_destroy(conf);
    return Error(ErrorCode::kUsage, "hub.options: " + first_line(words.data()), parts_.settings.url,
                 "names and values are those of librdkafka's CONFIGURATION.md");
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_log_cb(conf, on_log);
  rd_kafka_conf_set_throttle_cb(conf, on_throttle);
  if (events != 0) rd_kafka_conf_set_events(conf, static_cast<int>(events));
  if (events == 0) rd_kafka_conf_set_error_cb(conf, on_error);
  if (parts_.tokens != nullptr && !parts_.settings.auth_scope.empty()) {
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, on_token_wanted);
    rd_kafka_conf_enable_sasl_queue(conf, 1);
  }
  handle_ = rd_kafka_new(role == Role::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, words.data(),
                         words.size());
  if (handle_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return Error(ErrorCode::kUsage, "the hub's settings do not fit together: " + first_line(words.data()),
                 parts_.settings.url, "see [hub.options]");
  }
  if (parts_.tokens != nullptr && !parts_.settings.auth_scope.empty()) {
    const KafkaError failed(rd_kafka_sasl_background_callbacks_enable(handle_));
    if (failed) return error("could not log in", rd_kafka_error_code(failed.get()));
  }
  return {};
}

Client::~Client() {
  if (handle_ == nullptr) return;
  rd_kafka_destroy_flags(handle_, closed_ ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0);
}

Error Client::error(const std::string& wanted, rd_kafka_resp_err_t code, const std::string& said) const {
  const std::string& url = parts_.settings.url;
  std::string words = wanted + ": " + (said.empty() ? rd_kafka_err2str(code) : first_line(said));
  if (is_fence(code)) return Error(ErrorCode::kFenced, words, url, "another member has taken over");
  if (is_absence(code)) return Error(ErrorCode::kNotFound, words, url);
  if (is_refusal(code)) return Error(ErrorCode::kUnreachable, words, url, kRightsHint);
  std::string trouble;
  std::string token_trouble;
  bool has_worked = false;
  {
    const MutexLock lock(mutex_);
    trouble = trouble_;
    token_trouble = token_trouble_;
    has_worked = has_worked_;
  }
  if (!token_trouble.empty())
    return Error(ErrorCode::kUnreachable, wanted + ": " + token_trouble, url, kLoginHint, true);
  if (is_definite(code)) return Error(ErrorCode::kUnreachable, words, url);
  if (!trouble.empty()) words += " (" + trouble + ")";
  // A login that was right before fails where a broker is starting, or a token has run out.
  if (is_login_failure(code) || trouble.find("uthenticat") != std::string::npos)
    return Error(ErrorCode::kUnreachable, words, url, kLoginHint, has_worked);
  return Error(ErrorCode::kUnreachable, words, url, kReachHint, true);
}

void Client::worked() const {
  const MutexLock lock(mutex_);
  has_worked_ = true;
  trouble_.clear();
}

void Client::hear(const std::string& trouble) {
  const MutexLock lock(mutex_);
  trouble_ = trouble;
}

// librdkafka says here what no answer carries: why a connection failed. Lines look like
// "[thrd:127.0.0.1:1/bootstrap]: 127.0.0.1:1/bootstrap: Connect to … failed: Connection refused (after …)".
void Client::on_log(const rd_kafka_t* handle, int level, const char* /*facility*/, const char* text) {
  constexpr int kError = 3;
  auto* const self = static_cast<Client*>(rd_kafka_opaque(handle));
  if (self == nullptr || level > kError || text == nullptr) return;
  std::string words = first_line(text);
  if (const std::size_t thread = words.find("]: ");
      words.starts_with("[thrd:") && thread != std::string::npos)
    words.erase(0, thread + 3);
  if (const std::size_t tail = words.find(" (after "); tail != std::string::npos) words.resize(tail);
  self->hear(words);
}

void Client::on_error(rd_kafka_t* /*handle*/, int code, const char* reason, void* self) {
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || reason == nullptr) return;
  static_cast<Client*>(self)->hear(first_line(reason));
}

void Client::on_throttle(rd_kafka_t* /*handle*/, const char* /*broker*/, std::int32_t /*id*/,
                         int milliseconds, void* self) {
  auto* const client = static_cast<Client*>(self);
  {
    const MutexLock lock(client->mutex_);
    if (milliseconds == 0 || std::exchange(client->throttle_told_, true)) return;
  }
  if (!client->parts_.notice) return;
  client->parts_.notice("the hub slows us down: its answers wait " + std::to_string(milliseconds) +
                        " ms and more. Its quota, or its throughput units, are used up");
}

void Client::on_token_wanted(rd_kafka_t* handle, const char* /*config*/, void* self) {
  auto* const client = static_cast<Client*>(self);
  const Result<azure::AccessToken> token = client->parts_.tokens->token(client->parts_.settings.auth_scope);
  {
    const MutexLock lock(client->mutex_);
    client->token_trouble_ = token ? std::string() : token.error().message;
  }
  if (!token) {
    rd_kafka_oauthbearer_set_token_failure(handle, token.error().message.c_str());
    return;
  }
  std::array<char, 256> words{};
  const auto set = rd_kafka_oauthbearer_set_token(handle, token->value.c_str(), token->expires.ms,
                                                  "changevault", nullptr, 0, words.data(), words.size());
  if (set != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_oauthbearer_set_token_failure(handle, words.data());
}

bool passes_by_itself(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__DESTROY_BROKER:
    case RD_KAFKA_RESP_ERR_UNKNOWN:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_MEMBER_ID_REQUIRED:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_TOPIC_ID:
    case RD_KAFKA_RESP_ERR_FETCH_SESSION_ID_NOT_FOUND:
    case RD_KAFKA_RESP_ERR_INVALID_FETCH_SESSION_EPOCH:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return true;
    default:
      return false;
  }
}

Timestamp time_of(const rd_kafka_message_t& message, Timestamp now) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const Timestamp stamp{rd_kafka_message_timestamp(&message, &type)};
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || stamp.ms < 0) return now;
  return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? stamp : std::min(stamp, now);
}

PartitionList partition_list(const std::string& topic,
                             const std::vector<std::pair<std::int32_t, std::int64_t>>& places) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(places.size())));
  for (const auto& [partition, offset] : places)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  return list;
}

void set_metadata(rd_kafka_topic_partition_t& place, const std::string& metadata) {
  if (metadata.empty()) return;
  place.metadata = std::malloc(metadata.size());  // librdkafka frees it with the list
  if (place.metadata == nullptr) return;
  std::memcpy(place.metadata, metadata.data(), metadata.size());
  place.metadata_size = metadata.size();
}

}  // namespace changevault::kafka
