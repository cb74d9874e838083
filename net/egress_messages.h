// What the egress proxy reads and writes: which requests it takes, and how they look to the next hop. For .cc files of this folder only.
#ifndef PROCTOR_NET_EGRESS_MESSAGES_H_
#define PROCTOR_NET_EGRESS_MESSAGES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/beast/http.hpp"
#include "net/asio.h"
#include "net/egress_rules.h"

namespace proctor::net {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;
using ResponseParser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

std::string ToString(boost::beast::string_view view);

// Ambiguities that request smuggling lives on, beyond those that the parser refuses itself: what is wrong with the message, or "".
std::string_view FramingObjection(const boost::beast::http::fields& fields);
// The same, and what this proxy does not serve.
std::string_view Objection(const RequestParser& parser);

// Asks for another protocol on the connection.
bool IsUpgrade(const RequestParser& parser);

// Removes what concerns one hop only, and what `Connection` names; of a message that upgrades the connection all but that.
void RemoveHopByHop(boost::beast::http::fields& fields, bool upgrade);

// A target split into where to go and what to ask there.
struct Destination {
  Authority authority;
  // Origin form: "/path?query", or "*".
  std::string target;
};
// INVALID_ARGUMENT: no http:// URL.
absl::StatusOr<Destination> ParseAbsoluteForm(const std::string& target);

std::string HostHeader(const Authority& authority);

// The request as the server gets it: origin form, the destination's own Host and no other, nothing that concerns this hop.
void RewriteRequest(RequestParser& parser, const Destination& destination);
// The reply as the browser gets it; `switched`: it ends HTTP on the connection.
void RewriteReply(ResponseParser& parser, bool switched);

// "host:port", by which one place is known.
std::string HostPort(const Authority& authority);

// The status code that tells the browser why it was not served.
int HttpStatusFor(const absl::Status& status);

// Header values must not break lines, whatever a name contained.
std::string OneLine(std::string text);

}  // namespace proctor::net

#endif  // PROCTOR_NET_EGRESS_MESSAGES_H_
