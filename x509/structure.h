// Readers of the structures that CSRs, certificates and CRLs share. Internal. A fault is noted in
// the readers' own Fault; after one the results mean nothing.
#ifndef COUNTERSIGN_X509_STRUCTURE_H_
#define COUNTERSIGN_X509_STRUCTURE_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "x509/der.h"
#include "x509/extension.h"

namespace countersign::x509 {

// The outer shape of everything signed: SEQUENCE { body, AlgorithmIdentifier, BIT STRING }.
struct SignedParts {
  der::Element body;
  ByteView algorithm;
  ByteView signature;
};
SignedParts read_signed(ByteView der, der::Fault& fault, std::string_view what);

// An AlgorithmIdentifier, whole.
ByteView read_algorithm(der::Reader& reader, der::Fault& fault, std::string_view what);

// A Name (RFC 5280 4.1.2.4), whole; every CN that it holds goes to `common_names` unless null. Each
// value must be a string that can be read.
ByteView read_name(der::Reader& reader, der::Fault& fault, std::string_view what,
                   std::vector<std::string>* common_names);

// The elements of an Extensions, at most `limit`, none twice (RFC 5280 4.2).
std::vector<Extension> read_extensions(ByteView der, der::Fault& fault, std::size_t limit);

// Extensions within [number] EXPLICIT, if they are next.
std::vector<Extension> read_tagged_extensions(der::Reader& reader, der::Fault& fault,
                                              unsigned number);

void write_extensions(der::Writer& writer, const std::vector<Extension>& extensions);

// The keyIdentifier of an AuthorityKeyIdentifier (RFC 5280 4.2.1.1), empty if it has none.
Bytes read_authority_key_id(ByteView der, der::Fault& fault);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_STRUCTURE_H_
