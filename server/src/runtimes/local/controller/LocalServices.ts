import { ServiceName } from "@maxcloud/config-schema"
import { isKnativeService, type Manifest, type ObjectRef, refOf } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import type { NamespaceKey, Runtime, RuntimeError, ServiceKey } from "../../port/Runtime.ts"
import type { RouteTable } from "../activator/RouteTable.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { revisionRef } from "../objects/RevisionObject.ts"
import type { RunnableRevision, ServiceObject } from "../objects/ServiceObject.ts"
import { latestCreated } from "../objects/ServiceRecord.ts"
import type { Callee, Links } from "../revisions/Links.ts"
import type { ServiceChange } from "./applyPlan.ts"
import { makeKeptObjects } from "./keptObjects.ts"
import { type Leaving, makeLeaving } from "./leaving.ts"
import type { ObjectStore, Transaction } from "./ObjectStore.ts"
import { type MayRun, planApply } from "./planApply.ts"
import type { ServiceController } from "./ServiceController.ts"

export interface LocalServicesInput {
  readonly store: ObjectStore
  readonly table: RouteTable
  readonly links: Links
  readonly makeController: (object: ServiceObject) => ServiceController
  readonly mayRun: MayRun
  /** Is the build of a revision unchanged? */
  readonly isWhole: (key: ServiceKey, revision: RunnableRevision) => Effect.Effect<boolean>
  readonly onRemoved: (key: ServiceKey) => Effect.Effect<void>
  /** The namespace's last service is gone. */
  readonly onEmptied: (key: NamespaceKey) => Effect.Effect<void>
}

/** All services of this runtime, and everything else in their namespaces. */
export interface LocalServices {
  readonly find: (callee: Callee) => ServiceController | undefined
  /** Also those whose instances are still stopping after a removal. */
  readonly all: () => Iterable<ServiceController>
  readonly apply: (
    key: NamespaceKey,
    manifests: ReadonlyArray<Manifest>,
    retry: ReadonlySet<string>
  ) => Effect.Effect<void, RuntimeError>
  readonly abandon: Runtime["Type"]["abandon"]
  /** Fails with `away` while instances are still stopping: try again then. */
  readonly remove: (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) => Effect.Effect<void, RuntimeError>
  /** Restores the stored objects. */
  readonly adopt: (controller: ServiceController) => void
  readonly keep: (object: LocalObject) => void
}

const isServiceName = Schema.is(ServiceName)

