#include "fault_vfs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace countersign::store {
namespace {

constexpr std::size_t kSector = 512;

std::string content_of(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void put(std::string& content, std::size_t offset, std::string_view data) {
  if (content.size() < offset + data.size()) content.resize(offset + data.size(), '\0');
  std::ranges::copy(data, content.begin() + static_cast<std::ptrdiff_t>(offset));
}

// Of every sector of the write: all of it, nothing, or up to some byte.
void put_torn(std::string& content, std::size_t offset, std::string_view data,
              std::mt19937_64& random) {
  while (!data.empty()) {
    const std::size_t whole = std::min(kSector - offset % kSector, data.size());
    const auto fate = random() % 4;
    if (fate < 2) put(content, offset, data.substr(0, whole));
    if (fate == 2) put(content, offset, data.substr(0, random() % whole));
    offset += whole;
    data.remove_prefix(whole);
  }
}

}  // namespace

// What SQLite sees as one of its files. The real one lies behind it in the same allocation.
struct FaultVfs::Handle {
  ::sqlite3_file base;
  FaultVfs* vfs;
  Name* name;  // null: a temporary file, whose fate is of no interest
  bool journal;
  std::shared_ptr<File>* file;

  static Handle& of(::sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
  static ::sqlite3_file* real(::sqlite3_file* file) {
    return reinterpret_cast<::sqlite3_file*>(reinterpret_cast<Handle*>(file) + 1);
  }
};

FaultVfs::FaultVfs(std::uint64_t seed)
    : original_(::sqlite3_vfs_find(nullptr)), vfs_(*original_), random_(seed) {
  active_ = this;
  vfs_.zName = "faults";
  vfs_.szOsFile = static_cast<int>(sizeof(Handle)) + original_->szOsFile;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  ::sqlite3_vfs_register(&vfs_, 1);
}

FaultVfs::~FaultVfs() {
  ::sqlite3_vfs_unregister(&vfs_);
  ::sqlite3_vfs_register(original_, 1);
  active_ = nullptr;
}

void FaultVfs::plan(unsigned steps, std::size_t nth, Effect effect) {
  const std::lock_guard lock(mutex_);
  steps_ = steps;
  nth_ = nth;
  effect_ = effect;
  counted_ = 0;
  struck_ = lasting_ = false;
}

void FaultVfs::heal() {
  const std::lock_guard lock(mutex_);
  effect_ = Effect::none;
  lasting_ = false;
}

std::size_t FaultVfs::counted() const {
  const std::lock_guard lock(mutex_);
  return counted_;
}

bool FaultVfs::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

// With mutex_ held.
FaultVfs::Verdict FaultVfs::next(Step step) {
  if (lasting_) {
    const bool harmless = effect_ == Effect::full && (step == kSync || step == kRemove);
    return harmless ? Verdict::go : Verdict::fail;
  }
  if ((steps_ & step) == 0 || ++counted_ != nth_ || effect_ == Effect::none) return Verdict::go;
  struck_ = true;
  lasting_ = effect_ == Effect::full || effect_ == Effect::power_cut;
  const bool half = effect_ == Effect::short_write || effect_ == Effect::full;
  return half && step == kWrite ? Verdict::half : Verdict::fail;
}

int FaultVfs::code_of(Step step, Effect effect) {
  if (effect == Effect::full && step == kWrite) return SQLITE_FULL;
  switch (step) {
    case kWrite:
      return SQLITE_IOERR_WRITE;
    case kSync:
      return SQLITE_IOERR_FSYNC;
    case kTruncate:
      return SQLITE_IOERR_TRUNCATE;
    case kCreate:
      return SQLITE_CANTOPEN;
    case kRemove:
      return SQLITE_IOERR_DELETE;
    case kGrowIndex:
      return SQLITE_IOERR_SHMSIZE;
    case kEvery:
      break;
  }
  return SQLITE_IOERR;
}

int FaultVfs::refusal(Step step) const { return code_of(step, effect_); }

// Each change is there, is not, or is there in part; the later of two that overlap wins.
std::string FaultVfs::survivor(const File& file, std::mt19937_64& random) {
  std::string content = file.durable;
  for (const Change& change : file.pending) {
    const auto fate = random() % 3;
    if (fate == 0) continue;
    if (change.truncate) {
      content.resize(change.offset, '\0');
    } else if (fate == 1) {
      put(content, change.offset, change.data);
    } else {
      put_torn(content, change.offset, change.data, random);
    }
  }
  return content;
}

std::map<std::string, std::string> FaultVfs::after_power_cut(std::uint64_t seed) const {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  std::map<std::string, std::string> files;
  for (const auto& [path, name] : names_) {
    const auto& file = random() % 2 == 0 ? name.now : name.durable;
    if (file) files[path] = survivor(*file, random);
  }
  return files;
}

int FaultVfs::open(::sqlite3_vfs*, const char* path, ::sqlite3_file* file, int flags, int* out) {
  FaultVfs& disk = *active_;
  Handle& handle = Handle::of(file);
  handle = {{nullptr}, &disk, nullptr, false, nullptr};
  handle.journal = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  const std::lock_guard lock(disk.mutex_);
  const bool there = path != nullptr && std::filesystem::exists(path);
  if (path != nullptr && !there && (flags & SQLITE_OPEN_CREATE) != 0 &&
      disk.next(kCreate) != Verdict::go) {
    return disk.refusal(kCreate);
  }
  const int code = disk.original_->xOpen(disk.original_, path, Handle::real(file), flags, out);
  if (Handle::real(file)->pMethods != nullptr) handle.base.pMethods = methods();
  if (code != SQLITE_OK || path == nullptr) return code;
  Name& name = disk.names_[path];
  if (!name.now) {
    name.now = std::make_shared<File>();
    if (there) {  // from before this disk was watched
      name.now->durable = content_of(path);
      name.durable = name.now;
    }
  }
  handle.name = &name;
  handle.file = new std::shared_ptr<File>(name.now);
  return code;
}

int FaultVfs::remove(::sqlite3_vfs*, const char* path, int sync_folder) {
  FaultVfs& disk = *active_;
  const std::lock_guard lock(disk.mutex_);
  if (disk.next(kRemove) != Verdict::go) return disk.refusal(kRemove);
  const int code = disk.original_->xDelete(disk.original_, path, sync_folder);
  const auto found = disk.names_.find(path);
  if (code != SQLITE_OK || found == disk.names_.end()) return code;
  found->second.now.reset();
  if (sync_folder != 0) found->second.durable.reset();
  return code;
}

int FaultVfs::close(::sqlite3_file* file) {
  delete Handle::of(file).file;
  Handle::of(file).file = nullptr;
  return Handle::real(file)->pMethods->xClose(Handle::real(file));
}

int FaultVfs::write(::sqlite3_file* file, const void* data, int size, ::sqlite3_int64 offset) {
  Handle& handle = Handle::of(file);
  FaultVfs& disk = *handle.vfs;
  const std::lock_guard lock(disk.mutex_);
  const Verdict verdict = disk.next(kWrite);
  if (verdict == Verdict::fail) return disk.refusal(kWrite);
  if (verdict == Verdict::half) size /= 2;
  const int code = Handle::real(file)->pMethods->xWrite(Handle::real(file), data, size, offset);
  if (code == SQLITE_OK && handle.file != nullptr) {
    (*handle.file)
        ->pending.push_back({false,
                             static_cast<std::size_t>(offset),
                             {static_cast<const char*>(data), static_cast<std::size_t>(size)}});
  }
  return verdict == Verdict::half ? disk.refusal(kWrite) : code;
}

int FaultVfs::truncate(::sqlite3_file* file, ::sqlite3_int64 size) {
  Handle& handle = Handle::of(file);
  FaultVfs& disk = *handle.vfs;
  const std::lock_guard lock(disk.mutex_);
  if (disk.next(kTruncate) != Verdict::go) return disk.refusal(kTruncate);
  if (handle.file != nullptr) {
    (*handle.file)->pending.push_back({true, static_cast<std::size_t>(size), {}});
  }
  return Handle::real(file)->pMethods->xTruncate(Handle::real(file), size);
}

// The real file is never synced: what is durable is what this class says.
int FaultVfs::sync(::sqlite3_file* file, int) {
  Handle& handle = Handle::of(file);
  FaultVfs& disk = *handle.vfs;
  const std::lock_guard lock(disk.mutex_);
  const bool fails = disk.next(kSync) != Verdict::go;
  if (fails && disk.effect_ == Effect::power_cut) return disk.refusal(kSync);
  if (handle.file != nullptr) {
    File& content = **handle.file;
    if (fails) {
      // The system takes the pages for clean now, and will not write them again.
      content.durable = survivor(content, disk.random_);
    } else {
      for (const Change& change : content.pending) {
        if (change.truncate) content.durable.resize(change.offset, '\0');
        if (!change.truncate) put(content.durable, change.offset, change.data);
      }
      if (handle.name->now == *handle.file && handle.name->durable != handle.name->now) {
        handle.name->durable = handle.name->now;
        // The first sync of a new journal or log syncs the folder too (unixSync of os_unix.c), and
        // with it all names.
        if (handle.journal) disk.sync_names();
      }
    }
    content.pending.clear();
  }
  return fails ? disk.refusal(kSync) : SQLITE_OK;
}

// With mutex_ held.
void FaultVfs::sync_names() {
  for (auto& [path, name] : names_) name.durable = name.now;
}

int FaultVfs::map_index(::sqlite3_file* file, int region, int size, int extend,
                        void volatile** memory) {
  ::sqlite3_file* real = Handle::real(file);
  FaultVfs& disk = *Handle::of(file).vfs;
  const std::lock_guard lock(disk.mutex_);
  if (extend != 0) {
    const int code = real->pMethods->xShmMap(real, region, size, 0, memory);
    if (code != SQLITE_OK || *memory != nullptr) return code;  // it is there already
    if (disk.next(kGrowIndex) != Verdict::go) return disk.refusal(kGrowIndex);
  }
  return real->pMethods->xShmMap(real, region, size, extend, memory);
}

const ::sqlite3_io_methods* FaultVfs::methods() {
  using File = ::sqlite3_file;
  static const ::sqlite3_io_methods kMethods = [] {
    ::sqlite3_io_methods m{};
    m.iVersion = 2;  // no mapped files: their writes could not be seen
    m.xClose = close;
    m.xWrite = write;
    m.xTruncate = truncate;
    m.xSync = sync;
    m.xShmMap = map_index;
    m.xRead = [](File* f, void* to, int size, ::sqlite3_int64 at) {
      return Handle::real(f)->pMethods->xRead(Handle::real(f), to, size, at);
    };
    m.xFileSize = [](File* f, ::sqlite3_int64* size) {
      return Handle::real(f)->pMethods->xFileSize(Handle::real(f), size);
    };
    m.xLock = [](File* f, int level) {
      return Handle::real(f)->pMethods->xLock(Handle::real(f), level);
    };
    m.xUnlock = [](File* f, int level) {
      return Handle::real(f)->pMethods->xUnlock(Handle::real(f), level);
    };
    m.xCheckReservedLock = [](File* f, int* held) {
      return Handle::real(f)->pMethods->xCheckReservedLock(Handle::real(f), held);
    };
    m.xFileControl = [](File* f, int what, void* value) {
      return Handle::real(f)->pMethods->xFileControl(Handle::real(f), what, value);
    };
    m.xSectorSize = [](File* f) { return Handle::real(f)->pMethods->xSectorSize(Handle::real(f)); };
    m.xDeviceCharacteristics = [](File* f) {
      return Handle::real(f)->pMethods->xDeviceCharacteristics(Handle::real(f));
    };
    m.xShmLock = [](File* f, int offset, int count, int flags) {
      return Handle::real(f)->pMethods->xShmLock(Handle::real(f), offset, count, flags);
    };
    m.xShmBarrier = [](File* f) { Handle::real(f)->pMethods->xShmBarrier(Handle::real(f)); };
    m.xShmUnmap = [](File* f, int remove) {
      return Handle::real(f)->pMethods->xShmUnmap(Handle::real(f), remove);
    };
    return m;
  }();
  return &kMethods;
}

}  // namespace countersign::store
