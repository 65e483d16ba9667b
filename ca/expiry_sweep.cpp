#include "ca/expiry_sweep.h"

#include <boost/json.hpp>

namespace countersign::ca {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::size_t kPage = 100;
constexpr const char* kSpace = "hook";

// Those that end in [told, until) are being told of, page by page.
struct Progress {
  Timestamp told{};
  Timestamp until{};  // 0: none are
  std::int64_t after = 0;
  std::int64_t version = 0;  // of the document
};

Progress read_progress(const std::optional<store::Document>& document) {
  Progress progress;
  if (!document) return progress;
  progress.version = document->version;
  json::error_code error;
  const json::value value = json::parse(document->value, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto number = [object](const char* key) -> std::int64_t {
    const json::value* found = object == nullptr ? nullptr : object->if_contains(key);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
  };
  progress.told = Timestamp(milliseconds(number("told")));
  progress.until = Timestamp(milliseconds(number("until")));
  progress.after = number("after");
  return progress;
}

std::string written(const Progress& progress) {
  return json::serialize(json::object{{"told", progress.told.time_since_epoch().count()},
                                      {"until", progress.until.time_since_epoch().count()},
                                      {"after", progress.after}});
}

}  // namespace

Result<std::optional<ExpirySweep::Page>> ExpirySweep::next(const store::Store& store,
                                                           Timestamp now) const {
  const std::string key = "expiring/" + hook_;
  const auto document = store.document(kSpace, key);
  if (document.has_error()) return document.error();
  Progress progress = read_progress(*document);
  if (progress.until == Timestamp()) {
    progress.until = now + before_;
    progress.after = 0;
    if (progress.until <= progress.told) return std::optional<Page>();
  }
  store::CertificateQuery query;
  query.state = store::CertificateState::signed_;
  query.current = true;
  query.expires_from = progress.told;
  query.expires_before = progress.until;
  query.after = progress.after;
  query.limit = kPage;
  auto found = store.certificates(query, now);
  if (found.has_error()) return found.error();
  Page page;
  page.certificates = std::move(found->rows);
  page.more = found->next != 0;
  progress.after = found->next;
  if (!page.more) {
    progress.told = progress.until;
    progress.until = Timestamp();
  }
  page.mark = {kSpace, key, written(progress), progress.version};
  return std::optional(std::move(page));
}

}  // namespace countersign::ca