export const makeLocalServices = (input: LocalServicesInput): LocalServices => {
  const controllers = new Map<string, ServiceController>()
  const kept = makeKeptObjects()
  const leaving = makeLeaving()
  const find = (callee: Callee) => controllers.get(idOf(callee))
  const named = (key: NamespaceKey, name: string) => (isServiceName(name) ? find({ ...key, service: name }) : undefined)

  const adopt = (controller: ServiceController) => {
    const { internal, key } = controller.object()
    controllers.set(idOf(key), controller)
    if (internal) input.table.remove(key)
    else input.table.add(key, controller.route)
  }

  const carryOut = ({ created, object }: ServiceChange) => {
    const existing = find(object.key)
    // A service whose removal was interrupted doesn't come back.
    const isUsable = existing !== undefined && existing.status().state !== "deleting"
    const controller = isUsable ? existing : input.makeController(object)
    adopt(controller)
    controller.update(object, created)
    // Visibility belongs to the object inserted by `update`.
    adopt(controller)
  }

  const remove = Effect.fn("LocalRuntime.remove")(function* (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) {
    const gone = refs.flatMap((ref) => (isService(ref) ? (named(key, ref.name) ?? []) : []))
    yield* endServices(gone, () => [...controllers.values()], input, key, leaving)
    const others = refs.flatMap((ref) => (isService(ref) ? [] : { ...key, kind: ref.kind, name: ref.name }))
    yield* input.store.transact(
      Effect.sync(
        (): Transaction<void> => ({
          put: [],
          remove: [...others, ...gone.flatMap(refsOf)],
          commit: () => {
            for (const other of others) kept.forget(other)
            for (const controller of gone) {
              input.store.forget(controller)
              leaving.forget(controller)
              controllers.delete(idOf(controller.object().key))
            }
          }
        })
      )
    )
  })

  return {
    find,
    all: () => controllers.values(),
    apply: Effect.fn("LocalServices.apply")(function* (key, manifests, retry) {
      // A service that comes back starts anew once its removal is over.
      const back = manifests
        .filter(isKnativeService)
        .map(refOf)
        .filter((ref) => leaving.has(named(key, ref.name)))
      if (back.length > 0) yield* remove(key, back)
      const plan = Effect.map(
        planApply(key, manifests, kept, find, input.mayRun),
        ({ changes, others, unchanged }): Transaction<void> => ({
          put: [...others, ...changes.flatMap((change) => change.put)],
          remove: changes.flatMap((change) => change.remove),
          commit: () => {
            for (const object of others) kept.keep(object)
            for (const change of changes) carryOut(change)
            for (const known of unchanged) if (retry.has(known.object().key.service)) known.retryFailed()
          }
        })
      )
      yield* input.store.transact(plan)
      const services = manifests.filter(isKnativeService).flatMap(({ metadata }) => named(key, metadata.name) ?? [])
      // Check the files on disk to decide whether a revision is ready, because they may have been damaged since.
      yield* Effect.forEach(services, (service) => renewDamaged(service, input.isWhole), {
        concurrency: 4,
        discard: true
      })
    }),
    abandon: (key, names) =>
      input.store.transact(
        Effect.sync((): Transaction<void> => {
          const given = names.flatMap((name) => named(key, name) ?? [])
          for (const controller of given) controller.abandon()
          return { put: given.map((each) => each.stored()), remove: [], commit: () => {} }
        })
      ),
    remove,
    adopt,
    keep: kept.keep
  }
}

const idOf = (each: Callee) => `${each.organizationId}/${each.namespace}/${each.service}`

const isService = (ref: ObjectRef) => ref.kind === "Service" && ref.apiVersion.startsWith("serving.knative.dev/")

/** A service's object, and those of its revisions. */
const refsOf = (controller: ServiceController) => {
  const { key, record } = controller.object()
  return [controller.stored(), ...record.revisions.map((revision) => revisionRef(key, revision.name))]
}

const renewDamaged = (controller: ServiceController, isWhole: LocalServicesInput["isWhole"]) =>
  Effect.gen(function* () {
    const revision = controller.serving()
    if (revision === undefined || latestCreated(controller.status().record)?.name !== revision.name) return
    if (!(yield* isWhole(controller.object().key, revision))) controller.renew(revision)
  })

/** Stops services and removes everything of theirs outside the database. */
const endServices = (
  gone: ReadonlyArray<ServiceController>,
  all: () => ReadonlyArray<ServiceController>,
  { links, onEmptied, onRemoved, table }: LocalServicesInput,
  key: NamespaceKey,
  leaving: Leaving
) =>
  Effect.gen(function* () {
    for (const controller of gone) table.remove(controller.object().key)
    yield* leaving.end(gone)
    yield* Effect.forEach(gone, (each) => onRemoved(each.object().key), { concurrency: 8, discard: true })
    // Services that still refer to it keep its address: it may come back.
    const rest = all().filter((each) => !gone.includes(each) && each.object().key.namespace === key.namespace)
    for (const controller of gone) {
      const { key: callee } = controller.object()
      const host = `${callee.service}.${callee.namespace}.svc.cluster.local`
      if (!rest.some((each) => JSON.stringify(each.object().manifest).includes(host))) {
        yield* Effect.promise(() => links.close(callee))
      }
    }
    if (gone.length > 0 && !rest.some((each) => each.object().key.organizationId === key.organizationId))
      yield* onEmptied(key)
  })
