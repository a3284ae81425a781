import type { SecretName } from "@maxcloud/config-schema"
import type { SecretInfo } from "@maxcloud/sdk/api"
import { Effect, Either, Option, type Redacted } from "effect"
import { addVersions, find } from "./addVersions.ts"
import { readVersion } from "./readVersions.ts"
import type { SecretScope } from "./Secrets.ts"

/** Sets the newest values of secrets in another app or stage, all or none. Left: those that aren't set. */
export const copyVersions = (dataDir: string, from: SecretScope, to: SecretScope, wanted: ReadonlyArray<SecretName>) =>
  Effect.gen(function* () {
    const names = [...new Set(wanted)].sort()
    const set = yield* find(from, names)
    const values = new Map<SecretName, Redacted.Redacted>()
    for (const { name, version } of set.values()) {
      const value = yield* readVersion(dataDir, from, name, version)
      if (Option.isSome(value)) values.set(name, value.value)
    }
    const missing = names.filter((name) => !values.has(name))
    if (missing.length > 0) return Either.left<ReadonlyArray<SecretName>>(missing)
    return Either.right<ReadonlyArray<SecretInfo>>(yield* addVersions("apps.copySecrets", to, values, from))
  })
