#include "tests/bench/load.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>

namespace countersign::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kFailuresShown = 5;

class Load {
 public:
  Load(Work& work, Dialler& dialler, const LoadOptions& options)
      : work_(work), dialler_(dialler), options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Load() {
    for (Client& client : clients_) close(client);
    ::close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadResult run() {
    for (std::size_t i = 0; i < options_.connections; ++i) {
      Client& client = clients_.emplace_back();
      if (work_.repeats()) client.job = i;
      if (options_.connect != Connect::kept) continue;
      open(client);
      handshake_now(client.tls.get(), client.socket);
      client.phase = Phase::idle;
    }
    result_.begin = std::chrono::system_clock::now();
    begin_ = Clock::now();
    for (Client& client : clients_) free_.push_back(&client);
    std::array<::epoll_event, 64> events{};
    while (start_jobs() || busy_ > 0) {
      const ::timespec wait = until_next_arrival();
      const int count =
          ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
      for (int i = 0; i < count; ++i) {
        step(*static_cast<Client*>(events.at(static_cast<std::size_t>(i)).data.ptr));
        start_jobs();
      }
      end_stalled();
    }
    result_.took = Clock::now() - begin_;
    return std::move(result_);
  }

 private:
  enum class Phase { idle, handshake, write, read };
  struct Client {
    int socket = -1;
    Connection tls;
    Phase phase = Phase::idle;
    bool busy = false;
    std::size_t job = 0;
    std::size_t step = 0;
    std::string request;
    std::string input;
    Clock::time_point arrival;
    Clock::time_point start;
  };

  bool open_loop() const { return !options_.arrivals.empty(); }
  bool exhausted() const {
    if (open_loop() && next_arrival_ == options_.arrivals.size()) return true;
    return !work_.repeats() && next_job_ == work_.jobs() && again_.empty();
  }

  // Begins what is due. False if no job is left to begin.
  bool start_jobs() {
    const auto now = Clock::now();
    if (exhausted() || now - begin_ >= options_.time) return false;
    while (!exhausted()) {
      Clock::time_point arrival = now;
      if (open_loop()) {
        arrival = begin_ + options_.arrivals[next_arrival_];
        if (arrival > now) break;
      }
      if (free_.empty()) {
        if (!open_loop() || options_.wait_for_connection) break;
        ++result_.not_offered;
        ++next_arrival_;
        continue;
      }
      Client& client = *free_.back();
      free_.pop_back();
      if (open_loop()) ++next_arrival_;
      // What the generator itself is late with is not the service's.
      if (!options_.wait_for_connection) arrival = Clock::now();
      if (!work_.repeats()) client.job = next_job();
      start(client, arrival);
    }
    return true;
  }

  // What was refused before anything came of it is asked for again, once all had their turn.
  std::size_t next_job() {
    if (next_job_ < work_.jobs()) return next_job_++;
    const std::size_t job = again_.front();
    again_.pop_front();
    return job;
  }

  ::timespec until_next_arrival() const {
    std::chrono::nanoseconds wait = std::chrono::milliseconds(200);
    if (open_loop() && !exhausted() && !free_.empty()) {
      const auto next = begin_ + options_.arrivals[next_arrival_];
      wait = std::clamp<std::chrono::nanoseconds>(next - Clock::now(), std::chrono::nanoseconds(0),
                                                  wait);
    }
    return {.tv_sec = 0, .tv_nsec = wait.count()};
  }

  void start(Client& client, Clock::time_point arrival) {
    client.busy = true;
    ++busy_;
    client.arrival = arrival;
    client.start = Clock::now();
    client.step = 0;
    ask(client);
    step(client);
  }

  void ask(Client& client) {
    // With one a job it is the client that closes: an answer that ends with its connection needs
    // not be read then.
    const bool close = options_.connect == Connect::each_request;
    client.request = work_.request(client.job, client.step, close);
    client.input.clear();
    if (client.socket < 0) {
      open(client);
    } else {
      client.phase = Phase::write;
    }
  }

  void open(Client& client) {
    client.socket = dialler_.connect();
    client.tls = dialler_.tls(client.socket, work_.holder(client.job));
    client.phase = Phase::handshake;
    ::epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &client;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
  }

  static void close(Client& client) {
    client.tls.reset();
    ::ERR_clear_error();  // or the next connection is told of this one's end
    if (client.socket >= 0) ::close(client.socket);
    client.socket = -1;
  }

  // The service may end a connection that nobody uses: then the next job opens another.
  static void look_at_idle(Client& client) {
    if (client.socket < 0) return;
    char nothing = 0;
    const int done = ::SSL_read(client.tls.get(), &nothing, 1);
    if (::SSL_get_error(client.tls.get(), done) != SSL_ERROR_WANT_READ) close(client);
  }

  // Goes on as far as the socket lets it.
  void step(Client& client) {
    if (!client.busy) return look_at_idle(client);
    while (client.busy) {
      int done = 0;
      switch (client.phase) {
        case Phase::idle:
          return;
        case Phase::handshake:
          done = ::SSL_do_handshake(client.tls.get());
          if (done == 1) client.phase = Phase::write;
          break;
        case Phase::write:
          done = ::SSL_write(client.tls.get(), client.request.data(),
                             static_cast<int>(client.request.size()));
          if (done > 0) client.phase = Phase::read;
          break;
        case Phase::read:
          done = ::SSL_read(client.tls.get(), buffer_.data(), static_cast<int>(buffer_.size()));
          if (done > 0) {
            client.input.append(buffer_.data(), static_cast<std::size_t>(done));
            if (const auto answer = whole_answer(client.input)) take(client, *answer);
          }
          break;
      }
      if (done > 0) continue;
      const int why = ::SSL_get_error(client.tls.get(), done);
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
      fail(client, "the connection ended in the middle");
    }
  }

  void take(Client& client, const Answer& answer) {
    client.phase = Phase::idle;
    if (answer.status == 503 && answer.retry_after) {
      if (answer.closes || options_.connect != Connect::kept) close(client);
      return end(client, Outcome::refused);
    }
    const std::string problem = work_.take(client.job, client.step, answer);
    if (!problem.empty()) return fail(client, problem);
    ++client.step;
    const bool done = client.step == work_.steps();
    if (options_.connect == Connect::each_request ||
        (options_.connect == Connect::each_job && done) || answer.closes) {
      ::SSL_shutdown(client.tls.get());
      close(client);
    }
    if (done) return end(client, Outcome::done);
    ask(client);
  }

  void fail(Client& client, const std::string& what) {
    if (result_.failures.size() < kFailuresShown) {
      result_.failures.push_back("job " + std::to_string(client.job) + ": " + what);
    }
    close(client);
    end(client, Outcome::failed);
  }

  void end(Client& client, Outcome outcome) {
    const std::chrono::duration<float> at = client.arrival - begin_;
    const std::chrono::duration<float, std::milli> took = Clock::now() - client.arrival;
    result_.jobs.push_back({at.count(), took.count(), static_cast<std::uint32_t>(client.job),
                            outcome, client.step > 0});
    if (outcome == Outcome::refused && client.step == 0 && !work_.repeats()) {
      again_.push_back(client.job);
    }
    client.busy = false;
    --busy_;
    free_.push_back(&client);
  }

  void end_stalled() {
    const auto now = Clock::now();
    if (now - last_look_ < std::chrono::milliseconds(500)) return;
    last_look_ = now;
    for (Client& client : clients_) {
      if (client.busy && now - client.start >= options_.stalled) fail(client, "no answer");
    }
  }

  Work& work_;
  Dialler& dialler_;
  const LoadOptions& options_;
  int epoll_ = -1;
  std::array<char, 65536> buffer_{};
  std::deque<Client> clients_;  // addresses stay
  std::vector<Client*> free_;
  std::size_t next_job_ = 0;
  std::deque<std::size_t> again_;
  std::size_t next_arrival_ = 0;
  std::size_t busy_ = 0;
  Clock::time_point begin_;
  Clock::time_point last_look_;
  LoadResult result_;
};

}  // namespace

LoadResult drive(Work& work, Dialler& dialler, const LoadOptions& options) {
  return Load(work, dialler, options).run();
}

}  // namespace countersign::bench
