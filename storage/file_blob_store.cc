#include "storage/file_blob_store.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::storage {
namespace {

constexpr size_t kDigestSize = 64;
constexpr std::string_view kReplacementSuffix = ".alt";
constexpr std::string_view kAdoptedSuffix = ".ext";

absl::Status NoSuchBlob(std::string_view digest) {
  return absl::NotFoundError(absl::StrCat("no blob ", ToAbsl(TruncateUtf8(digest, 80))));
}

absl::Status Corrupt(std::string_view digest) {
  return absl::DataLossError(absl::StrCat("the bytes of blob ", ToAbsl(digest),
                                          " do not fit its digest: restore the file from a copy"));
}

// While it lives, nobody else writes the same blob: a Put that finds the file must know that it is synced.
class WriteClaims {
 public:
  absl::Status Claim(const CallContext& context, const std::string& digest) {
    MutexLock lock(mutex_);
    const auto is_free = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !claimed_.contains(digest); };
    PROCTOR_RETURN_IF_ERROR(AwaitWithContext(context, mutex_, freed_, is_free, "blob write"));
    claimed_.insert(digest);
    return absl::OkStatus();
  }
  void Release(const std::string& digest) {
    MutexLock lock(mutex_);
    claimed_.erase(digest);
    freed_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar freed_;
  std::set<std::string> claimed_ ABSL_GUARDED_BY(mutex_);
};

class FileBlobStore final : public BlobStore {
 public:
  FileBlobStore(FileBlobStoreOptions options, FileSystem& files)
      : options_(std::move(options)), files_(files) {}

  absl::Status Prepare() {
    PROCTOR_RETURN_IF_ERROR(files_.CreateDirectory(options_.directory));
    PROCTOR_RETURN_IF_ERROR(files_.CreateDirectory(TemporaryDirectory()));
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> left, files_.List(TemporaryDirectory()));
    for (const std::string& name : left) {
      PROCTOR_RETURN_IF_ERROR(files_.Remove(absl::StrCat(TemporaryDirectory(), "/", name)));
    }
    for (int shard = 0; shard < 256; ++shard) {
      const std::string directory = absl::StrFormat("%s/%02x", options_.directory, shard);
      PROCTOR_RETURN_IF_ERROR(files_.CreateDirectory(directory));
      // A killed process may have renamed a file here without syncing: Put trusts what it finds.
      PROCTOR_RETURN_IF_ERROR(SyncDirectory(directory));
    }
    return SyncDirectory(options_.directory);
  }

