import { canonicalJson } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { version } from "../../../base/settings/version.ts"
import { sha256Hex } from "../../../base/words/sha256Hex.ts"
import { Platform } from "../../../runtimes/port/Platform.ts"
import { synthesis } from "./synthesis.ts"

/**
 * Everything that manifests are made from besides an app and its organization: the platform's settings of one moment, this server's
 * version, and what its synth makes of a sample. Two servers with the same key make the same manifests.
 */
export interface PlatformKey {
  readonly key: string
  /** The settings that the key is of. */
  readonly settings: Platform["Type"]
  /** The fields that the key is the digest of, to find out which of them differ. */
  readonly platform: Readonly<Record<string, unknown>>
}

export const digestOf = (value: unknown) => sha256Hex(canonicalJson(value))

let sample: string | undefined

/** The present key. */
export const platformKey: Effect.Effect<PlatformKey, never, Platform> = Effect.gen(function* () {
  const settings = { ...(yield* Platform) }
  // A reason why something is refused, in words: no manifest is made from it.
  const { unknownRanges: _, ...made } = settings
  const { sampleManifests } = yield* synthesis
  sample ??= digestOf(sampleManifests())
  const platform = { ...made, server: version, manifests: sample }
  return { key: digestOf(platform), settings, platform }
})

/** Computes the key when it is asked. */
export const currentPlatformKey: Effect.Effect<Effect.Effect<PlatformKey>, never, Platform> = Effect.map(
  Platform,
  (platform) => Effect.provideService(platformKey, Platform, platform)
)
