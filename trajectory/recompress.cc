#include "trajectory/recompress.h"

#include <string_view>
#include <vector>

#include "common/status.h"
#include "imaging/image.h"
#include "storage/database.h"
#include "trajectory/blob_ledger.h"

namespace proctor::trajectory {
namespace {

using storage::Row;
using storage::Transaction;

// Where an IHDR chunk has its bits a channel.
constexpr size_t kPngDepthOffset = 24;

// A decoder to 8 bits would hide that a deeper picture lost something.
bool IsPngOfEightBits(std::string_view bytes) {
  return bytes.size() > kPngDepthOffset && bytes.starts_with("\x89PNG\r\n\x1a\n") &&
         static_cast<unsigned char>(bytes[kPngDepthOffset]) <= 8;
}

absl::StatusOr<std::string> NextDigest(const CallContext& context, Archive& archive,
                                       const std::string& after) {
  std::string digest;
  PROCTOR_RETURN_IF_ERROR(
      archive.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<Row> rows,
            transaction.Query("SELECT digest FROM trajectory_blobs WHERE digest > $1 "
                              "ORDER BY digest LIMIT 1",
                              {after}));
        if (!rows.empty()) digest = rows[0].Text(0);
        return absl::OkStatus();
      }));
  return digest;
}

absl::Status RecompressOne(const CallContext& context, Archive& archive, const std::string& digest,
                           RecompressResult& result) {
  BlobPins pins(archive.ledger());
  PROCTOR_RETURN_IF_ERROR(pins.Add(context, digest));
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes, archive.blobs().Get(context, digest));
  if (!IsPngOfEightBits(bytes)) return absl::OkStatus();
  ++result.looked_at;
  result.bytes_before += static_cast<int64_t>(bytes.size());
  result.bytes_after += static_cast<int64_t>(bytes.size());
  PROCTOR_ASSIGN_OR_RETURN(const std::string smaller, SmallerEncoding(bytes));
  if (smaller.empty()) return absl::OkStatus();
  PROCTOR_RETURN_IF_ERROR(archive.blobs().Replace(context, digest, smaller));
  ++result.replaced;
  result.bytes_after -= static_cast<int64_t>(bytes.size() - smaller.size());
  return absl::OkStatus();
}

// A failure that ends the pass; others concern one blob.
bool IsFatal(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsCancelled(status) ||
         absl::IsDeadlineExceeded(status);
}

}  // namespace

absl::StatusOr<std::string> SmallerEncoding(const std::string& encoded) {
  if (!IsPngOfEightBits(encoded)) return std::string();
  PROCTOR_ASSIGN_OR_RETURN(std::string smaller, imaging::ShrinkPng(encoded));
  if (smaller.size() >= encoded.size()) return std::string();
  // Checked here too, whatever the encoder promises: the original is about to go.
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image before, imaging::Decode(encoded));
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image after, imaging::Decode(smaller));
  if (before.width_px != after.width_px || before.height_px != after.height_px ||
      before.bgra != after.bgra) {
    return absl::InternalError("a smaller encoding has other pixels");
  }
  return smaller;
}

absl::StatusOr<RecompressResult> RecompressBlobs(const CallContext& context, Archive& archive,
                                                 const std::string& after_digest,
                                                 const RecompressProgress& progress) {
  RecompressResult result;
  result.last_digest = after_digest;
  while (true) {
    PROCTOR_RETURN_IF_ERROR(context.Check("recompression"));
    PROCTOR_ASSIGN_OR_RETURN(const std::string digest,
                             NextDigest(context, archive, result.last_digest));
    if (digest.empty()) return result;
    const absl::Status status = RecompressOne(context, archive, digest, result);
    if (IsFatal(status)) return status;
    if (!status.ok()) ++result.failed;
    result.last_digest = digest;
    PROCTOR_RETURN_IF_ERROR(progress(result));
  }
}

}  // namespace proctor::trajectory
