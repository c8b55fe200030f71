// What the links of the chain share.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/azure/entra.h"

namespace changevault::azure {

// The variable's value; empty where it is not set.
std::string variable(const EntraParts& parts, const char* name);

// "a=1&b=2", percent-encoded; fields without a value are left out.
using FormFields = std::vector<std::pair<std::string, std::string>>;
std::string form_text(const FormFields& fields);

// "https://storage.azure.com/.default" as the resource "https://storage.azure.com".
std::string resource_of(const std::string& scope);

// Sends a request to a token endpoint and reads its token. Errors carry what the endpoint said of itself
// (`error_description`, cut to its first sentence), never the request.
Result<AccessToken> ask_endpoint(const EntraParts& parts, const HttpRequest& request);
// Of an answer that is no token.
Error endpoint_error(const HttpResponse& response, const std::string& url);

// POST of a form to the tenant's /oauth2/v2.0/token.
Result<AccessToken> ask_tenant(const EntraParts& parts, const std::string& tenant, const FormFields& fields);
std::string tenant_url(const EntraParts& parts, const std::string& tenant);

// The bytes of a file of this machine; kUnreachable where it cannot be read.
Result<std::string> read_credential_file(const std::string& path, std::size_t at_most = std::size_t{1} << 20);

}  // namespace changevault::azure
