import { amountIn, durationUnits } from "@maxcloud/config-schema/plain"
import { Effect } from "effect"
import { UsageError } from "../errors/failure.ts"

/** Parses `90s`, `10m`, `24h`, `90d` or plain seconds into milliseconds. */
export const parseDuration = (flag: string, written: string): Effect.Effect<number, UsageError> => {
  const found = amountIn({ ...durationUnits, "": durationUnits.s }, written)
  if (found === undefined) {
    return new UsageError({
      message: `"${written}" isn't a valid duration for ${flag}`,
      fix: `use a form like ${flag} 90s or ${flag} 10m`
    })
  }
  return Effect.succeed(found)
}
