// A certname that an identity document fills in: "{aws.instance_id}.{aws.region}.example.com".
// Internal to policy/.
#ifndef COUNTERSIGN_POLICY_NAME_TEMPLATE_H_
#define COUNTERSIGN_POLICY_NAME_TEMPLATE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::policy {

// Immutable once parsed, then thread-safe.
class NameTemplate {
 public:
  using Claims = std::map<std::string, std::string, std::less<>>;

  static bool is_template(std::string_view text) { return text.find('{') != text.npos; }
  // What is wrong with it, for a person; "" if it was taken. A label holds one placeholder at most:
  // else two machines could have one name ("a-b" and "c", "a" and "b-c").
  std::string parse(std::string_view text);

  // Is this the name, every value in its place being the part of a label that it is? A value that
  // is none, or is not there, makes no name match.
  bool matches(std::string_view certname, const Claims& claims) const;
  // The name that the claims give; "" if they give none.
  std::string expand(const Claims& claims) const;
  const std::string& text() const { return text_; }
  // Whole labels at its end without a placeholder, "" if there are none.
  std::string_view tail() const;

 private:
  struct Part {
    std::string literal;
    std::string claim;  // follows the literal; "": none, the last part
  };
  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_NAME_TEMPLATE_H_
