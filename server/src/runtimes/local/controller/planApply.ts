import { ServiceName } from "@maxcloud/config-schema"
import { isKnativeService, type Manifest, refOf } from "@maxcloud/synth"
import { Effect, Either, Schema } from "effect"
import { type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import type { Callee } from "../revisions/Links.ts"
import { planService, type ServiceChange } from "./applyPlan.ts"
import type { KeptObjects } from "./keptObjects.ts"
import type { ServiceController } from "./ServiceController.ts"

/** How many manifests to compare before yielding to the event loop. */
const manifestsAtOnce = 32

type Find = (callee: Callee) => ServiceController | undefined
/** Why a change can't be carried out here. */
export type MayRun = (key: NamespaceKey, change: ServiceChange) => string | undefined

/** The changes made by applying the manifests. */
export interface PlannedApply {
  readonly changes: ReadonlyArray<ServiceChange>
  readonly unchanged: ReadonlyArray<ServiceController>
  /** Objects to store that run nothing. */
  readonly others: ReadonlyArray<LocalObject>
}

const nextTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const isServiceName = Schema.is(ServiceName)

const refused = (manifest: Manifest, why: string): RuntimeError => {
  const { kind, name } = refOf(manifest)
  return new RuntimeError({ reason: "refused", message: `${kind} "${name}" can't run on the local runtime: ${why}` })
}

const changeOf = (
  key: NamespaceKey,
  manifest: Manifest,
  find: Find,
  mayRun: MayRun,
  secretManifest: (name: string) => Manifest | undefined
): Either.Either<ServiceChange | undefined, string> =>
  Either.gen(function* () {
    const { name } = manifest.metadata
    if (!isServiceName(name)) return yield* Either.left("it isn't a valid service name")
    const serviceKey = { ...key, service: name }
    const existing = find(serviceKey)?.object()
    const now = new Date().toISOString()
    const change = yield* planService({ key: serviceKey, manifest, existing, secretManifest, now })
    const refusal = change === undefined ? undefined : mayRun(key, change)
    return refusal === undefined ? change : yield* Either.left(refusal)
  })

/** Compares manifests with the current objects, without changing anything yet. */
export const planApply = (
  key: NamespaceKey,
  manifests: ReadonlyArray<Manifest>,
  kept: KeptObjects,
  find: Find,
  mayRun: MayRun
): Effect.Effect<PlannedApply, RuntimeError> =>
  Effect.gen(function* () {
    const changes: Array<ServiceChange> = []
    const unchanged: Array<ServiceController> = []
    const others: Array<LocalObject> = []
    const secrets = new Map(
      manifests.filter((manifest) => manifest.kind === "Secret").map((manifest) => [manifest.metadata.name, manifest])
    )
    const secretManifest = (name: string) => secrets.get(name) ?? kept.secret(key, name)

    for (const [index, manifest] of manifests.entries()) {
      // Requests continue while hundreds of services are compared.
      if (index % manifestsAtOnce === manifestsAtOnce - 1) yield* nextTurn
      const { name, namespace } = manifest.metadata
      const at = manifest.kind === "Namespace" ? name : namespace
      if (at !== key.namespace) return yield* refused(manifest, `it isn't in the namespace "${key.namespace}"`)
      if (isKnativeService(manifest)) {
        const planned = changeOf(key, manifest, find, mayRun, secretManifest)
        const change = yield* Either.mapLeft(planned, (found) => refused(manifest, found))
        const known = isServiceName(name) ? find({ ...key, service: name }) : undefined
        if (change !== undefined) changes.push(change)
        else if (known !== undefined) unchanged.push(known)
        continue
      }
      const object = objectOf(key, manifest)
      if (!kept.has(object)) others.push(object)
    }
    return { changes, unchanged, others }
  })

const objectOf = ({ namespace, organizationId }: NamespaceKey, manifest: Manifest): LocalObject => ({
  organizationId,
  namespace,
  kind: manifest.kind,
  name: manifest.metadata.name,
  generation: 1,
  manifest,
  status: {}
})
