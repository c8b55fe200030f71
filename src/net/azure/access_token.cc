#include "net/azure/access_token.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/mutex.h"

namespace changevault::azure {
namespace {

using Json = nlohmann::json;

constexpr Duration kEarly = minutes(5);
constexpr Duration kLongLife = hours(2);
constexpr Duration kAskAgain = seconds(30);
constexpr std::int64_t kLongestLife = 10LL * 365 * 86'400;

// When the next token is asked for.
Timestamp refresh_time(const AccessToken& token, Timestamp now) {
  const Duration life = token.expires - now;
  if (life > kLongLife) return now + milliseconds(life.ms / 2);
  // Also a token that lives for minutes serves for a while.
  return std::max(token.expires - kEarly, now + milliseconds(std::min(life.ms / 2, kAskAgain.ms)));
}

std::optional<std::int64_t> number_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (found->is_number_float()) return static_cast<std::int64_t>(found->get<double>());
  if (!found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<AccessToken> CachedTokens::token(const std::string& scope) {
  const MutexLock lock(mutex_);
  const Timestamp now = clock_.now();
  const auto kept = kept_.find(scope);
  if (kept != kept_.end() && now < kept->second.refresh) return kept->second.token;
  Result<AccessToken> fresh = inner_->token(scope);
  if (fresh) {
    kept_[scope] = {*fresh, refresh_time(*fresh, now)};
    return fresh;
  }
  if (kept == kept_.end() || kept->second.token.expires <= now) return fresh;
  kept->second.refresh = now + kAskAgain;
  return kept->second.token;
}

Result<AccessToken> read_token(const std::string& json, Timestamp now) {
  const Json answer = Json::parse(json, nullptr, false);
  const auto unreadable = [](const std::string& what) {
    return Error(ErrorCode::kUnreachable, "the token endpoint's answer " + what);
  };
  if (!answer.is_object()) return unreadable("is not a JSON object");
  const auto value = answer.find("access_token");
  if (value == answer.end() || !value->is_string() || value->get_ref<const std::string&>().empty())
    return unreadable("holds no access_token");
  AccessToken token{value->get<std::string>(), {}};
  if (const auto lasts = number_at(answer, "expires_in"); lasts && *lasts >= 0 && *lasts < kLongestLife) {
    token.expires = now + seconds(*lasts);
  } else if (const auto at = number_at(answer, "expires_on");
             at && *at >= 0 && *at < now.ms / 1000 + kLongestLife) {
    token.expires = Timestamp{*at * 1000};
  } else {
    return unreadable("does not say how long its token lasts");
  }
  return token;
}

}  // namespace changevault::azure
