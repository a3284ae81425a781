import { Effect } from "effect"
import { UsageError } from "../errors/failure.ts"

const decoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const isText = (bytes: Uint8Array): boolean => {
  try {
    decoder().decode(bytes)
    return true
  } catch {
    return false
  }
}

/** The line with the first byte that isn't UTF-8. */
const wrongLine = (bytes: Uint8Array): number => {
  let line = 1
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(10, start)
    const end = newline === -1 ? bytes.length : newline
    if (!isText(bytes.subarray(start, end))) return line
    start = end + 1
  }
  return line
}

/**
 * Decodes bytes as UTF-8 exactly, and keeps a byte order mark. Refuses bytes that aren't UTF-8, because decoding would change them.
 * The message never quotes them.
 */
export const decodeText = (bytes: Uint8Array, place: string): Effect.Effect<string, UsageError> =>
  Effect.try({
    try: () => decoder().decode(bytes),
    catch: () => {
      const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
      return new UsageError({
        message: isWide ? `${place} is UTF-16` : `${place}:${wrongLine(bytes)}: not UTF-8`,
        fix: `convert it: iconv -f ${isWide ? "utf-16" : "latin1"} -t utf-8; encode binary data, for example with base64`
      })
    }
  })
