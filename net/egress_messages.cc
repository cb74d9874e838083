#include "net/egress_messages.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/egress_proxy.h"

namespace proctor::net {

namespace http = boost::beast::http;

std::string ToString(boost::beast::string_view view) { return std::string(view.data(), view.size()); }

std::string_view FramingObjection(const http::fields& fields) {
  const size_t lengths = fields.count(http::field::content_length);
  const size_t codings = fields.count(http::field::transfer_encoding);
  // The parser takes a length that is said twice. Whoever reads the message next may not.
  if (lengths + codings > 1) return "more than one field that says where the body ends";
  if (lengths == 1 && absl::StrContains(ToString(fields[http::field::content_length]), ',')) return "a length that is said twice";
  if (codings > 0 &&
      !absl::EqualsIgnoreCase(ToString(fields[http::field::transfer_encoding]), "chunked")) {
    return "unsupported transfer coding";
  }
  return "";
}

std::string_view Objection(const RequestParser& parser) {
  if (parser.get().count(http::field::host) > 1) return "more than one Host header";
  if (parser.get().version() < 11 && parser.get().method() != http::verb::connect) {
    return "the HTTP version is too old";
  }
  return FramingObjection(parser.get());
}

bool IsUpgrade(const RequestParser& parser) {
  return parser.get().count(http::field::upgrade) > 0 &&
         http::token_list(parser.get()[http::field::connection]).exists("upgrade");
}

void RemoveHopByHop(http::fields& fields, bool upgrade) {
  std::vector<std::string> named;
  for (const auto& field : fields) {
    if (field.name() != http::field::connection && field.name() != http::field::proxy_connection)
      continue;
    for (absl::string_view token : absl::StrSplit(ToString(field.value()), ',')) {
      named.emplace_back(absl::StripAsciiWhitespace(token));
    }
  }
  for (const std::string& name : named) {
    // Framing is the parser's and the serializer's business.
    if (absl::EqualsIgnoreCase(name, "transfer-encoding") ||
        absl::EqualsIgnoreCase(name, "content-length") || absl::EqualsIgnoreCase(name, "host")) {
      continue;
    }
    if (!name.empty() && !(upgrade && absl::EqualsIgnoreCase(name, "upgrade"))) fields.erase(name);
  }
  for (const auto field :
       {http::field::connection, http::field::proxy_connection, http::field::keep_alive,
        http::field::proxy_authorization, http::field::proxy_authenticate, http::field::te,
        http::field::trailer}) {
    fields.erase(field);
  }
  if (upgrade) {
    fields.set(http::field::connection, "Upgrade");
  } else {
    fields.erase(http::field::upgrade);
  }
}

absl::StatusOr<Destination> ParseAbsoluteForm(const std::string& target) {
  static constexpr size_t kSchemeLength = 7;
  if (!absl::StartsWithIgnoreCase(target, "http://")) {
    return absl::InvalidArgumentError("this is a proxy: send CONNECT or an http:// URL");
  }
  const size_t end = std::min(target.find_first_of("/?#", kSchemeLength), target.size());
  auto authority =
      ParseAuthority(std::string_view(target).substr(kSchemeLength, end - kSchemeLength), 80);
  if (!authority.ok()) return authority.status();
  Destination destination{.authority = *std::move(authority), .target = target.substr(end)};
  if (destination.target.empty() || destination.target.front() != '/') {
    destination.target.insert(0, "/");
  }
  destination.target = destination.target.substr(0, destination.target.find('#'));
  return destination;
}

std::string HostHeader(const Authority& authority) {
  const bool v6 = authority.address.has_value() && !authority.address->is_v4;
  const std::string host = v6 ? absl::StrCat("[", authority.host, "]") : authority.host;
  return authority.port == 80 ? host : absl::StrCat(host, ":", authority.port);
}

void RewriteRequest(RequestParser& parser, const Destination& destination) {
  const bool upgrade = IsUpgrade(parser);
  auto& request = parser.get();
  RemoveHopByHop(request, upgrade);
  request.erase(http::field::expect);
  request.target(destination.target);
  request.set(http::field::host, HostHeader(destination.authority));
  request.version(11);
}

void RewriteReply(ResponseParser& parser, bool switched) {
  RemoveHopByHop(parser.get(), switched);
  parser.get().erase(kEgressFailureHeader);
  parser.get().version(11);
}

std::string HostPort(const Authority& authority) {
  return absl::StrCat(authority.host, ":", authority.port);
}

int HttpStatusFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kResourceExhausted:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 502;
  }
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (absl::ascii_iscntrl(c) || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return text;
}

}  // namespace proctor::net
