import { type Manifest, readParts, SecretParts } from "@maxcloud/synth"
import { Either } from "effect"
import type { RevisionTemplate } from "./RevisionTemplate.ts"

/** The parts of each key in the Secrets of one revision: `<secret>/<key>` to parts. Fixed with the revision. */
export const PinnedSecrets = SecretParts
export type PinnedSecrets = SecretParts

export const pinnedKey = (secret: string, key: string): string => `${secret}/${key}`

/** Looks up a template's references in the Secret manifests; left: which one is missing. */
export const pinSecrets = (
  template: Pick<RevisionTemplate, "env" | "files">,
  secretManifest: (name: string) => Manifest | undefined
): Either.Either<PinnedSecrets, string> =>
  Either.gen(function* () {
    const named = [
      ...template.env.flatMap((each) =>
        "valueFrom" in each ? [{ secret: each.valueFrom.secretKeyRef.name, key: each.valueFrom.secretKeyRef.key }] : []
      ),
      ...template.files
    ]
    const pinned: Record<string, SecretParts[string]> = {}
    for (const { key, secret } of named) {
      const manifest = secretManifest(secret)
      const read = manifest === undefined ? undefined : readParts(manifest)
      if (read === undefined) return yield* Either.left(`the Secret "${secret}" is missing from the manifests`)
      const parts = yield* Either.mapLeft(read, (fault) => `Secret "${secret}": ${fault}`)
      const ofKey = parts[key]
      if (ofKey === undefined) return yield* Either.left(`Secret "${secret}" has no key "${key}"`)
      pinned[pinnedKey(secret, key)] = ofKey
    }
    return pinned
  })
