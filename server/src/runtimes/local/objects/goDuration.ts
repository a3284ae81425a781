import { Either } from "effect"

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration (`90s`, `1m30s`) in milliseconds. */
export const goDuration = (what: string, written: string): Either.Either<number, string> => {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(written)) return Either.left(`${what}: "${written}" is no duration`)
  let sum = 0
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sum += Number(amount) * (units[unit ?? ""] ?? 1)
  }
  return Either.right(sum)
}
