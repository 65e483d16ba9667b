// Who holds the connections: a bound for each source address, so that one host cannot take them
// all. Internal to api/http, but for the counts.
#ifndef COUNTERSIGN_API_HTTP_SOURCES_H_
#define COUNTERSIGN_API_HTTP_SOURCES_H_

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "api/http/connection_counts.h"
#include "api/http/tls_stream.h"
#include "policy/cidr.h"

namespace countersign::api {

// Thread-safe. Holds as many entries as there are connections, at most.
class Sources {
 public:
  struct Bounds {
    std::size_t connections;  // of one source; a tenth more are told to come back
    std::size_t handshakes;   // of one source, under way
    std::vector<policy::Cidr> unlimited;
  };
  enum class Refusal { total, source, handshakes };

  explicit Sources(Bounds bounds) : bounds_(std::move(bounds)) {}

 private:
  struct Handshake {
    std::weak_ptr<TlsStream> stream;
    std::chrono::steady_clock::time_point since;
    bool cut = false;
  };
  struct Source {
    std::size_t connections = 0;
    std::list<Handshake> handshakes;  // oldest first
    std::list<Handshake> cut;         // were told to end, and did not yet
    bool make_room(std::chrono::steady_clock::time_point now);
  };
  using Key = policy::Address;  // of IPv6 the first 64 bits: a host has all that follow
  using Map = std::map<Key, Source>;

 public:
  // One connection, from its accept to its end.
  class Place {
   public:
    Place(Sources& sources, Map::iterator source, std::list<Handshake>::iterator handshake,
          bool over)
        : sources_(sources), source_(source), handshake_(handshake), over_(over) {}
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool over() const { return over_; }           // above the bound: to be told so
    void begin(std::weak_ptr<TlsStream> stream);  // whose handshake it is
    void handshake_done();

   private:
    void leave_handshakes();
    Sources& sources_;
    Map::iterator source_;
    std::optional<std::list<Handshake>::iterator> handshake_;
    bool over_;
  };

  // Null: the connection is to be cut. A source with too many handshakes under way loses the oldest
  // of them instead, if that has been silent for a second: others behind its address may be honest.
  // The Place must not outlive this.
  std::unique_ptr<Place> enter(const boost::asio::ip::address& address);
  // Counts a refusal; one log line in ten seconds tells of all since the last.
  void refused(Refusal why, const boost::asio::ip::address& address);
  void add_to(ConnectionCounts& counts) const;

 private:
  const Bounds bounds_;
  std::atomic<std::uint64_t> refused_[3] = {};
  std::mutex mutex_;  // guards the rest
  Map map_;
  std::uint64_t unlogged_ = 0;
  std::chrono::steady_clock::time_point logged_;
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_SOURCES_H_
