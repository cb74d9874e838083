#include "http2_server.h"

#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>

#include <cstdlib>

namespace proctor::net {
namespace {

constexpr uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6;
constexpr uint8_t kAck = 1, kEndStream = 1, kEndHeaders = 4;

int ChooseHttp2(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered, unsigned int size,
                void*) {
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, length, kHttp2, sizeof(kHttp2), offered, size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool ReadExactly(SSL* ssl, std::string& bytes, size_t count) {
  bytes.assign(count, '\0');
  for (size_t at = 0; at < count;) {
    const int got = SSL_read(ssl, bytes.data() + at, static_cast<int>(count - at));
    if (got <= 0) return false;
    at += static_cast<size_t>(got);
  }
  return true;
}

void Send(SSL* ssl, uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  frame += payload;
  SSL_write(ssl, frame.data(), static_cast<int>(frame.size()));
}

}  // namespace

Http2Server::Http2Server(const std::string& certificate_pem, const std::string& key_pem, int hold)
    : context_(SSL_CTX_new(TLS_server_method())), hold_(hold) {
  BIO* certificate_text = BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size()));
  BIO* key_text = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  X509* certificate = PEM_read_bio_X509(certificate_text, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  if (SSL_CTX_use_certificate(context_.get(), certificate) != 1 || SSL_CTX_use_PrivateKey(context_.get(), key) != 1) {
    abort();
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_text);
  BIO_free(key_text);
  SSL_CTX_set_alpn_select_cb(context_.get(), ChooseHttp2, nullptr);
  listener_ = std::make_unique<RawServer>([this](const RawPeer& peer) { Serve(peer.fd()); });
}

Http2Server::~Http2Server() = default;

void Http2Server::set_hold(int requests) {
  MutexLock lock(mutex_);
  hold_ = requests;
}

int Http2Server::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

int Http2Server::resets() const {
  MutexLock lock(mutex_);
  return resets_;
}

void Http2Server::Serve(int fd) {
  // SSL_write has no MSG_NOSIGNAL: a client that went away first would end the test. This thread has no other client.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
  SSL_set_fd(ssl.get(), fd);
  std::string bytes;
  constexpr size_t kPrefaceBytes = 24, kHeadBytes = 9;
  if (SSL_accept(ssl.get()) != 1 || !ReadExactly(ssl.get(), bytes, kPrefaceBytes)) return;
  Send(ssl.get(), kSettings, 0, 0, "");
  while (ReadExactly(ssl.get(), bytes, kHeadBytes)) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
    const size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
    const auto type = static_cast<uint8_t>(byte(3)), flags = static_cast<uint8_t>(byte(4));
    const uint32_t stream = (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7FFFFFFF;
    if (!ReadExactly(ssl.get(), bytes, length)) return;
    if (type == kSettings && (flags & kAck) == 0) Send(ssl.get(), kSettings, kAck, 0, "");
    if (type == kPing && (flags & kAck) == 0) Send(ssl.get(), kPing, kAck, 0, bytes);
    OnFrame(ssl.get(), type, stream);
  }
}

void Http2Server::OnFrame(SSL* ssl, uint8_t type, uint32_t stream) {
  {
    MutexLock lock(mutex_);
    if (type == kHeaders) {
      ++requests_;
      open_.insert(stream);
    } else if (type == kReset) {
      resets_ += static_cast<int>(open_.erase(stream));
    }
  }
  AnswerAll(ssl);
}

void Http2Server::AnswerAll(SSL* ssl) {
  std::set<uint32_t> ready;
  {
    MutexLock lock(mutex_);
    if (requests_ < hold_) return;
    ready.swap(open_);
  }
  for (const uint32_t stream : ready) {
    Send(ssl, kHeaders, kEndHeaders, stream, "\x88");  // ":status: 200" in HPACK's table.
    Send(ssl, kData, kEndStream, stream, "h2");
  }
}

}  // namespace proctor::net
