// Boost.Asio with coroutines, the way it compiles here. For .cc files of this folder only (5 s a
// translation unit).
#ifndef PROCTOR_NET_ASIO_H_
#define PROCTOR_NET_ASIO_H_

// Asio 1.74 uses std::exchange without including it.
#include <utility>

// Asio 1.74 knows only clang's experimental coroutines; clang 14 has the standard ones.
#if defined(__clang__)
#define BOOST_ASIO_HAS_CO_AWAIT 1
#define BOOST_ASIO_HAS_STD_COROUTINE 1
#endif

#include "boost/asio.hpp"

namespace proctor::net {

namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Completion token: `co_await Operation(..., Catch(error))` sets `error` instead of throwing.
inline auto Catch(ErrorCode& error) { return asio::redirect_error(asio::use_awaitable, error); }

}  // namespace proctor::net

#endif  // PROCTOR_NET_ASIO_H_
