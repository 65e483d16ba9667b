#include "ca/external_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace countersign::ca {
namespace {

constexpr int kCannotStart = 127;
constexpr std::size_t kKeptOutput = 4096;

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_read();
    close_write();
  }
  bool valid() const { return ends[0] >= 0; }
  void do_not_block(int end) const { ::fcntl(end, F_SETFL, O_NONBLOCK); }
  int read_end() const { return ends[0]; }
  int write_end() const { return ends[1]; }
  void close_read() { close_one(ends[0]); }
  void close_write() { close_one(ends[1]); }

 private:
  static void close_one(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  std::array<int, 2> ends{-1, -1};
};

// A program that does not read its input makes our write fail with SIGPIPE: blocked in this thread,
// and taken off again, whatever the process does with that signal.
class NoSigpipe {
 public:
  NoSigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec at_once{};
    while (::sigtimedwait(&pipe_, nullptr, &at_once) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

// Everything below, up to supervise, runs between fork and _exit in a copy of a threaded process:
// only async-signal-safe calls.

// Kills the direct children of this process; their own children then become ours (subreaper), so
// repeating it until there are none ends the whole tree, however its processes were detached.
void kill_descendants() {
  char path[64] = "/proc/thread-self/children";
  for (int round = 0; round < 10000; ++round) {
    const int list = ::open(path, O_RDONLY | O_CLOEXEC);
    if (list < 0) break;
    char text[4096];
    const ssize_t got = ::read(list, text, sizeof text - 1);
    ::close(list);
    pid_t pid = 0;
    for (ssize_t i = 0; i < got; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        ::kill(pid, SIGKILL);
        pid = 0;
      }
    }
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) break;
  }
}

// Closes all but these, and standard input, output and error: a copy of a client's socket would
// keep its connection open for as long as the program runs.
void close_all_but(std::array<int, 5> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned next = STDERR_FILENO + 1;
  for (const int fd : keep) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > next) ::close_range(next, kept - 1, 0);
    next = std::max(next, kept + 1);
  }
  ::close_range(next, ~0U, 0);
}

// The process between us and the program. Reports the wait status on `status_fd`; a closed
// `stop_fd` (the parent's end, so the parent's death counts too) is the order to kill.
[[noreturn]] void supervise(const char* program, char* const* arguments, int input, int error,
                            int discard, int status_fd, int stop_fd) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::setpgid(0, 0);
  close_all_but({input, error, discard, status_fd, stop_fd});
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(input, STDIN_FILENO);
    ::dup2(discard, STDOUT_FILENO);
    ::dup2(error, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execv(program, arguments);
    ::_exit(kCannotStart);
  }
  ::close(input);
  ::close(error);
  int status = -1;
  bool ended = child < 0;
  while (!ended) {
    const pid_t gone = ::waitpid(child, &status, WNOHANG);
    if (gone == child || (gone < 0 && errno != EINTR)) break;
    // A short poll instead of a signal handler: handlers are shared with the parent's memory model.
    pollfd stop{stop_fd, POLLIN, 0};
    if (::poll(&stop, 1, 2) > 0) ended = true;
  }
  kill_descendants();
  if (!ended) {
    const ssize_t ignored = ::write(status_fd, &status, sizeof status);
    static_cast<void>(ignored);
  }
  ::_exit(0);
}

// Takes what is there, and keeps the first part. False: nothing is there now, or ever will be.
bool collect(int fd, std::string& output) {
  char buffer[1024];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got <= 0) return got < 0 && errno == EINTR;
  output.append(buffer, std::min(kKeptOutput - output.size(), static_cast<std::size_t>(got)));
  return true;
}

Result<ProgramResult> outcome(int status, ProgramResult result) {
  if (!WIFEXITED(status)) return fail(Code::unavailable, "The program was ended by a signal.");
  result.exit_code = WEXITSTATUS(status);
  if (result.exit_code != kCannotStart) return result;
  return fail(Code::unavailable,
              "The program, or a command in it, could not be started (exit code 127).");
}

// Feeds stdin and collects stderr until the supervisor reports or the deadline passes.
Result<ProgramResult> converse(Pipe& input, Pipe& error, Pipe& status, std::string_view text,
                               std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  ProgramResult result;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return fail(Code::unavailable, "The program did not answer within " +
                                         std::to_string(deadline.count()) + " ms and was killed.");
    }
    std::array<pollfd, 3> events{{{status.read_end(), POLLIN, 0},
                                  {error.read_end(), POLLIN, 0},
                                  {input.write_end(), POLLOUT, 0}}};
    if (::poll(events.data(), events.size(), static_cast<int>(left.count())) < 0 &&
        errno != EINTR) {
      return fail(Code::unavailable, "Cannot wait for the program.");
    }
    if (events[2].revents != 0) {
      const ssize_t put = text.empty() ? 0 : ::write(input.write_end(), text.data(), text.size());
      if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
      if (text.empty() || (put < 0 && errno != EAGAIN && errno != EINTR)) input.close_write();
    }
    if (events[1].revents != 0 && !collect(error.read_end(), result.error_output)) {
      error.close_read();
    }
    if (events[0].revents != 0) {
      int code = 0;
      if (::read(status.read_end(), &code, sizeof code) != sizeof code) {
        return fail(Code::unavailable, "The program could not be started.");
      }
      while (error.read_end() >= 0 && collect(error.read_end(), result.error_output)) {
      }
      return outcome(code, std::move(result));
    }
  }
}

}  // namespace

Result<ProgramResult> run_program(const std::filesystem::path& program, const std::string& argument,
                                  std::string_view input, std::chrono::milliseconds deadline) {
  if (::access(program.c_str(), X_OK) != 0) {
    return fail(Code::unavailable, "The program " + program.string() + " cannot be executed.");
  }
  Pipe in;
  Pipe err;
  Pipe status;
  Pipe stop;
  const int discard = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (!in.valid() || !err.valid() || !status.valid() || !stop.valid() || discard < 0) {
    if (discard >= 0) ::close(discard);
    return fail(Code::unavailable, "Too many open files to run the program.");
  }
  in.do_not_block(in.write_end());
  err.do_not_block(err.read_end());
  const NoSigpipe quiet;
  std::string name = program.string();
  std::string only = argument;
  std::array<char*, 3> arguments{name.data(), only.data(), nullptr};

  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    // These ends belong to the parent; a copy here would keep them open for ever.
    ::close(in.write_end());
    ::close(stop.write_end());
    supervise(name.c_str(), arguments.data(), in.read_end(), err.write_end(), discard,
              status.write_end(), stop.read_end());
  }
  ::close(discard);
  in.close_read();
  err.close_write();
  status.close_write();
  stop.close_read();
  if (supervisor < 0) return fail(Code::unavailable, "Cannot start a process for the program.");

  auto result = converse(in, err, status, input, deadline);
  stop.close_write();
  while (::waitpid(supervisor, nullptr, 0) < 0 && errno == EINTR) {
  }
  return result;
}

}  // namespace countersign::ca
