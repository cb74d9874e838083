#include "trajectory/recompress.h"

#include <string_view>
#include <vector>

#include "common/status.h"
#include "imaging/image.h"
#include "imaging/lossless_webp.h"
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

bool HasPixelsOf(const std::string& encoded, const imaging::Image& image) {
  const absl::StatusOr<imaging::Image> decoded = imaging::Decode(encoded);
  return decoded.ok() && decoded->width_px == image.width_px && decoded->height_px == image.height_px &&
         decoded->bgra == image.bgra;
}

absl::StatusOr<std::string> NextDigest(const CallContext& context, Archive& archive,
                                       const std::string& after, absl::Time started_before) {
  std::string digest;
  PROCTOR_RETURN_IF_ERROR(
      archive.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<Row> rows,
            transaction.Query(
                "SELECT b.digest FROM trajectory_blobs b JOIN trajectory_records r ON "
                "r.id = b.trajectory WHERE b.digest > $1 AND r.start_time < $2 AND NOT EXISTS "
                "(SELECT 1 FROM trajectory_recompressed d WHERE d.digest = b.digest) "
                "ORDER BY b.digest LIMIT 1",
                {after, absl::ToUnixMicros(started_before)}));
        if (!rows.empty()) digest = rows[0].Text(0);
        return absl::OkStatus();
      }));
  return digest;
}

absl::Status NoteDone(const CallContext& context, Archive& archive, const std::string& digest) {
  return archive.database().Write(context, [&](Transaction& transaction) {
    return transaction
        .Execute("INSERT INTO trajectory_recompressed (digest) VALUES ($1) ON CONFLICT DO NOTHING",
                 {digest})
        .status();
  });
}

absl::Status RecompressOne(const CallContext& context, Archive& archive, const RecompressOptions& options,
                           const std::string& digest, RecompressResult& result) {
  BlobPins pins(archive.ledger());
  PROCTOR_RETURN_IF_ERROR(pins.Add(context, digest));
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes, archive.blobs().Get(context, digest));
  if (!IsPngOfEightBits(bytes)) return absl::OkStatus();
  ++result.looked_at;
  result.bytes_before += static_cast<int64_t>(bytes.size());
  result.bytes_after += static_cast<int64_t>(bytes.size());
  absl::StatusOr<std::string> encoded = options.encode(bytes);
  // Too large a picture is no full disk: it concerns this blob alone.
  if (absl::IsResourceExhausted(encoded.status())) return absl::InvalidArgumentError(encoded.status().message());
  PROCTOR_ASSIGN_OR_RETURN(const std::string smaller, std::move(encoded));
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
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image before, imaging::Decode(encoded));
  PROCTOR_ASSIGN_OR_RETURN(std::string smaller, imaging::ShrinkPng(encoded));
  // Colours under full transparency, and sides above 16,383 pixels, are nothing for WebP.
  if (const absl::StatusOr<std::string> webp = imaging::EncodeLosslessWebp(before);
      webp.ok() && webp->size() < smaller.size() && HasPixelsOf(*webp, before)) {
    smaller = *webp;
  }
  if (smaller.size() >= encoded.size()) return std::string();
  // Checked here too, whatever the encoder promises: the original is about to go.
  if (!HasPixelsOf(smaller, before)) return absl::InternalError("a smaller encoding has other pixels");
  return smaller;
}

absl::StatusOr<RecompressResult> RecompressBlobs(const CallContext& context, Archive& archive,
                                                 const RecompressOptions& options,
                                                 const RecompressProgress& progress) {
  RecompressResult result;
  result.last_digest = options.after_digest;
  while (true) {
    PROCTOR_RETURN_IF_ERROR(context.Check("recompression"));
    PROCTOR_ASSIGN_OR_RETURN(
        const std::string digest,
        NextDigest(context, archive, result.last_digest, options.started_before));
    if (digest.empty()) return result;
    const absl::Status status = RecompressOne(context, archive, options, digest, result);
    if (IsFatal(status)) return status;
    if (!status.ok()) ++result.failed;
    PROCTOR_RETURN_IF_ERROR(NoteDone(context, archive, digest));
    result.last_digest = digest;
    PROCTOR_RETURN_IF_ERROR(progress(result));
  }
}

}  // namespace proctor::trajectory
