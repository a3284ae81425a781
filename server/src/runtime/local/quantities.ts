import { Either } from "effect"

const units: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40
}

/** A Kubernetes quantity (`500m`, `512Mi`) in its base unit: cores, or bytes. */
export const quantity = (what: string, written: string): Either.Either<number, string> => {
  const match = /^(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(written)
  return match === null
    ? Either.left(`${what}: "${written}" is no quantity`)
    : Either.right(Number(match[1]) * (units[match[2] ?? ""] ?? 1))
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration (`90s`, `1m30s`) in milliseconds. */
export const seconds = (what: string, written: string): Either.Either<number, string> => {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(written)) return Either.left(`${what}: "${written}" is no duration`)
  let sum = 0
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sum += Number(amount) * (durationUnits[unit ?? ""] ?? 1)
  }
  return Either.right(sum)
}
