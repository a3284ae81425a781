import { createHash } from "node:crypto"
import { Effect } from "effect"
import { version } from "../version.ts"
import { canonical } from "./canonical.ts"
import { Platform } from "./Platform.ts"
import { synthesis } from "./synthesis.ts"

/**
 * Everything that manifests are made from besides an app and its organization: the platform's settings, this server's version, and what
 * its synth makes of a sample. Two servers with the same key make the same manifests.
 */
export interface PlatformKey {
  readonly key: string
  /** What the key is the digest of, field by field: for telling what differs. */
  readonly platform: Readonly<Record<string, unknown>>
}

export const digestOf = (value: unknown) => createHash("sha256").update(canonical(value)).digest("hex")

let sample: string | undefined

export const platformKey: Effect.Effect<PlatformKey, never, Platform> = Effect.gen(function* () {
  const settings = yield* Platform
  const { sampleManifests } = yield* synthesis
  sample ??= digestOf(sampleManifests())
  const platform = { ...settings, server: version, manifests: sample }
  return { key: digestOf(platform), platform }
})
