import { maxHeadBytes } from "./headers.ts"

/** Fields in one head. HTTP/2 counts 32 bytes more for each (RFC 9113, 6.5.2). */
const maxFields = 1_000

/**
 * As much of a head as HTTP/1.1 is allowed. Node's own limit is 128 fields, and what nghttp2 sends it bounds by 64 KiB of the worst encoding.
 */
export const http2HeadOptions = {
  maxHeaderListPairs: maxFields,
  maxSendHeaderBlockLength: 8 * maxHeadBytes,
  settings: { maxHeaderListSize: maxHeadBytes + 32 * maxFields }
} as const
