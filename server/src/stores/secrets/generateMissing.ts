import { randomInt } from "node:crypto"
import type { SecretName } from "@maxcloud/config-schema"
import { Effect, Redacted } from "effect"
import { claim, find, store } from "./addVersions.ts"
import type { SecretScope } from "./Secrets.ts"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/** The number of letters and digits, all equally likely: almost 6 bits each. */
const generateValue = (length: number): Redacted.Redacted =>
  Redacted.make(Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join(""))

/**
 * Generates the values of secrets that nobody has set, in the open transaction. A value that somebody sets at the same
 * moment stays. Returns the version of each, set before or generated now, and how many were generated.
 */
export const generateMissing = (scope: SecretScope, lengths: ReadonlyMap<SecretName, number>) =>
  Effect.gen(function* () {
    const names = [...lengths.keys()].sort()
    if (names.length === 0) return { versions: new Map<SecretName, number>(), made: 0 }
    const claimed = yield* claim(scope, names)
    const values = new Map(claimed.map(({ name }) => [name, generateValue(lengths.get(name) ?? 32)]))
    yield* store("apps.generateSecret", scope, claimed, values, new Map())
    const found = yield* find(scope, names)
    return { versions: new Map([...found.values()].map(({ name, version }) => [name, version])), made: claimed.length }
  })
