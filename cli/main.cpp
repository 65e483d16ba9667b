#include "cli/command_line.h"
#ifdef COUNTERSIGN_MIMALLOC
#include <mimalloc.h>
#endif

int main(int argc, char** argv) {
#ifdef COUNTERSIGN_MIMALLOC
  // A CRL of a million entries is put together in 200 MB, and a start with it is mostly their page
  // faults. The kernel's transparent pages of 2 MiB, where it lends them, halve that start.
  mi_option_enable(mi_option_large_os_pages);
#endif
  return countersign::cli::run(argc, argv);
}
