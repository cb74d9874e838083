#include "storage/memory_blob_store.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::storage {
namespace {

absl::Status NoSuchBlob(std::string_view digest) {
  return absl::NotFoundError(absl::StrCat("no blob ", ToAbsl(TruncateUtf8(digest, 80))));
}

class MemoryBlobStore final : public BlobStore {
 public:
  absl::StatusOr<std::string> Put(const CallContext& context, std::string_view bytes) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob write"));
    std::string digest = Sha256Hex(bytes);
    MutexLock lock(mutex_);
    if (adopted_.erase(digest) > 0) blobs_.erase(digest);
    blobs_.emplace(digest, bytes);
    return digest;
  }

  absl::Status Adopt(const CallContext& context, std::string_view digest,
                     std::string_view bytes) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob adoption"));
    if (!IsDigest(digest)) return absl::InvalidArgumentError("not a digest");
    MutexLock lock(mutex_);
    if (blobs_.emplace(digest, bytes).second) adopted_.emplace(digest);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Get(const CallContext& context,
                                  std::string_view digest) const override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob read"));
    MutexLock lock(mutex_);
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return NoSuchBlob(digest);
    return found->second;
  }

  absl::StatusOr<int64_t> Size(std::string_view digest) const override {
    MutexLock lock(mutex_);
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return NoSuchBlob(digest);
    return static_cast<int64_t>(found->second.size());
  }

  bool Contains(std::string_view digest) const override { return Size(digest).ok(); }

  // None outlives the process: now is near enough.
  absl::StatusOr<absl::Time> StoreTime(std::string_view digest) const override {
    if (!Contains(digest)) return NoSuchBlob(digest);
    return absl::Now();
  }

  absl::Status Replace(const CallContext& context, std::string_view digest,
                       std::string_view new_bytes) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob replacement"));
    MutexLock lock(mutex_);
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return NoSuchBlob(digest);
    found->second = std::string(new_bytes);
    return absl::OkStatus();
  }

  absl::Status Delete(std::string_view digest) override {
    MutexLock lock(mutex_);
    const auto found = blobs_.find(digest);
    if (found != blobs_.end()) {
      adopted_.erase(found->first);
      blobs_.erase(found);
    }
    return absl::OkStatus();
  }

  absl::Status ForEach(
      const std::function<bool(std::string_view digest, int64_t size)>& visit) const override {
    std::map<std::string, int64_t> sizes;
    {
      MutexLock lock(mutex_);
      for (const auto& [digest, bytes] : blobs_) sizes[digest] = static_cast<int64_t>(bytes.size());
    }
    for (const auto& [digest, size] : sizes) {
      if (!visit(digest, size)) break;
    }
    return absl::OkStatus();
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string, std::less<>> blobs_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> adopted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<BlobStore> NewMemoryBlobStore() { return std::make_unique<MemoryBlobStore>(); }

}  // namespace proctor::storage
