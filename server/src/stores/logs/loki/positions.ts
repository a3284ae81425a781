import { Schema } from "effect"
import type { LinePosition } from "../LogLine.ts"
import type { Entry, PushedValue } from "./LokiClient.ts"

/** How many instances one entry lists: 64 KiB at most. */
const atOnce = 500

const Part = Schema.parseJson(
  Schema.Struct({
    part: Schema.Int,
    of: Schema.Int,
    positions: Schema.Record({ key: Schema.String, value: Schema.Tuple(Schema.String, Schema.Int) })
  })
)
const decodePart = Schema.decodeUnknownOption(Part)

/** Positions as entries of one time. Only the newest time counts, so each write has all positions. */
export const positionValues = (
  positions: ReadonlyMap<string, LinePosition>,
  at: bigint
): ReadonlyArray<PushedValue> => {
  const all = [...positions].map(([uid, { n, t }]) => [uid, [t, n]] as const)
  const of = Math.max(1, Math.ceil(all.length / atOnce))
  return Array.from({ length: of }, (_, part) => [
    String(at),
    JSON.stringify({ part, of, positions: Object.fromEntries(all.slice(part * atOnce, (part + 1) * atOnce)) }),
    {}
  ])
}

/** The positions in entries of one time. If two replicas wrote at once, the later position of each instance counts. */
export const positionsOf = (entries: ReadonlyArray<Entry>): ReadonlyMap<string, LinePosition> => {
  const found = new Map<string, LinePosition>()
  for (const { text } of entries) {
    const part = decodePart(text)
    if (part._tag === "None") continue
    for (const [uid, [t, n]] of Object.entries(part.value.positions)) {
      const known = found.get(uid)
      if (known === undefined || known.t < t || (known.t === t && known.n < n)) found.set(uid, { t, n })
    }
  }
  return found
}
