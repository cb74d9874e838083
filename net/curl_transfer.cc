#include "net/curl_transfer.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace proctor::net {
namespace {

// zlib's: of each byte they make a thousand at most. Others make far more, and take up to 128 MiB for it.
constexpr char kCodings[] = "gzip, deflate";
// All of a transfer's. libcurl has a bound for those before a body, and none for those after it.
constexpr size_t kMaxHeaderBytes = 256 << 10;

bool HasLineBreak(const std::string& text) {
  return text.find_first_of("\r\n\0", 0, 3) != std::string::npos;
}

absl::Status CheckRequest(const FetchRequest& request) {
  if (!absl::StartsWithIgnoreCase(request.url, "http://") &&
      !absl::StartsWithIgnoreCase(request.url, "https://")) {
    return absl::InvalidArgumentError("the URL must begin with http:// or https://");
  }
  const bool letters =
      std::all_of(request.method.begin(), request.method.end(), absl::ascii_isupper);
  if (request.method.empty() || !letters)
    return absl::InvalidArgumentError("malformed HTTP method");
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || HasLineBreak(name) || HasLineBreak(value)) {
      return absl::InvalidArgumentError("malformed HTTP header");
    }
  }
  return absl::OkStatus();
}

// What libcurl would decode because of this header; it reads transfer codings even where none was asked for.
std::vector<std::string> CodingsOf(const std::string& name, const std::string& value) {
  std::vector<std::string> codings;
  if (name != "content-encoding" && name != "transfer-encoding") return codings;
  for (const absl::string_view part : absl::StrSplit(value, ',')) {
    std::string coding = absl::AsciiStrToLower(absl::StripAsciiWhitespace(part));
    if (!coding.empty() && coding != "identity" && coding != "chunked") codings.push_back(std::move(coding));
  }
  return codings;
}

// Codings inside each other multiply: a reply of 14 KiB kept libcurl busy for 20 s, past every deadline and for all other
// requests of its thread, without one byte of a body.
bool AreTaken(const std::vector<std::string>& codings) {
  if (codings.empty()) return true;
  return codings.size() == 1 && (codings[0] == "gzip" || codings[0] == "x-gzip" || codings[0] == "deflate");
}

}  // namespace

void InitializeCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<CurlTransfer*>(user);
  const size_t bytes = size * count;
  const auto limit = static_cast<size_t>(transfer.request_.max_reply_bytes);
  if (transfer.reply_.body.size() + bytes > limit) {
    transfer.refused_ = absl::StrCat("reply larger than ", limit, " bytes");
    return 0;
  }
  transfer.reply_.body.append(data, bytes);
  return bytes;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count, void* user) {
  return static_cast<CurlTransfer*>(user)->TakeHeader(std::string(data, size * count)) ? size * count : 0;
}

bool CurlTransfer::TakeHeader(const std::string& line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    refused_ = absl::StrCat("reply with more than ", kMaxHeaderBytes, " bytes of headers");
    return false;
  }
  if (absl::StartsWith(line, "HTTP/")) {
    reply_.headers.clear();
    reply_.body.clear();
    return true;
  }
  if (absl::StartsWith(line, "\r") || absl::StartsWith(line, "\n")) {
    // The end of a reply's headers: with the next reply the codings begin anew, unless this one only goes before it.
    long http_status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &http_status);
    if (http_status / 100 != 1) codings_.clear();
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == std::string::npos) return true;
  auto& [name, value] = reply_.headers.emplace_back(absl::AsciiStrToLower(line.substr(0, colon)),
                                                    std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  for (std::string& coding : CodingsOf(name, value)) codings_.push_back(std::move(coding));
  if (AreTaken(codings_)) return true;
  refused_ = absl::StrCat("reply in the coding `", absl::StrJoin(codings_, ", "), "`: one of ", kCodings, " is taken, and no second one");
  return false;
}

void CurlTransfer::SetMethodAndBody() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (request_.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request_.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
  }
}

absl::Status CurlTransfer::Configure() {
  if (absl::Status status = CheckRequest(request_); !status.ok()) return status;
  easy_.reset(curl_easy_init());
  if (easy_ == nullptr) return absl::ResourceExhaustedError("libcurl has no memory");
  // An empty Expect keeps libcurl from waiting a second for "100 Continue".
  headers_.reset(curl_slist_append(nullptr, "Expect:"));
  for (const auto& [name, value] : request_.headers) {
    // "name;" is libcurl's way to send a header without a value.
    const std::string line =
        value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value);
    curl_slist_append(headers_.get(), line.c_str());
  }
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Or a transfer that ends while its host is looked up waits for the system's resolver, whatever its deadline.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, kCodings);
  curl_easy_setopt(easy, CURLOPT_PROXY, request_.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  SetMethodAndBody();
  if (request_.max_redirects > 0) {
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(request_.max_redirects));
  }
  if (!request_.ca_certificate_pem.empty()) {
    curl_blob blob{.data = request_.ca_certificate_pem.data(),
                   .len = request_.ca_certificate_pem.size(),
                   .flags = CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  return absl::OkStatus();
}

bool CurlTransfer::uses_tls() const { return absl::StartsWithIgnoreCase(request_.url, "https:"); }

absl::Status CurlTransfer::ToStatus(CURLcode code) const {
  if (code == CURLE_OK) return absl::OkStatus();
  if (!refused_.empty()) return absl::ResourceExhaustedError(refused_);
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return absl::InvalidArgumentError("malformed URL");
    case CURLE_OPERATION_TIMEDOUT:
      // libcurl has no other limit of time here than that for a connection.
      return absl::UnavailableError("HTTP request failed: no connection came about in time");
    default:
      return absl::UnavailableError(
          absl::StrCat("HTTP request failed: ", curl_easy_strerror(code)));
  }
}

FetchReply CurlTransfer::TakeReply() {
  long http_status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &http_status);
  reply_.status = static_cast<int>(http_status);
  long sent_bytes = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &sent_bytes);
  reply_.sent = sent_bytes > 0;
  return std::move(reply_);
}

}  // namespace proctor::net
