#include "tests/bench/work.h"

#include <limits>
#include <utility>

namespace countersign::bench {
namespace {

constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";

std::string message(const std::string& line, std::string_view accept, bool close,
                    std::string_view type = {}, std::string_view body = {}) {
  std::string text = line + " HTTP/1.1\r\nHost: localhost\r\nAccept: ";
  text += accept;
  text += "\r\n";
  if (close) text += "Connection: close\r\n";
  if (!type.empty()) {
    text += "Content-Type: ";
    text += type;
    text += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  text += "\r\n";
  text += body;
  return text;
}

std::string unexpected(const Answer& answer) {
  return std::to_string(answer.status) + " " + std::string(answer.body.substr(0, 300));
}

// A certificate and nothing else.
std::string take_certificate(const Answer& answer, Machine& machine) {
  if (answer.status != 200 || !answer.body.starts_with(kPemBegin) ||
      !answer.body.ends_with("-----END CERTIFICATE-----\n")) {
    return "certificate: " + unexpected(answer);
  }
  machine.certificate = answer.body;
  return {};
}

class Enrolments : public Work {
 public:
  explicit Enrolments(std::vector<Machine>& machines) : machines_(machines) {}
  std::size_t jobs() const override { return machines_.size(); }
  std::size_t steps() const override { return 2; }
  std::string request(std::size_t job, std::size_t step, bool close) const override {
    const Machine& machine = machines_[job];
    if (step == 0) {
      return message("PUT /puppet-ca/v1/certificate_request/" + machine.name, "text/plain", close,
                     "text/plain", machine.csr);
    }
    return message("GET /puppet-ca/v1/certificate/" + machine.name, "text/plain", close);
  }
  std::string take(std::size_t job, std::size_t step, const Answer& answer) override {
    if (step == 1) return take_certificate(answer, machines_[job]);
    return answer.status == 200 ? std::string() : "PUT: " + unexpected(answer);
  }

 private:
  std::vector<Machine>& machines_;
};

class Renewals : public Work {
 public:
  explicit Renewals(std::vector<Machine>& machines) : machines_(machines) {}
  std::size_t jobs() const override { return machines_.size(); }
  bool repeats() const override { return true; }
  const Machine* holder(std::size_t job) const override { return &machines_[job]; }
  std::string request(std::size_t, std::size_t, bool close) const override {
    return message("POST /puppet-ca/v1/certificate_renewal", "text/plain", close, "text/plain");
  }
  std::string take(std::size_t job, std::size_t, const Answer& answer) override {
    return take_certificate(answer, machines_[job]);
  }

 private:
  std::vector<Machine>& machines_;
};

std::string with_newlines_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

class TokenEnrolments : public Work {
 public:
  TokenEnrolments(std::vector<Machine>& machines, std::vector<std::string> tokens)
      : machines_(machines), tokens_(std::move(tokens)) {
    bodies_.reserve(tokens_.size());
    for (std::size_t i = 0; i < jobs(); ++i) {
      bodies_.push_back(R"({"csr":")" + with_newlines_escaped(machines_[i].csr) + R"(","token":")" +
                        tokens_[i] + "\"}");
    }
  }
  std::size_t jobs() const override { return std::min(machines_.size(), tokens_.size()); }
  std::string request(std::size_t job, std::size_t, bool close) const override {
    return message("POST /v1/requests", "application/json", close, "application/json",
                   bodies_[job]);
  }
  std::string take(std::size_t job, std::size_t, const Answer& answer) override {
    const auto begin = answer.body.find(kPemBegin);
    const auto end = answer.body.find('"', begin);
    if (answer.status != 201 || end == std::string_view::npos) return unexpected(answer);
    std::string& pem = machines_[job].certificate;
    pem = answer.body.substr(begin, end - begin);
    for (std::size_t at = 0; (at = pem.find("\\n", at)) != std::string::npos;) {
      pem.replace(at, 2, "\n");
    }
    return {};
  }

 private:
  std::vector<Machine>& machines_;
  std::vector<std::string> tokens_;
  std::vector<std::string> bodies_;
};

class Revocations : public Work {
 public:
  explicit Revocations(std::vector<std::string> serials) : serials_(std::move(serials)) {}
  std::size_t jobs() const override { return serials_.size(); }
  std::string request(std::size_t job, std::size_t, bool close) const override {
    return message("POST /v1/certificates/" + serials_[job] + "/revoke", "application/json", close,
                   "application/json", "{}");
  }
  std::string take(std::size_t, std::size_t, const Answer& answer) override {
    const bool revoked = answer.body.find(R"("state":"revoked")") != std::string_view::npos;
    return answer.status == 200 && revoked ? std::string() : unexpected(answer);
  }

 private:
  std::vector<std::string> serials_;
};

class Reads : public Work {
 public:
  explicit Reads(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  std::size_t jobs() const override { return std::numeric_limits<std::size_t>::max(); }
  std::string request(std::size_t job, std::size_t, bool close) const override {
    return message("GET " + paths_[job % paths_.size()], "*/*", close);
  }
  std::string take(std::size_t, std::size_t, const Answer& answer) override {
    return answer.status == 200 && !answer.body.empty() ? std::string() : unexpected(answer);
  }

 private:
  std::vector<std::string> paths_;
};

}  // namespace

std::unique_ptr<Work> enrolments(std::vector<Machine>& machines) {
  return std::make_unique<Enrolments>(machines);
}
std::unique_ptr<Work> renewals(std::vector<Machine>& machines) {
  return std::make_unique<Renewals>(machines);
}
std::unique_ptr<Work> token_enrolments(std::vector<Machine>& machines,
                                       std::vector<std::string> tokens) {
  return std::make_unique<TokenEnrolments>(machines, std::move(tokens));
}
std::unique_ptr<Work> revocations(std::vector<std::string> serials) {
  return std::make_unique<Revocations>(std::move(serials));
}
std::unique_ptr<Work> reads(std::vector<std::string> paths) {
  return std::make_unique<Reads>(std::move(paths));
}

}  // namespace countersign::bench
