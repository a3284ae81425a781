import { decodeUtf8, utf8Fix } from "@maxcloud/config-schema/plain"
import { Effect } from "effect"
import { UsageError } from "../errors/failure.ts"

/** Decodes UTF-8 exactly, and keeps a byte order mark. Refuses other bytes, because decoding would change them. Never quotes them. */
export const decodeText = (bytes: Uint8Array, place: string): Effect.Effect<string, UsageError> => {
  const decoded = decodeUtf8(bytes)
  if ("text" in decoded) return Effect.succeed(decoded.text)
  const { fault } = decoded
  return Effect.fail(
    new UsageError({
      message: fault.isUtf16 ? `${place} is UTF-16` : `${place}:${fault.line}: not UTF-8`,
      fix: utf8Fix(fault)
    })
  )
}
