import { SecretName } from "@maxcloud/config-schema"
import { annotation, type Manifest } from "@maxcloud/synth"
import { Either, Schema } from "effect"
import type { RevisionTemplate } from "./RevisionTemplate.ts"

/** Texts and versions of secrets, whose values put together make one value. */
export const SecretParts = Schema.Array(
  Schema.Union(Schema.String, Schema.Struct({ secret: SecretName, version: Schema.Int }))
)
export type SecretParts = typeof SecretParts.Type

/** What the keys of the Secrets are made of that one revision names: `<secret>/<key>` to parts. Fixed with the revision. */
export const PinnedSecrets = Schema.Record({ key: Schema.String, value: SecretParts })
export type PinnedSecrets = typeof PinnedSecrets.Type

const decodeParts = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: SecretParts }))
)

export const pinnedKey = (secret: string, key: string): string => `${secret}/${key}`

/** Looks up what a template names among the Secret manifests; on the left which one is missing. */
export const pinSecrets = (
  template: Pick<RevisionTemplate, "env" | "files">,
  secretManifest: (name: string) => Manifest | undefined
): Either.Either<PinnedSecrets, string> =>
  Either.gen(function* () {
    const named = [
      ...template.env.flatMap(({ source }) => (source.kind === "secret" ? [source] : [])),
      ...template.files
    ]
    const pinned: Record<string, SecretParts> = {}
    for (const { key, secret } of named) {
      const written = secretManifest(secret)?.metadata.annotations?.[annotation.secretParts]
      if (written === undefined) return yield* Either.left(`there is no Secret "${secret}" among the manifests`)
      const parts = yield* Either.mapLeft(
        decodeParts(written),
        () => `the annotation ${annotation.secretParts} of Secret "${secret}" cannot be read`
      )
      const ofKey = parts[key]
      if (ofKey === undefined) return yield* Either.left(`Secret "${secret}" has no key "${key}"`)
      pinned[pinnedKey(secret, key)] = ofKey
    }
    return pinned
  })
