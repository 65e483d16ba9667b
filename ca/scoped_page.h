// Pages of a list of which a caller may see a part that the store cannot tell. Internal to ca/.
#ifndef COUNTERSIGN_CA_SCOPED_PAGE_H_
#define COUNTERSIGN_CA_SCOPED_PAGE_H_

#include <cstddef>
#include <utility>

#include "base/result.h"

namespace countersign::ca {

// One page of the rows for which `within` is true, of at most query.limit. It looks at so many rows
// a call at most, or at as many as the store looks at for one page, and is then short; its cursor
// goes on behind the last that was looked at.
inline constexpr std::size_t kMostLookedAt = 20'000;

template <class Query, class Fetch, class Within>
auto scoped_page(Query query, Fetch fetch, Within within) -> decltype(fetch(query)) {
  const std::size_t wanted = query.limit == 0 ? 1 : query.limit;
  typename decltype(fetch(query))::value_type page;
  std::size_t looked_at = 0;
  bool full = false;
  do {
    // Never more than there is room for: the cursor of a page is that of its last row.
    query.limit = wanted - page.rows.size();
    auto some = fetch(query);
    if (some.has_error()) return some.error();
    looked_at += some->rows.size();
    full = some->rows.size() == query.limit;
    for (auto& row : some->rows) {
      const Result<bool> covered = within(row);
      if (covered.has_error()) return covered.error();
      if (*covered) page.rows.push_back(std::move(row));
    }
    page.next = std::move(some->next);
    query.after = page.next;
  } while (full && page.next != decltype(page.next){} && page.rows.size() < wanted &&
           looked_at < kMostLookedAt);
  return page;
}

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_SCOPED_PAGE_H_
