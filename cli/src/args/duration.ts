import { Effect } from "effect"
import { UsageError } from "../errors/failure.ts"

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `10m`, `24h`, `90d` or seconds alone, in milliseconds. */
export const parseDuration = (flag: string, written: string): Effect.Effect<number, UsageError> => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(written)
  if (match === null) {
    return new UsageError({
      message: `"${written}" isn't a duration for ${flag}`,
      fix: `write it as ${flag} 90s or ${flag} 10m`
    })
  }
  const factor = Object.entries(milliseconds).find(([unit]) => unit === match[2])?.[1] ?? 1000
  return Effect.succeed(Number(match[1]) * factor)
}
