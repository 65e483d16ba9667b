#include "ca/decider_answer.h"

#include <algorithm>

#include "ca/foreign_text.h"
#include "ca/strict_json.h"
#include "policy/facts.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestReason = 500;

Error bad(const std::string& what) { return fail(Code::malformed, what); }

std::string key_of(const json::key_value_pair& member) {
  return {member.key().data(), member.key().size()};
}

Result<std::vector<std::string>> read_texts(const json::value& value) {
  std::vector<std::string> list;
  const auto* array = value.if_array();
  if (array == nullptr) return bad("a list of 'grant' is none");
  for (const json::value& item : *array) {
    if (!item.is_string()) return bad("a list of 'grant' holds something else than text");
    list.emplace_back(item.get_string());
  }
  return list;
}

Result<void> read_grant(const json::value& value, DeciderAnswer& answer) {
  const auto* object = value.if_object();
  if (object == nullptr) return bad("'grant' is no object");
  for (const auto& member : *object) {
    const std::string key = key_of(member);
    if (key != "names" && key != "extensions") return bad("'grant' has an unknown member");
    auto list = read_texts(member.value());
    if (list.has_error()) return list.error();
    (key == "names" ? answer.names : answer.extensions) = std::move(*list);
  }
  return {};
}

}  // namespace

Result<DeciderAnswer> parse_decider_answer(std::string_view text) {
  const auto object = parse_json_object(text);
  if (object.has_error()) return object.error();
  DeciderAnswer answer;
  const json::value* action = object->if_contains("action");
  if (action == nullptr || !action->is_string()) return bad("it has no 'action'");
  const auto known = policy::parse_action(std::string_view(action->get_string()));
  if (!known) return bad("its 'action' is neither sign, queue nor deny");
  answer.action = *known;
  for (const auto& member : *object) {
    const std::string key = key_of(member);
    if (key == "action") continue;
    if (key == "reason") {
      if (!member.value().is_string()) return bad("its 'reason' is no text");
      answer.reason = one_line(std::string_view(member.value().get_string()), kLongestReason);
    } else if (key == "grant") {
      if (answer.action != policy::Action::sign) return bad("'grant' comes only with sign");
      const auto read = read_grant(member.value(), answer);
      if (read.has_error()) return read.error();
    } else {
      return bad("it has a member that is not known");
    }
  }
  return answer;
}

std::optional<Grant> narrowed(const Grant& grant, const DeciderAnswer& answer) {
  Grant left = grant;
  if (answer.names) {
    const std::string own = x509::to_string({x509::GeneralName::Type::dns, grant.certname});
    const auto given = [&](const x509::GeneralName& name) {
      const std::string text = x509::to_string(name);
      return text == own || std::ranges::find(*answer.names, text) != answer.names->end();
    };
    for (const std::string& name : *answer.names) {
      const bool of_rule = std::ranges::any_of(
          grant.names, [&](const x509::GeneralName& one) { return x509::to_string(one) == name; });
      if (!of_rule) return std::nullopt;
    }
    std::erase_if(left.names, [&](const x509::GeneralName& name) { return !given(name); });
  }
  if (answer.extensions) {
    std::vector<std::string> oids;
    for (const std::string& name : *answer.extensions) {
      oids.push_back(policy::oid_of(name));
      if (std::ranges::find(grant.extensions, oids.back(), &x509::Extension::oid) ==
          grant.extensions.end()) {
        return std::nullopt;
      }
    }
    std::erase_if(left.extensions, [&](const x509::Extension& extension) {
      return std::ranges::find(oids, extension.oid) == oids.end();
    });
  }
  return left;
}

}  // namespace countersign::ca
