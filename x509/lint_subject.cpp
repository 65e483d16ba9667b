#include "x509/lint_subject.h"

#include <utility>

namespace countersign::x509::lints {
namespace {

// One of OpenSSL's d2i functions over all of `der`; null if it fails, or leaves something.
template <class T>
Owned<T> decode_with(T* (*d2i)(T**, const unsigned char**, long), ByteView der) {
  const unsigned char* at = der.data();
  Owned<T> value(d2i(nullptr, &at, static_cast<long>(der.size())));
  return at == der.data() + der.size() ? std::move(value) : nullptr;
}

// The elements of a SEQUENCE, taken one after the other.
class Elements {
 public:
  explicit Elements(ByteView sequence) : all_(decode_with(::d2i_ASN1_SEQUENCE_ANY, sequence)) {}

  bool at_end() const { return all_ && at_ == sk_ASN1_TYPE_num(all_.get()); }
  bool next_is(int type) const {
    return all_ && !at_end() && ::ASN1_TYPE_get(sk_ASN1_TYPE_value(all_.get(), at_)) == type;
  }
  // Null if the next one is of another type. A SEQUENCE, and what has a tag of the context
  // (V_ASN1_OTHER), comes as its DER.
  Owned<::ASN1_STRING> take(int type) {
    if (!next_is(type)) return nullptr;
    ::ASN1_TYPE* element = sk_ASN1_TYPE_value(all_.get(), at_++);
    Owned<::ASN1_STRING> value(element->value.asn1_string);
    element->value.ptr = nullptr;
    return value;
  }
  Owned<::ASN1_STRING> take_time() {
    return take(next_is(V_ASN1_UTCTIME) ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
  }

 private:
  Owned<::ASN1_SEQUENCE_ANY> all_;
  int at_ = 0;
};

// What an EXPLICIT tag is around; empty if it is another tag.
ByteView inside(const ::ASN1_STRING* tagged, int number) {
  const ByteView der = content(tagged);
  const unsigned char* at = der.data();
  long length = 0;
  int tag = 0;
  int form = 0;
  const int kind = ::ASN1_get_object(&at, &length, &tag, &form, static_cast<long>(der.size()));
  if ((kind & 0x80) != 0 || tag != number || form != V_ASN1_CONTEXT_SPECIFIC) return {};
  return {at, static_cast<std::size_t>(length)};
}

bool read_body(ByteView tbs, Subject& subject) {
  Elements body(tbs);
  if (const auto tagged = body.take(V_ASN1_OTHER)) {
    subject.version = decode_with(::d2i_ASN1_INTEGER, inside(tagged.get(), 0));
    if (!subject.version) return false;
  }
  subject.serial =
      body.take(body.next_is(V_ASN1_NEG_INTEGER) ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER);
  subject.inner_algorithm = body.take(V_ASN1_SEQUENCE);
  subject.issuer = body.take(V_ASN1_SEQUENCE);
  const auto validity = body.take(V_ASN1_SEQUENCE);
  const auto name = body.take(V_ASN1_SEQUENCE);
  const auto key = body.take(V_ASN1_SEQUENCE);
  if (!key || !subject.serial) return false;
  Elements times(content(validity.get()));
  subject.not_before = times.take_time();
  subject.not_after = times.take_time();
  subject.name = decode_with(::d2i_X509_NAME, content(name.get()));
  if (!subject.not_after || !times.at_end() || !subject.name) return false;
  if (const auto tagged = body.take(V_ASN1_OTHER)) {
    subject.extensions = decode_with(::d2i_X509_EXTENSIONS, inside(tagged.get(), 3));
    if (!subject.extensions) return false;
  }
  return body.at_end();
}

}  // namespace

std::optional<Subject> decode(ByteView certificate_der, const LintExpectation& expected) {
  Subject subject{.der = certificate_der, .expected = expected};
  Elements outer(certificate_der);
  const auto body = outer.take(V_ASN1_SEQUENCE);
  subject.outer_algorithm = outer.take(V_ASN1_SEQUENCE);
  const auto signature = outer.take(V_ASN1_BIT_STRING);
  if (!signature || !outer.at_end() || !read_body(content(body.get()), subject)) {
    return std::nullopt;
  }
  return subject;
}

}  // namespace countersign::x509::lints
