import { type AppName, ServiceName } from "@maxcloud/config-schema"
import { isKnativeService, type Manifest, type ObjectRef, refOf } from "@maxcloud/synth"
import { Effect, Either, Schema } from "effect"
import { type NamespaceKey, type Runtime, RuntimeError, type ServiceKey } from "../../port/Runtime.ts"
import type { RouteTable } from "../activator/RouteTable.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { revisionRef } from "../objects/RevisionObject.ts"
import type { RunnableRevision, ServiceObject } from "../objects/ServiceObject.ts"
import { latestCreated } from "../objects/ServiceRecord.ts"
import type { Callee, Links } from "../revisions/Links.ts"
import { planService, type ServiceChange } from "./applyPlan.ts"
import { fingerprint } from "./fingerprint.ts"
import type { ObjectStore, Transaction } from "./ObjectStore.ts"
import type { ServiceController } from "./ServiceController.ts"

/** Longest time that requests in flight keep the instances of a service that is removed. */
const removalDrainMs = 10_000

/** Manifests that are compared without a pause for the event loop. */
const manifestsAtOnce = 32

/** Objects that are kept and not run, by their digest; of Secrets all, since revisions look their parts up. */
interface KeptObject {
  readonly fingerprint: string
  readonly manifest: Manifest | undefined
}

export interface LocalServicesInput {
  readonly store: ObjectStore
  readonly table: RouteTable
  readonly links: Links
  readonly makeController: (object: ServiceObject) => ServiceController
  readonly mayRun: (key: NamespaceKey, change: ServiceChange) => string | undefined
  /** Is what a revision runs from as it was made? */
  readonly isWhole: (key: ServiceKey, revision: RunnableRevision) => Effect.Effect<boolean>
  readonly onRemoved: (key: ServiceKey) => Effect.Effect<void>
  /** The last service of a namespace is gone. */
  readonly onEmptied: (key: NamespaceKey) => Effect.Effect<void>
}

/** All services of this runtime, and what else their namespaces hold. */
export interface LocalServices {
  readonly find: (callee: Callee) => ServiceController | undefined
  readonly all: () => Iterable<ServiceController>
  readonly apply: (
    key: NamespaceKey,
    app: AppName,
    manifests: ReadonlyArray<Manifest>,
    retry: ReadonlySet<string>
  ) => Effect.Effect<void, RuntimeError>
  readonly abandon: Runtime["Type"]["abandon"]
  readonly remove: (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) => Effect.Effect<void, RuntimeError>
  /** Takes up what was kept. */
  readonly adopt: (controller: ServiceController) => void
  readonly keep: (object: LocalObject) => void
}

const nextTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const isServiceName = Schema.is(ServiceName)

