import { maxHeadBytes } from "./headers.ts"

/** The number of fields in one head. HTTP/2 counts 32 bytes more for each (RFC 9113, 6.5.2). */
const maxFields = 1_000

/**
 * The same head size as for HTTP/1.1. Node's own limit is 128 fields, and nghttp2 limits the heads that it sends to 64
 * KiB in the worst encoding.
 */
export const http2HeadOptions = {
  maxHeaderListPairs: maxFields,
  maxSendHeaderBlockLength: 8 * maxHeadBytes,
  settings: { maxHeaderListSize: maxHeadBytes + 32 * maxFields }
} as const
