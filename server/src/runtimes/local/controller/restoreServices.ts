import { ServiceName } from "@maxcloud/config-schema"
import { isKnativeService } from "@maxcloud/synth"
import { Effect, Either, ParseResult, Schema } from "effect"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { InstanceSpec } from "../instances/Instance.ts"
import { parseKnativeService } from "../objects/KnativeManifest.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { parseRevision } from "../objects/RevisionObject.ts"
import type { RunnableRevision, ServiceObject } from "../objects/ServiceObject.ts"
import { changeRevision, latestCreated, ServiceRecord } from "../objects/ServiceRecord.ts"
import type { LocalServices } from "./LocalServices.ts"
import type { ServiceController } from "./ServiceController.ts"

const decodeRecord = Schema.decodeUnknownEither(ServiceRecord)
const decodeName = Schema.decodeUnknownEither(ServiceName)

const objectOf = (stored: LocalObject): Either.Either<ServiceObject, string> =>
  Either.gen(function* () {
    const readable = Either.mapLeft(ParseResult.TreeFormatter.formatErrorSync)
    const record = yield* readable(decodeRecord(stored.status))
    const service = yield* readable(decodeName(stored.name))
    const { internal, paused } = yield* parseKnativeService(stored.manifest)
    const { generation, manifest, namespace, organizationId } = stored
    const { app, organization, stage } = record
    return {
      key: { organizationId, organization, app, stage, namespace, service },
      manifest,
      generation,
      internal,
      paused,
      record
    }
  })

/** A revision that this server may not run: requests are refused, and the status says why. */
const refused = (object: ServiceObject, refusals: ReadonlyMap<string, string>): ServiceObject => {
  const { record } = object
  const marked = [...refusals].reduce(
    (changed, [name, message]) => changeRevision(changed, name, { ready: "False", reason: "NotRunHere", message }),
    record
  )
  const isServing = record.latestReady !== null && !refusals.has(record.latestReady)
  return { ...object, record: { ...marked, latestReady: isServing ? record.latestReady : null } }
}

/**
 * Restores the state of an earlier run of the server. Routes come first, so that requests are held and not refused; then
 * instances of services that have a minimum, or had some. Unreadable objects are logged and left alone. Revisions that `mayRun`
 * refuses aren't started: this server may have other settings than the one that accepted them.
 */
export const restoreServices = (
  objects: ReadonlyArray<LocalObject>,
  services: LocalServices,
  makeController: (object: ServiceObject) => ServiceController,
  mayRun: (key: ServiceKey, program: InstanceSpec["program"]) => string | undefined
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const idOf = (each: LocalObject, name: string) => `${each.organizationId}/${each.namespace}/${name}`
    const revisions = new Map(
      objects.filter((object) => object.kind === "Revision").map((object) => [idOf(object, object.name), object])
    )
    const begin: Array<() => void> = []

    for (const stored of objects) {
      if (stored.kind === "Revision") continue
      if (!isKnativeService(stored.manifest)) {
        services.keep(stored)
        continue
      }
      const object = objectOf(stored)
      if (Either.isLeft(object)) {
        yield* Effect.logError(`service "${stored.name}" in ${stored.namespace} is unreadable: ${object.left}`)
        continue
      }
      const { key, record } = object.right
      const refusals = new Map<string, string>()
      const runnable = (name: string | null | undefined): RunnableRevision | undefined => {
        const written = revisions.get(idOf(stored, name ?? ""))
        const revision = written === undefined ? undefined : Either.getOrUndefined(parseRevision(written.manifest))
        const refusal = revision === undefined ? undefined : mayRun(key, revision.template.program)
        if (revision === undefined || refusal === undefined) return revision
        refusals.set(revision.name, refusal)
        return undefined
      }
      const [serving, newest] = [runnable(record.latestReady), runnable(latestCreated(record)?.name)]
      if (refusals.size > 0)
        yield* Effect.logWarning(`service "${key.service}" (${key.stage}) isn't started: ${[...refusals.values()][0]}`)
      const controller = makeController(refusals.size > 0 ? refused(object.right, refusals) : object.right)
      services.adopt(controller)
      begin.push(() => controller.restore(serving, newest))
    }
    for (const start of begin) start()
  })
