#include "api/http/sources.h"

#include <algorithm>

#include "base/log.h"

namespace countersign::api {

namespace net = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

// A handshake takes two round trips of an honest peer.
constexpr auto kSilent = std::chrono::seconds(1);
constexpr auto kLogEach = std::chrono::seconds(10);

policy::Address bytes_of(const net::ip::address& address) {
  const auto v6 = address.is_v4() ? net::ip::make_address_v6(net::ip::v4_mapped, address.to_v4())
                                  : address.to_v6();
  policy::Address bytes{};
  std::ranges::copy(v6.to_bytes(), bytes.begin());
  return bytes;
}

policy::Address source_of(policy::Address bytes, const net::ip::address& address) {
  const bool v4 = address.is_v4() || address.to_v6().is_v4_mapped();
  if (!v4) std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return bytes;
}

constexpr std::string_view kReasons[] = {"too many connections", "too many of this source",
                                         "too many handshakes of this source"};

}  // namespace

// Cuts the oldest handshake if it has been silent for long.
bool Sources::Source::make_room(Clock::time_point now) {
  if (handshakes.empty() || now - handshakes.front().since < kSilent) return false;
  handshakes.front().cut = true;
  if (const auto stream = handshakes.front().stream.lock()) stream->cut();
  cut.splice(cut.end(), handshakes, handshakes.begin());
  return true;
}

std::unique_ptr<Sources::Place> Sources::enter(const net::ip::address& address) {
  const policy::Address bytes = bytes_of(address);
  const bool bounded = !policy::contains(bounds_.unlimited, bytes);
  std::optional<Refusal> why;
  std::unique_ptr<Place> place;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = map_.try_emplace(source_of(bytes, address)).first;
    Source& source = entry->second;
    const auto now = Clock::now();
    const bool over = bounded && source.connections >= bounds_.connections;
    bool enters = true;
    if (over) {
      why = Refusal::source;
      enters = source.connections < bounds_.connections + bounds_.connections / 10 + 1;
    }
    if (enters && bounded && source.handshakes.size() >= bounds_.handshakes) {
      why = Refusal::handshakes;
      enters = source.make_room(now);
    }
    if (enters) {
      ++source.connections;
      const auto handshake = source.handshakes.insert(source.handshakes.end(), Handshake{{}, now});
      place = std::make_unique<Place>(*this, entry, handshake, over);
    } else if (source.connections == 0) {
      map_.erase(entry);
    }
  }
  if (why) refused(*why, address);
  return place;
}

Sources::Place::~Place() {
  const std::lock_guard lock(sources_.mutex_);
  leave_handshakes();
  if (--source_->second.connections == 0) sources_.map_.erase(source_);
}

void Sources::Place::begin(std::weak_ptr<TlsStream> stream) {
  const std::lock_guard lock(sources_.mutex_);
  (*handshake_)->stream = std::move(stream);
}

void Sources::Place::handshake_done() {
  const std::lock_guard lock(sources_.mutex_);
  leave_handshakes();
}

void Sources::Place::leave_handshakes() {
  if (!handshake_) return;
  Source& source = source_->second;
  ((*handshake_)->cut ? source.cut : source.handshakes).erase(*handshake_);
  handshake_.reset();
}

void Sources::refused(Refusal why, const net::ip::address& address) {
  const auto index = static_cast<std::size_t>(why);
  refused_[index].fetch_add(1, std::memory_order_relaxed);
  std::uint64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    ++unlogged_;
    const auto now = Clock::now();
    if (logged_ != Clock::time_point() && now - logged_ < kLogEach) return;
    logged_ = now;
    count = std::exchange(unlogged_, 0);
  }
  log::warn(
      "connections_refused",
      {{"count", count}, {"last_source", address.to_string()}, {"last_reason", kReasons[index]}});
}

void Sources::add_to(ConnectionCounts& counts) const {
  counts.refused_total = refused_[0].load(std::memory_order_relaxed);
  counts.refused_source = refused_[1].load(std::memory_order_relaxed);
  counts.refused_handshakes = refused_[2].load(std::memory_order_relaxed);
}

}  // namespace countersign::api
