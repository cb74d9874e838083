#include "net/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::net {
namespace {

// CURL and CURLM are both void: the deleters must differ.
struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDelete {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;
using Multi = std::unique_ptr<CURLM, MultiDelete>;
using HeaderList = std::unique_ptr<curl_slist, ListDelete>;

// What the callbacks fill.
struct Transfer {
  FetchReply reply;
  int64_t max_bytes = 0;
  bool too_large = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  if (transfer.reply.body.size() + bytes > static_cast<size_t>(transfer.max_bytes)) {
    transfer.too_large = true;
    return 0;
  }
  transfer.reply.body.append(data, bytes);
  return bytes;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string line(data, size * count);
  if (absl::StartsWith(line, "HTTP/")) {
    transfer.reply.headers.clear();
    transfer.reply.body.clear();
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon != std::string::npos) {
    transfer.reply.headers.emplace_back(
        absl::AsciiStrToLower(line.substr(0, colon)),
        std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return size * count;
}

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

absl::Status ToStatus(CURLcode code, const Transfer& transfer, const CallContext& context) {
  if (code == CURLE_OK) return absl::OkStatus();
  if (transfer.too_large) {
    return absl::ResourceExhaustedError(
        absl::StrCat("reply larger than ", transfer.max_bytes, " bytes"));
  }
  PROCTOR_RETURN_IF_ERROR(context.Check("HTTP request"));
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

void Configure(CURL* easy, const FetchRequest& request, curl_slist* headers, Transfer& transfer) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.max_redirects > 0) {
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(request.max_redirects));
  }
  if (!request.ca_certificate_pem.empty()) {
    curl_blob blob{.data = const_cast<char*>(request.ca_certificate_pem.data()),
                   .len = request.ca_certificate_pem.size(),
                   .flags = CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
}

// Runs until the transfer ends, the deadline or cancellation. Cancelling wakes the poll.
absl::Status Drive(const CallContext& context, CURLM* multi, CURLcode& code) {
  const uint64_t callback = context.cancel()->AddCallback([multi] { curl_multi_wakeup(multi); });
  absl::Status status;
  while (true) {
    status = context.Check("HTTP request");
    if (!status.ok()) break;
    int running = 0;
    curl_multi_perform(multi, &running);
    if (running == 0) break;
    constexpr absl::Duration kLongestPoll = absl::Seconds(60);
    const absl::Duration wait = std::min(context.remaining(), kLongestPoll) + absl::Milliseconds(1);
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(wait)), nullptr);
  }
  context.cancel()->RemoveCallback(callback);
  int left = 0;
  if (const CURLMsg* message = curl_multi_info_read(multi, &left)) code = message->data.result;
  return status;
}

}  // namespace

std::string FetchReply::Header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

absl::StatusOr<FetchReply> Fetch(const CallContext& context, const FetchRequest& request) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  PROCTOR_RETURN_IF_ERROR(CheckRequest(request));
  const Easy easy(curl_easy_init());
  const Multi multi(curl_multi_init());
  if (easy == nullptr || multi == nullptr)
    return absl::ResourceExhaustedError("libcurl has no memory");

  // An empty Expect keeps libcurl from waiting a second for "100 Continue".
  HeaderList headers(curl_slist_append(nullptr, "Expect:"));
  for (const auto& [name, value] : request.headers) {
    // "name;" is libcurl's way to send a header without a value.
    const std::string line =
        value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value);
    curl_slist_append(headers.get(), line.c_str());
  }
  Transfer transfer{.reply = {}, .max_bytes = request.max_reply_bytes, .too_large = false};
  Configure(easy.get(), request, headers.get(), transfer);
  curl_multi_add_handle(multi.get(), easy.get());
  CURLcode code = CURLE_OK;
  absl::Status status = Drive(context, multi.get(), code);
  curl_multi_remove_handle(multi.get(), easy.get());
  PROCTOR_RETURN_IF_ERROR(status);
  PROCTOR_RETURN_IF_ERROR(ToStatus(code, transfer, context));
  long http_status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &http_status);
  transfer.reply.status = static_cast<int>(http_status);
  return std::move(transfer.reply);
}

}  // namespace proctor::net
