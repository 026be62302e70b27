#include "startup-pages.h"

#ifdef __linux__
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mutex>

namespace engine {
namespace {

/// Whether the loader wrote into the code: such pages exist nowhere else.
bool hasTextRelocations(const dl_phdr_info* object) {
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto& header = object->dlpi_phdr[i];
    if (header.p_type != PT_DYNAMIC) continue;
    auto entry = reinterpret_cast<const ElfW(Dyn)*>(object->dlpi_addr + header.p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL))) return true;
    }
  }
  return false;
}

int drop(dl_phdr_info* object, size_t, void*) {
  // The program itself, which is the first and has no name, runs all the time; libraries were loaded with libtorch (a
  // Debian libtorch brings OpenCV, GDAL and Qt), and those few that were there before come back at once.
  if (object->dlpi_name[0] == '\0' || hasTextRelocations(object)) return 0;
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto& header = object->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W)) continue;
    // Whole pages of this segment only: what a page shares with its neighbour may have been written.
    const uintptr_t first = (object->dlpi_addr + header.p_vaddr + page - 1) / page * page;
    const uintptr_t last = (object->dlpi_addr + header.p_vaddr + header.p_memsz) / page * page;
    if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void dropStartupPages() {
  static std::once_flag once;
  std::call_once(once, [] { dl_iterate_phdr(drop, nullptr); });
}

}  // namespace engine

#else

namespace engine {
void dropStartupPages() {}
}  // namespace engine

#endif
