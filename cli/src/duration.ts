import { Effect } from "effect"
import { UsageError } from "./failure.ts"

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `90s`, `10m` or seconds alone, in milliseconds. */
export const parseDuration = (flag: string, written: string): Effect.Effect<number, UsageError> => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(written)
  const unit = match?.[2]
  if (match === null) {
    return new UsageError({
      message: `"${written}" is no duration for ${flag}`,
      fix: `write it as ${flag} 90s or ${flag} 10m`
    })
  }
  const factor = unit === "ms" || unit === "s" || unit === "m" || unit === "h" ? milliseconds[unit] : 1000
  return Effect.succeed(Number(match[1]) * factor)
}
