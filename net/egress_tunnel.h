// Bytes both ways, whatever they mean. For .cc files of this folder only.
#ifndef PROCTOR_NET_EGRESS_TUNNEL_H_
#define PROCTOR_NET_EGRESS_TUNNEL_H_

#include <chrono>
#include <memory>

#include "boost/beast/core.hpp"
#include "net/asio.h"

namespace proctor::net {

// One side of a tunnel.
struct TunnelEnd {
  boost::beast::tcp_stream& stream;
  // What came together with the header before it; sent first.
  boost::beast::flat_buffer& early;
};

// Copies until both directions have ended, or nothing moved for `idle_timeout` (much shorter once one has ended); then both streams are closed.
// Runs on the streams' executor. `owner` owns streams and buffers, and lives until all of it has ended; closing the streams ends it soon.
asio::awaitable<void> Tunnel(std::shared_ptr<void> owner, TunnelEnd client, TunnelEnd server, std::chrono::nanoseconds idle_timeout);

}  // namespace proctor::net

#endif  // PROCTOR_NET_EGRESS_TUNNEL_H_
