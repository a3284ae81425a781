import type { Manifest } from "@maxcloud/synth"
import { Either, ParseResult, Schema } from "effect"
import type { ServiceKey } from "../../port/Runtime.ts"
import { parseTemplate } from "./KnativeManifest.ts"
import type { LocalObject } from "./LocalObjects.ts"
import type { RunnableRevision } from "./ServiceObject.ts"
import { PinnedSecrets } from "./secretParts.ts"

const RevisionManifest = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String }),
  template: Schema.Unknown,
  secrets: PinnedSecrets
})

/** A revision as a separate object, written once: its template, and its secret versions. */
export const revisionObject = (
  key: ServiceKey,
  name: string,
  template: unknown,
  secrets: PinnedSecrets
): LocalObject => ({
  ...revisionRef(key, name),
  generation: 1,
  manifest: {
    apiVersion: "serving.knative.dev/v1",
    kind: "Revision",
    metadata: { name, namespace: key.namespace, labels: { "serving.knative.dev/service": key.service } },
    template,
    secrets
  },
  status: {}
})

export const revisionRef = (key: ServiceKey, name: string) => ({
  organizationId: key.organizationId,
  namespace: key.namespace,
  kind: "Revision",
  name
})

const decode = Schema.decodeUnknownEither(RevisionManifest)

/** Reads a stored revision. */
export const parseRevision = (manifest: Manifest): Either.Either<RunnableRevision, string> =>
  Either.gen(function* () {
    const { metadata, secrets, template } = yield* Either.mapLeft(
      decode(manifest),
      ParseResult.TreeFormatter.formatErrorSync
    )
    return { name: metadata.name, template: yield* parseTemplate(template), pinned: secrets }
  })
