// The vocabulary of expected failures.
//
// Functions that can fail for reasons outside the program return Result<T>. Exceptions are kept for
// broken invariants, allocation, and start-up.
#ifndef COUNTERSIGN_BASE_RESULT_H_
#define COUNTERSIGN_BASE_RESULT_H_

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace countersign {

// What went wrong, coarse enough that a caller can act on it. The name of a code (see to_string)
// is stable: it is the last part of a REST problem's `type`.
enum class Code {
  malformed,           // the input cannot be decoded at all
  too_large,           // the input is over a limit
  bad_csr,             // decodes, but is not a PKCS#10 that we accept
  bad_proof,           // the CSR's signature does not prove possession of its key
  bad_key,             // the public key breaks the key rules
  bad_name,            // the certname breaks the name rules
  name_mismatch,       // the name in the path and the name in the CSR differ
  not_granted,         // it asks for something that may not be granted here
  denied,              // policy or an operator said no
  unauthenticated,     // no usable credential
  forbidden,           // a credential, but not for this
  out_of_scope,        // a credential for this, but narrowed to other names or rules
  not_found,           //
  request_exists,      // the name has a queued request with another key
  certificate_exists,  // the name has a certificate
  revoked_exists,      // the name has a revoked certificate that was not cleaned
  conflict,            // the state of the thing does not allow it
  already_revoked,     //
  already_approved,    // by this person, and another is needed
  rate_limited,        //
  overloaded,          // a bounded queue is full; try again later
  unavailable,         // the store or a key cannot be used now
  internal,            // a defect here; detail is bland, cause has the rest
};

// The stable slug of a code: "bad-csr".
std::string_view to_string(Code code);

// `detail` may be shown to the client; `cause` is for the log only.
struct Error {
  Code code = Code::internal;
  std::string detail;
  std::string cause;
};

// Called by Result::value() when there is none: a broken invariant.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& loc);

template <class T>
using Result = boost::system::result<T, Error>;

// Writes `return fail(Code::bad_csr, "...")` in a function that returns a Result.
inline Error fail(Code code, std::string detail, std::string cause = {}) {
  return Error{code, std::move(detail), std::move(cause)};
}

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_RESULT_H_
