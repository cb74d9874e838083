// One libcurl transfer: checked, configured, its reply and its error. Private to net/.
#ifndef PROCTOR_NET_CURL_TRANSFER_H_
#define PROCTOR_NET_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "net/http_client.h"

namespace proctor::net {

// CURL and CURLM are both void: the deleters must differ.
struct CurlEasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CurlMultiDelete {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct CurlListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDelete>;
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDelete>;
using CurlList = std::unique_ptr<curl_slist, CurlListDelete>;

// Call before anything else of libcurl; once is done once.
void InitializeCurl();

// A request on its way. Its address must not change once it is configured: libcurl keeps it.
class CurlTransfer {
 public:
  explicit CurlTransfer(FetchRequest request) : request_(std::move(request)) {}
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // INVALID_ARGUMENT: malformed URL scheme, method or header; RESOURCE_EXHAUSTED: libcurl has no memory.
  absl::Status Configure();
  CURL* easy() const { return easy_.get(); }
  bool uses_tls() const;

  // What the transfer's end means, apart from the caller's deadline and cancellation.
  absl::Status ToStatus(CURLcode code) const;
  // What came, whole or not.
  FetchReply TakeReply();

 private:
  static size_t OnBody(char* data, size_t size, size_t count, void* user);
  static size_t OnHeader(char* data, size_t size, size_t count, void* user);
  void SetMethodAndBody();
  // Whether to go on, or the transfer is refused, after a header line.
  bool TakeHeader(const std::string& line);

  FetchRequest request_;
  CurlList headers_;
  CurlEasy easy_;
  FetchReply reply_;
  size_t header_bytes_ = 0;
  // That the reply under way names for its body, besides `chunked`.
  std::vector<std::string> codings_;
  // Why the transfer was broken off; empty: it was not.
  std::string refused_;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_CURL_TRANSFER_H_