export const makeLocalServices = (input: LocalServicesInput): LocalServices => {
  const { links, store, table } = input
  const controllers = new Map<string, ServiceController>()
  const kept = new Map<string, KeptObject>()
  const idOf = (_: Callee) => `${_.organizationId}/${_.namespace}/${_.service}`
  const keptId = (_: Pick<LocalObject, "kind" | "name" | "namespace" | "organizationId">) =>
    `${_.organizationId}/${_.namespace}/${_.kind}/${_.name}`

  const adopt = (controller: ServiceController) => {
    const { internal, key } = controller.object()
    controllers.set(idOf(key), controller)
    if (internal) table.remove(key)
    else table.add(key, controller.route)
  }

  const keep = (object: LocalObject) => {
    kept.set(keptId(object), {
      fingerprint: fingerprint(object.manifest),
      manifest: object.kind === "Secret" ? object.manifest : undefined
    })
  }

  const changeOf = (
    key: NamespaceKey,
    app: AppName,
    manifest: Manifest,
    secretManifest: (name: string) => Manifest | undefined
  ): Either.Either<ServiceChange | undefined, string> =>
    Either.gen(function* () {
      const { name } = manifest.metadata
      if (!isServiceName(name)) return yield* Either.left("it isn't a valid service name")
      const serviceKey = { ...key, service: name }
      const existing = controllers.get(idOf(serviceKey))?.object()
      const now = new Date().toISOString()
      const change = yield* planService({ key: serviceKey, app, manifest, existing, secretManifest, now })
      const refusal = change === undefined ? undefined : input.mayRun(key, change)
      return refusal === undefined ? change : yield* Either.left(refusal)
    })

  const plan = (key: NamespaceKey, app: AppName, manifests: ReadonlyArray<Manifest>, retry: ReadonlySet<string>) =>
    Effect.gen(function* () {
      const changes: Array<ServiceChange> = []
      const unchanged: Array<ServiceController> = []
      const others: Array<LocalObject> = []
      const secrets = new Map(manifests.filter((_) => _.kind === "Secret").map((_) => [_.metadata.name, _]))
      const secretManifest = (name: string) =>
        secrets.get(name) ?? kept.get(keptId({ ...key, kind: "Secret", name }))?.manifest

      for (const [index, manifest] of manifests.entries()) {
        // Requests go on while hundreds of services are compared.
        if (index % manifestsAtOnce === manifestsAtOnce - 1) yield* nextTurn
        const { name, namespace } = manifest.metadata
        const at = manifest.kind === "Namespace" ? name : namespace
        if (at !== key.namespace) {
          return yield* refused(manifest, `it is not in the namespace "${key.namespace}"`)
        }
        if (isKnativeService(manifest)) {
          const change = yield* Either.mapLeft(changeOf(key, app, manifest, secretManifest), (_) =>
            refused(manifest, _)
          )
          const known = controllers.get(idOf({ ...key, service: name }))
          if (change !== undefined) changes.push(change)
          else if (known !== undefined) unchanged.push(known)
          continue
        }
        const { organizationId } = key
        const object = {
          organizationId,
          namespace: key.namespace,
          kind: manifest.kind,
          name,
          generation: 1,
          manifest,
          status: {}
        }
        if (kept.get(keptId(object))?.fingerprint !== fingerprint(manifest)) others.push(object)
      }

      const transaction: Transaction<void> = {
        put: [...others, ...changes.flatMap((_) => _.put)],
        remove: changes.flatMap((_) => _.remove),
        commit: () => {
          for (const object of others) keep(object)
          for (const change of changes) carryOut(change)
          for (const controller of unchanged) if (retry.has(controller.object().key.service)) controller.retryFailed()
        }
      }
      return transaction
    })

  const renewDamaged = (controller: ServiceController) =>
    Effect.gen(function* () {
      const revision = controller.serving()
      if (revision === undefined || latestCreated(controller.status().record)?.name !== revision.name) return
      if (!(yield* input.isWhole(controller.object().key, revision))) controller.renew(revision)
    })

  const carryOut = ({ created, object }: ServiceChange) => {
    const existing = controllers.get(idOf(object.key))
    // One that could not be removed to the end does not come back.
    const usable = existing?.status().state === "deleting" ? undefined : existing
    const controller = usable ?? input.makeController(object)
    adopt(controller)
    controller.update(object, created)
    // Visibility is of the object that `update` has put in.
    adopt(controller)
  }

  const removeServices = (key: NamespaceKey, gone: ReadonlyArray<ServiceController>) =>
    Effect.gen(function* () {
      for (const controller of gone) table.remove(controller.object().key)
      yield* Effect.promise(() => Promise.all(gone.map((_) => _.stop(removalDrainMs, "it has been removed"))))
      yield* Effect.forEach(gone, (_) => input.onRemoved(_.object().key), { concurrency: 8, discard: true })
      // Those that still name it keep its address: it may come back.
      const rest = [...controllers.values()].filter(
        (_) => !gone.includes(_) && _.object().key.namespace === key.namespace
      )
      for (const controller of gone) {
        const { key: callee } = controller.object()
        const host = `${callee.service}.${callee.namespace}.svc.cluster.local`
        if (!rest.some((_) => JSON.stringify(_.object().manifest).includes(host))) {
          yield* Effect.promise(() => links.close(callee))
        }
      }
      if (gone.length > 0 && !rest.some((_) => _.object().key.organizationId === key.organizationId))
        yield* input.onEmptied(key)
    })

  return {
    find: (callee) => controllers.get(idOf(callee)),
    all: () => controllers.values(),
    apply: Effect.fn("LocalServices.apply")(function* (key, app, manifests, retry) {
      yield* store.transact(plan(key, app, manifests, retry))
      const services = manifests.filter(isKnativeService).flatMap(({ metadata: { name } }) => {
        const found = isServiceName(name) ? controllers.get(idOf({ ...key, service: name })) : undefined
        return found === undefined ? [] : [found]
      })
      // What a deployment says to be ready is so by its files, not by what it once was.
      yield* Effect.forEach(services, renewDamaged, { concurrency: 4, discard: true })
    }),
    abandon: (key, names) =>
      store.transact(
        Effect.sync((): Transaction<void> => {
          const given = names.flatMap((service) => controllers.get(idOf({ ...key, service })) ?? [])
          for (const controller of given) controller.abandon()
          return { put: given.map((_) => _.stored()), remove: [], commit: () => {} }
        })
      ),
    remove: Effect.fn("LocalRuntime.remove")(function* (key, refs) {
      const gone = refs.flatMap((ref) => {
        const { name } = ref
        const found =
          isKnativeService(ref) && isServiceName(name) ? controllers.get(idOf({ ...key, service: name })) : undefined
        return found === undefined ? [] : [found]
      })
      yield* removeServices(key, gone)
      yield* store.transact(
        Effect.sync((): Transaction<void> => {
          const others = refs.filter((_) => !isKnativeService(_)).map((_) => ({ ...key, kind: _.kind, name: _.name }))
          return {
            put: [],
            remove: [
              ...others,
              ...gone.flatMap((_) => {
                const stored = _.stored()
                const { key: serviceKey, record } = _.object()
                return [stored, ...record.revisions.map((revision) => revisionRef(serviceKey, revision.name))]
              })
            ],
            commit: () => {
              for (const other of others) kept.delete(keptId(other))
              for (const controller of gone) {
                store.forget(controller)
                controllers.delete(idOf(controller.object().key))
              }
            }
          }
        })
      )
    }),
    adopt,
    keep
  }
}

const refused = (manifest: Manifest, why: string): RuntimeError => {
  const { kind, name } = refOf(manifest)
  return new RuntimeError({ reason: "refused", message: `${kind} "${name}" cannot run on the local runtime: ${why}` })
}
