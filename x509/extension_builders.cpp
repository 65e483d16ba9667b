// The extensions that profiles use (RFC 5280 4.2.1, 4.2.2).
#include <stdexcept>

#include "x509/der.h"
#include "x509/extension.h"

namespace countersign::x509 {
namespace {

template <class Body>
Extension build(std::string_view oid, bool critical, Body body) {
  der::Writer writer;
  body(writer);
  return {.oid = std::string(oid), .critical = critical, .value = writer.take()};
}

void write_uri(der::Writer& writer, std::string_view url) {
  for (const char c : url) {
    if (c <= 0x20 || c >= 0x7F) throw std::invalid_argument("not a URL: " + std::string(url));
  }
  writer.element(der::context(6), as_bytes(url));
}

}  // namespace

Extension basic_constraints(bool ca, std::optional<int> path_length) {
  return build(oid::kBasicConstraints, true, [&](der::Writer& writer) {
    writer.nest(der::kSequence, [&] {
      if (ca) writer.boolean_true();  // FALSE is the default and left out
      if (path_length) writer.unsigned_integer(static_cast<std::uint64_t>(*path_length));
    });
  });
}

Extension key_usage(unsigned bits) {
  return build(oid::kKeyUsage, true, [&](der::Writer& writer) {
    // Bit 0 is the top bit of the first octet; X.690 11.2.2: no zero bits at the end.
    Bytes content{0};
    if (bits != 0) {
      unsigned last = 0;
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((bits >> bit & 1U) != 0) last = bit;
      }
      std::uint8_t octet = 0;
      for (unsigned bit = 0; bit <= last; ++bit) {
        if ((bits >> bit & 1U) != 0) octet = static_cast<std::uint8_t>(octet | (0x80U >> bit));
      }
      content = {static_cast<std::uint8_t>(7 - last), octet};
    }
    writer.element(der::kBitString, content);
  });
}

Extension extended_key_usage(const std::vector<std::string>& oids, bool critical) {
  return build(oid::kExtendedKeyUsage, critical, [&](der::Writer& writer) {
    writer.nest(der::kSequence, [&] {
      for (const std::string& usage : oids) writer.object_identifier(usage);
    });
  });
}

Extension subject_key_identifier(ByteView key_id) {
  return build(oid::kSubjectKeyIdentifier, false,
               [&](der::Writer& writer) { writer.element(der::kOctetString, key_id); });
}

Extension authority_key_identifier(ByteView key_id) {
  return build(oid::kAuthorityKeyIdentifier, false, [&](der::Writer& writer) {
    writer.nest(der::kSequence, [&] { writer.element(der::context(0), key_id); });
  });
}

Extension crl_distribution_points(const std::vector<std::string>& urls) {
  return build(oid::kCrlDistributionPoints, false, [&](der::Writer& writer) {
    writer.nest(der::kSequence, [&] {
      for (const std::string& url : urls) {
        // DistributionPoint { distributionPoint [0] { fullName [0] { uniformResourceIdentifier } }
        // }
        writer.nest(der::kSequence, [&] {
          writer.nest(der::context_constructed(0), [&] {
            writer.nest(der::context_constructed(0), [&] { write_uri(writer, url); });
          });
        });
      }
    });
  });
}

Extension authority_info_access(const std::vector<std::string>& ocsp,
                                const std::vector<std::string>& ca_issuers) {
  return build(oid::kAuthorityInfoAccess, false, [&](der::Writer& writer) {
    const auto write = [&writer](std::string_view method, const std::vector<std::string>& urls) {
      for (const std::string& url : urls) {
        writer.nest(der::kSequence, [&] {
          writer.object_identifier(method);
          write_uri(writer, url);
        });
      }
    };
    writer.nest(der::kSequence, [&] {
      write("1.3.6.1.5.5.7.48.1", ocsp);
      write("1.3.6.1.5.5.7.48.2", ca_issuers);
    });
  });
}

Extension netscape_comment(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c >= 0x7F) throw std::invalid_argument("a comment that is not ASCII");
  }
  return build(oid::kNetscapeComment, false,
               [&](der::Writer& writer) { writer.element(der::kIa5String, as_bytes(text)); });
}

Extension utf8_extension(std::string_view oid, std::string_view text) {
  if (!der::string_text(der::kUtf8String, as_bytes(text))) {
    throw std::invalid_argument("an extension's text that is not UTF-8");
  }
  return build(oid, false,
               [&](der::Writer& writer) { writer.element(der::kUtf8String, as_bytes(text)); });
}

}  // namespace countersign::x509
