// The keys of the issuers of identity tokens, kept fresh while the authority runs.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "ca/authority_state.h"

namespace countersign::ca {

Task<void> Authority::State::keep_keys(JsonWebKeySource* source) {
  constexpr auto kTick = std::chrono::milliseconds(200);
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  while (!stopping.load()) {
    if (source->due()) {
      const auto asked = co_await source->fetch();  // what came of it is logged there
      static_cast<void>(asked.has_error());
    }
    timer.expires_after(kTick);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

}  // namespace countersign::ca
