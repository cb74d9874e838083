#include "tests/model/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::model {
namespace {

void Die(const char* what) {
  perror(what);
  abort();
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// Reads one request; nothing at the end of the connection.
std::optional<std::pair<std::string, std::string>> ReadHeadAndBody(int fd, std::string& pending) {
  size_t head_end = std::string::npos;
  const auto fill = [&] {
    char buffer[65536];
    const ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
    if (count > 0) pending.append(buffer, static_cast<size_t>(count));
    return count > 0;
  };
  while ((head_end = pending.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  std::string head = pending.substr(0, head_end);
  pending.erase(0, head_end + 4);
  size_t length = 0;
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    constexpr absl::string_view kName = "content-length:";
    if (!absl::StartsWithIgnoreCase(line, kName)) continue;
    if (!absl::SimpleAtoi(line.substr(kName.size()), &length)) return std::nullopt;
  }
  while (pending.size() < length) {
    if (!fill()) return std::nullopt;
  }
  std::string body = pending.substr(0, length);
  pending.erase(0, length);
  return std::make_pair(std::move(head), std::move(body));
}

void ReadPart(const Json& part, std::string& text, SeenRequest& request) {
  const std::string said = JsonStringOr(part, "text");
  if (!said.empty()) absl::StrAppend(&text, text.empty() ? "" : "\n", said);
  std::string encoded;
  if (part.contains("image_url")) encoded = JsonStringOr(part["image_url"], "url");
  if (part.contains("source")) encoded = JsonStringOr(part["source"], "data");
  if (encoded.empty()) return;
  const size_t comma = encoded.find(',');
  std::string image;
  absl::Base64Unescape(comma == std::string::npos ? encoded : encoded.substr(comma + 1), &image);
  request.images.push_back(std::move(image));
}

void ReadChat(SeenRequest& request) {
  const auto json = ParseJson(request.body);
  if (!json.ok() || !json->is_object()) return;
  request.model = JsonStringOr(*json, "model");
  request.stream = JsonBoolOr(*json, "stream");
  request.n = static_cast<int>(JsonNumberOr(*json, "n", 1));
  request.system = JsonStringOr(*json, "system");
  if (json->contains("input")) {
    for (const Json& input : (*json)["input"]) request.inputs.push_back(input.get<std::string>());
  }
  if (!json->contains("messages")) return;
  for (const Json& message : (*json)["messages"]) {
    std::string& text = JsonStringOr(message, "role") == "system" ? request.system : request.text;
    const Json& content = message["content"];
    if (content.is_string()) absl::StrAppend(&text, text.empty() ? "" : "\n", content.get<std::string>());
    if (!content.is_array()) continue;
    for (const Json& part : content) ReadPart(part, text, request);
  }
}

SeenRequest Understand(const std::string& head, std::string body) {
  SeenRequest request;
  const std::vector<std::string> lines = absl::StrSplit(head, "\r\n");
  const std::vector<std::string> first = absl::StrSplit(lines[0], ' ');
  request.method = first[0];
  request.target = first.size() > 1 ? first[1] : "";
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (colon == std::string::npos) continue;
    request.headers.emplace_back(absl::AsciiStrToLower(lines[i].substr(0, colon)),
                                 std::string(absl::StripAsciiWhitespace(lines[i].substr(colon + 1))));
  }
  request.body = std::move(body);
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (absl::EndsWith(path, "/messages")) request.wire = v1::MODEL_WIRE_ANTHROPIC_MESSAGES;
  if (absl::EndsWith(path, "/chat/completions")) request.wire = v1::MODEL_WIRE_OPENAI_CHAT;
  ReadChat(request);
  return request;
}

}  // namespace

std::string SeenRequest::Header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0) Die("bind");
  if (listen(listener_, 1024) != 0) Die("listen");
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    changed_.SignalAll();
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listener_);
}

std::string ScriptedServer::base_url() const { return absl::StrCat("http://127.0.0.1:", port_, "/v1"); }

void ScriptedServer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // Each piece is a packet of its own.
    MutexLock lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    ++accepted_;
    open_.insert(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void ScriptedServer::Serve(int fd) {
  std::string pending;
  while (auto read = ReadHeadAndBody(fd, pending)) {
    const SeenRequest request = Understand(read->first, std::move(read->second));
    {
      MutexLock lock(mutex_);
      requests_.push_back(request);
      most_at_once_ = std::max(most_at_once_, ++answering_);
      changed_.SignalAll();
    }
    const bool keep = Answer(fd, request);
    MutexLock lock(mutex_);
    --answering_;
    if (!keep || stopping_) break;
  }
  MutexLock lock(mutex_);
  open_.erase(fd);
  close(fd);
  changed_.SignalAll();
}

bool ScriptedServer::Answer(int fd, const SeenRequest& request) {
  const ScriptedReply reply = script_(request);
  Sleep(reply.delay);
  if (reply.hang_up) return false;
  if (reply.silent) {
    char byte = 0;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
    return false;
  }
  if (!reply.raw.empty()) {
    SendAll(fd, reply.raw);
    return false;
  }
  std::string head = absl::StrCat("HTTP/1.1 ", reply.status, " Scripted\r\n");
  for (const auto& [name, value] : reply.headers) absl::StrAppend(&head, name, ": ", value, "\r\n");
  if (reply.chunk_bytes > 0) {
    absl::StrAppend(&head, "transfer-encoding: chunked\r\n\r\n");
  } else {
    absl::StrAppend(&head, "content-length: ", reply.body.size(), "\r\n\r\n");
  }
  return SendAll(fd, head) && SendBody(fd, reply);
}

bool ScriptedServer::SendBody(int fd, const ScriptedReply& reply) {
  size_t left = reply.cut_after;
  const auto send_piece = [&](std::string_view piece) {
    const std::string_view part = piece.substr(0, left);
    left -= part.size();
    return SendAll(fd, part) && part.size() == piece.size();
  };
  if (reply.chunk_bytes == 0) return send_piece(reply.body);
  for (size_t at = 0; at < reply.body.size(); at += reply.chunk_bytes) {
    const std::string chunk = reply.body.substr(at, reply.chunk_bytes);
    if (!send_piece(absl::StrCat(absl::Hex(chunk.size()), "\r\n", chunk, "\r\n"))) return false;
  }
  return send_piece("0\r\n\r\n");
}

void ScriptedServer::Sleep(absl::Duration delay) {
  const absl::Time end = absl::Now() + delay;
  MutexLock lock(mutex_);
  while (!stopping_ && absl::Now() < end) changed_.WaitFor(mutex_, end - absl::Now());
}

std::vector<SeenRequest> ScriptedServer::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

bool ScriptedServer::WaitForRequests(size_t count) const {
  const absl::Time end = absl::Now() + absl::Seconds(10);
  MutexLock lock(mutex_);
  while (requests_.size() < count && absl::Now() < end) changed_.WaitFor(mutex_, end - absl::Now());
  return requests_.size() >= count;
}

bool ScriptedServer::WaitForConnections(int count) const {
  const absl::Time end = absl::Now() + absl::Seconds(10);
  MutexLock lock(mutex_);
  while (static_cast<int>(open_.size()) > count && absl::Now() < end) changed_.WaitFor(mutex_, end - absl::Now());
  return static_cast<int>(open_.size()) <= count;
}

int ScriptedServer::accepted() const {
  MutexLock lock(mutex_);
  return accepted_;
}

int ScriptedServer::most_at_once() const {
  MutexLock lock(mutex_);
  return most_at_once_;
}

}  // namespace proctor::model
