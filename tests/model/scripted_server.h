// A model server that says what a test tells it to, over real sockets, with faults on demand.
#ifndef PROCTOR_TESTS_MODEL_SCRIPTED_SERVER_H_
#define PROCTOR_TESTS_MODEL_SCRIPTED_SERVER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

// What a client asked, as the server understood it.
struct SeenRequest {
  std::string method;
  // "/v1/chat/completions?x=y".
  std::string target;
  // Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // From the body, where it is a chat of either wire; the wire by the path.
  v1::ModelWire wire = v1::MODEL_WIRE_UNSPECIFIED;
  std::string model;
  bool stream = false;
  int n = 1;
  std::string system;
  // The text of all other messages, joined by line feeds.
  std::string text;
  // The pictures, decoded from base64.
  std::vector<std::string> images;
  // Of an embeddings request.
  std::vector<std::string> inputs;

  std::string Header(const std::string& name) const;
};

// What the server sends back, and how badly.
struct ScriptedReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Waits so long before the first byte. Ends early if the server stops.
  absl::Duration delay;
  // 0: with Content-Length; else chunked, in chunks of so many bytes, each sent by itself.
  size_t chunk_bytes = 0;
  // Closes the connection after so many bytes of the reply's body as framed (after the head).
  size_t cut_after = std::numeric_limits<size_t>::max();
  // Closes without a byte.
  bool hang_up = false;
  // Never replies; the connection stays until the client or the server goes.
  bool silent = false;
  // Sent instead of all this, byte for byte, then the connection closes.
  std::string raw;
};

// One choice that the server makes up.
struct ScriptedChoice {
  std::string text;
  // Of the OpenAI wire; the Anthropic one says it in its own words.
  std::string finish_reason = "stop";
  std::string reasoning = "";
  std::string refusal = "";
  // The log-probability of `text` as one token, with one alternative; 0: none.
  double log_prob = 0;
};

struct ScriptedUsage {
  int64_t input = 10;
  int64_t output = 5;
  int64_t cached = 0;
};

// A good reply in the wire of `request`, as a stream if it asked for one. The Anthropic wire sends the first choice
// only.
ScriptedReply Say(const SeenRequest& request, const std::vector<ScriptedChoice>& choices, ScriptedUsage usage = {});
// `text` for each of the n choices.
ScriptedReply SayText(const SeenRequest& request, const std::string& text);
// An error in the form of the wire.
ScriptedReply Refuse(const SeenRequest& request, int status, const std::string& type, const std::string& message);
// A vector of the length 3 for each input: its length in bytes, its place, 1.
ScriptedReply EmbedAll(const SeenRequest& request);

// Thread-safe. HTTP/1.1, keep-alive, a thread for each connection.
class ScriptedServer {
 public:
  using Script = std::function<ScriptedReply(const SeenRequest&)>;

  // `script` runs on the connections' threads, several at once.
  explicit ScriptedServer(Script script);
  // Closes all connections.
  ~ScriptedServer();

  uint16_t port() const { return port_; }
  // "http://127.0.0.1:<port>/v1".
  std::string base_url() const;

  // Requests that were read whole, oldest first.
  std::vector<SeenRequest> requests() const;
  // Waits until so many have come; false after 10 s.
  bool WaitForRequests(size_t count) const;
  // Waits until no more than `count` connections are open; false after 10 s.
  bool WaitForConnections(int count) const;
  // Connections accepted until now, and the most requests that were answered at once.
  int accepted() const;
  int most_at_once() const;

 private:
  void Accept();
  void Serve(int fd);
  // False: the connection is to be closed.
  bool Answer(int fd, const SeenRequest& request);
  bool SendBody(int fd, const ScriptedReply& reply);
  void Sleep(absl::Duration delay);

  const Script script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int answering_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<SeenRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace proctor::model

#endif  // PROCTOR_TESTS_MODEL_SCRIPTED_SERVER_H_
