import { canonicalJson } from "@maxcloud/sdk/api"
import { annotation, type Manifest } from "@maxcloud/synth"
import { Either } from "effect"
import type { NamespaceKey, ServiceKey } from "../../port/Runtime.ts"
import { parseKnativeService } from "../objects/KnativeManifest.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { revisionObject, revisionRef } from "../objects/RevisionObject.ts"
import { type RunnableRevision, type ServiceObject, storedOf } from "../objects/ServiceObject.ts"
import { latestCreated, type ServiceRecord, withRevision } from "../objects/ServiceRecord.ts"
import { pinSecrets } from "../objects/secretParts.ts"
import { fingerprint } from "./fingerprint.ts"

/** How a manifest changes a service's object. */
export interface ServiceChange {
  readonly object: ServiceObject
  /** Its new revision, if its template has changed. */
  readonly created: RunnableRevision | undefined
  readonly put: ReadonlyArray<LocalObject>
  readonly remove: ReadonlyArray<ReturnType<typeof revisionRef>>
}

const newRecord = (key: NamespaceKey): ServiceRecord => ({
  organization: key.organization,
  app: key.app,
  stage: key.stage,
  lastRevision: 0,
  revisions: [],
  latestReady: null,
  active: false,
  linkPorts: {},
  conditions: []
})

/** Its template without the minimum scale, which a paused service doesn't have. */
const unscaled = ({ spec }: Manifest): string =>
  canonicalJson(JSON.parse(JSON.stringify(spec, (key, value) => (key === annotation.minScale ? undefined : value))))

/** Compares a Knative Service with the current one. `undefined` if nothing changes; left: why it can't run. */
export const planService = (input: {
  readonly key: ServiceKey
  readonly manifest: Manifest
  readonly existing: ServiceObject | undefined
  readonly secretManifest: (name: string) => Manifest | undefined
  readonly now: string
}): Either.Either<ServiceChange | undefined, string> =>
  Either.gen(function* () {
    const { existing, key, manifest, now, secretManifest } = input
    const { internal, paused, template, written } = yield* parseKnativeService(manifest)
    const pinned = yield* pinSecrets(template, secretManifest)
    const print = fingerprint([written, pinned])
    const record = existing?.record ?? newRecord(key)
    // Pausing creates no revision, although it removes the minimum scale from the template.
    const pausing = paused && existing !== undefined && unscaled(existing.manifest) === unscaled(manifest)
    const sameTemplate = pausing || latestCreated(record)?.fingerprint === print
    const sameManifest = existing !== undefined && canonicalJson(existing.manifest) === canonicalJson(manifest)
    if (sameTemplate && sameManifest) return undefined

    const generation = (existing?.generation ?? 0) + 1
    if (sameTemplate) {
      const object = { key, manifest, generation, internal, paused, record }
      return { object, created: undefined, put: [storedOf(object)], remove: [] }
    }
    const next = withRevision(record, key.service, {
      createdAt: now,
      fingerprint: print,
      image: template.image
    })
    const object = { key, manifest, generation, internal, paused, record: next.record }
    return {
      object,
      created: { name: next.created.name, template, pinned },
      put: [storedOf(object), revisionObject(key, next.created.name, written, pinned)],
      remove: next.dropped.map((value) => revisionRef(key, value))
    }
  })
