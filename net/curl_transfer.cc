#include "net/curl_transfer.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proctor::net {
namespace {

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
    transfer.too_large_ = true;
    return 0;
  }
  transfer.reply_.body.append(data, bytes);
  return bytes;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count, void* user) {
  FetchReply& reply = static_cast<CurlTransfer*>(user)->reply_;
  const std::string line(data, size * count);
  if (absl::StartsWith(line, "HTTP/")) {
    reply.headers.clear();
    reply.body.clear();
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon != std::string::npos) {
    reply.headers.emplace_back(absl::AsciiStrToLower(line.substr(0, colon)),
                               std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return size * count;
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
  if (too_large_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("reply larger than ", request_.max_reply_bytes, " bytes"));
  }
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return absl::InvalidArgumentError("malformed URL");
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError("HTTP request took too long");
    default:
      return absl::UnavailableError(
          absl::StrCat("HTTP request failed: ", curl_easy_strerror(code)));
  }
}

FetchReply CurlTransfer::TakeReply() {
  long http_status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &http_status);
  reply_.status = static_cast<int>(http_status);
  return std::move(reply_);
}

}  // namespace proctor::net
