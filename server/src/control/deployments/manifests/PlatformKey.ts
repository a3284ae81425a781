import { canonicalJson } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { version } from "../../../base/settings/version.ts"
import { sha256Hex } from "../../../base/words/sha256Hex.ts"
import { Platform } from "../../../runtimes/port/Platform.ts"
import { synthesis } from "./synthesis.ts"

/**
 * Digest of everything that manifests depend on besides an app and its organization: the platform's settings at one moment, this
 * server's version, and its synth's output for a sample. Two servers with the same key create the same manifests.
 */
export interface PlatformKey {
  readonly key: string
  /** The settings in the key. */
  readonly settings: Platform["Type"]
  /** The fields that the key digests, to find out which of them differ. */
  readonly platform: Readonly<Record<string, unknown>>
}

export const digestOf = (value: unknown) => sha256Hex(canonicalJson(value))

let sample: string | undefined

/** The current key. */
export const platformKey: Effect.Effect<PlatformKey, never, Platform> = Effect.gen(function* () {
  const settings = { ...(yield* Platform) }
  // The text of a refusal: no manifest depends on it.
  const { unknownRanges: _, ...made } = settings
  const { sampleManifests } = yield* synthesis
  sample ??= digestOf(sampleManifests())
  const platform = { ...made, server: version, manifests: sample }
  return { key: digestOf(platform), settings, platform }
})

/** Computes the key on demand. */
export const currentPlatformKey: Effect.Effect<Effect.Effect<PlatformKey>, never, Platform> = Effect.map(
  Platform,
  (platform) => Effect.provideService(platformKey, Platform, platform)
)