  absl::StatusOr<std::string> Put(const CallContext& context, std::string_view bytes) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob write"));
    const std::string digest = Sha256Hex(bytes);
    PROCTOR_RETURN_IF_ERROR(claims_.Claim(context, digest));
    const absl::Status status = PutClaimed(digest, bytes);
    claims_.Release(digest);
    if (!status.ok()) return Annotate(status, "blob write");
    return digest;
  }

  absl::StatusOr<std::string> Get(const CallContext& context,
                                  std::string_view digest) const override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob read"));
    if (!IsDigest(digest)) return NoSuchBlob(digest);
    absl::StatusOr<std::string> bytes = files_.Read(PathOf(digest));
    if (bytes.ok()) {
      if (Sha256Hex(*bytes) == digest) return bytes;
      return Corrupt(digest);
    }
    if (!absl::IsNotFound(bytes.status())) return bytes.status();
    // A replacement is there before the original goes, so this order always finds one of them.
    bytes = files_.Read(ReplacementPathOf(digest));
    if (absl::IsNotFound(bytes.status())) bytes = files_.Read(AdoptedPathOf(digest));
    if (absl::IsNotFound(bytes.status())) return NoSuchBlob(digest);
    if (!bytes.ok()) return bytes.status();
    const std::string_view all = *bytes;
    if (all.size() < kDigestSize || Sha256Hex(all.substr(kDigestSize)) != all.substr(0, kDigestSize)) {
      return Corrupt(digest);
    }
    bytes->erase(0, kDigestSize);
    return bytes;
  }

  absl::StatusOr<int64_t> Size(std::string_view digest) const override {
    if (!IsDigest(digest)) return NoSuchBlob(digest);
    absl::StatusOr<int64_t> size = files_.Size(PathOf(digest));
    if (!absl::IsNotFound(size.status())) return size;
    size = files_.Size(ReplacementPathOf(digest));
    if (absl::IsNotFound(size.status())) size = files_.Size(AdoptedPathOf(digest));
    if (absl::IsNotFound(size.status())) return NoSuchBlob(digest);
    if (size.ok() && *size < static_cast<int64_t>(kDigestSize)) return Corrupt(digest);
    if (!size.ok()) return size;
    return *size - static_cast<int64_t>(kDigestSize);
  }

  bool Contains(std::string_view digest) const override { return Size(digest).ok(); }

  absl::StatusOr<absl::Time> StoreTime(std::string_view digest) const override {
    if (!IsDigest(digest)) return NoSuchBlob(digest);
    for (const std::string& path : {PathOf(digest), ReplacementPathOf(digest), AdoptedPathOf(digest)}) {
      const absl::StatusOr<absl::Time> time = files_.ModifyTime(path);
      if (!absl::IsNotFound(time.status())) return time;
    }
    return NoSuchBlob(digest);
  }

  absl::Status Replace(const CallContext& context, std::string_view digest,
                       std::string_view new_bytes) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob replacement"));
    if (!IsDigest(digest)) return NoSuchBlob(digest);
    const std::string name(digest);
    PROCTOR_RETURN_IF_ERROR(claims_.Claim(context, name));
    absl::Status status = ReplaceClaimed(name, new_bytes);
    claims_.Release(name);
    return status;
  }

  absl::Status Adopt(const CallContext& context, std::string_view digest,
                     std::string_view bytes) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("blob adoption"));
    if (!IsDigest(digest)) return absl::InvalidArgumentError("not a digest");
    const std::string name(digest);
    PROCTOR_RETURN_IF_ERROR(claims_.Claim(context, name));
    absl::Status status = Size(name).status();
    if (absl::IsNotFound(status)) status = StoreOther(name, bytes, AdoptedPathOf(name));
    claims_.Release(name);
    return status;
  }

  absl::Status Delete(std::string_view digest) override {
    if (!IsDigest(digest)) return absl::OkStatus();
    const std::string name(digest);
    PROCTOR_RETURN_IF_ERROR(claims_.Claim(CallContext(), name));
    absl::Status status = files_.Remove(PathOf(name));
    if (status.ok()) status = files_.Remove(ReplacementPathOf(name));
    if (status.ok()) status = files_.Remove(AdoptedPathOf(name));
    claims_.Release(name);
    return status;
  }

  absl::Status ForEach(
      const std::function<bool(std::string_view digest, int64_t size)>& visit) const override {
    for (int shard = 0; shard < 256; ++shard) {
      const std::string directory = absl::StrFormat("%s/%02x", options_.directory, shard);
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory));
      std::set<std::string> digests;
      for (const std::string& name : names) digests.insert(name.substr(0, kDigestSize));
      for (const std::string& digest : digests) {
        absl::StatusOr<int64_t> size = Size(digest);
        // Deleted meanwhile, or no file of ours.
        if (absl::IsNotFound(size.status())) continue;
        // One that is cut off keeps nobody from the others.
        if (absl::IsDataLoss(size.status())) size = 0;
        if (!size.ok()) return size.status();
        if (!visit(digest, *size)) return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

 private:
  std::string TemporaryDirectory() const { return absl::StrCat(options_.directory, "/tmp"); }
  std::string ShardOf(std::string_view digest) const {
    return absl::StrCat(options_.directory, "/", ToAbsl(digest.substr(0, 2)));
  }
  std::string PathOf(std::string_view digest) const {
    return absl::StrCat(ShardOf(digest), "/", ToAbsl(digest));
  }
  std::string ReplacementPathOf(std::string_view digest) const {
    return absl::StrCat(PathOf(digest), ToAbsl(kReplacementSuffix));
  }

  std::string AdoptedPathOf(std::string_view digest) const {
    return absl::StrCat(PathOf(digest), ToAbsl(kAdoptedSuffix));
  }

  absl::Status SyncDirectory(const std::string& path) {
    return options_.durability == Durability::kPower ? files_.SyncDirectory(path)
                                                     : absl::OkStatus();
  }

  absl::Status PutClaimed(const std::string& digest, std::string_view bytes) {
    const absl::StatusOr<int64_t> size = files_.Size(PathOf(digest));
    // A file of another size is what a disk error left: writing it anew mends it.
    if (size.ok() && *size == static_cast<int64_t>(bytes.size())) return absl::OkStatus();
    // Nor does one that is cut off stand for anything.
    if (!size.ok() && files_.Size(ReplacementPathOf(digest)).value_or(0) >= static_cast<int64_t>(kDigestSize)) return absl::OkStatus();
    absl::Status status = Store(digest, bytes, PathOf(digest));
    // Without the directory's sync the name may vanish, and a later Put of the same bytes must not trust it.
    if (!status.ok()) files_.Remove(PathOf(digest)).IgnoreError();
    return status;
  }

  absl::Status ReplaceClaimed(const std::string& digest, std::string_view new_bytes) {
    PROCTOR_RETURN_IF_ERROR(Size(digest).status());
    const bool adopted = !files_.Size(PathOf(digest)).ok() &&
                         !files_.Size(ReplacementPathOf(digest)).ok();
    // What nobody checked stays marked as such.
    if (adopted) return StoreOther(digest, new_bytes, AdoptedPathOf(digest));
    PROCTOR_RETURN_IF_ERROR(StoreOther(digest, new_bytes, ReplacementPathOf(digest)));
    // Not synced: if the removal is lost, the original is read again, which is as good.
    return files_.Remove(PathOf(digest));
  }

  // Stores bytes that do not have this digest, with their own in front.
  absl::Status StoreOther(const std::string& digest, std::string_view bytes,
                          const std::string& path) {
    return Store(digest, absl::StrCat(Sha256Hex(bytes), ToAbsl(bytes)), path);
  }

  // Writes a file that is there whole or not at all, and is durable on return.
  absl::Status Store(const std::string& digest, std::string_view bytes, const std::string& path) {
    const std::string temporary = absl::StrCat(TemporaryDirectory(), "/", RandomHex(16));
    const SyncMode sync =
        options_.durability == Durability::kPower ? SyncMode::kSync : SyncMode::kNoSync;
    absl::Status status = files_.WriteNew(temporary, bytes, sync);
    if (status.ok()) status = files_.Rename(temporary, path);
    if (!status.ok()) {
      // What cannot be removed now is swept at the next start.
      files_.Remove(temporary).IgnoreError();
      return status;
    }
    return SyncDirectory(ShardOf(digest));
  }

  const FileBlobStoreOptions options_;
  FileSystem& files_;
  WriteClaims claims_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const FileBlobStoreOptions& options,
                                                             FileSystem& files) {
  auto store = std::make_unique<FileBlobStore>(options, files);
  PROCTOR_RETURN_IF_ERROR(store->Prepare());
  return store;
}

}  // namespace proctor::storage
