import { ServiceName } from "@maxcloud/config-schema"
import { Effect, Either, ParseResult, Schema } from "effect"
import { isKnativeService, parseKnativeService } from "../KnativeManifest.ts"
import type { LocalObject } from "../LocalObjects.ts"
import { parseRevision } from "../revisions/RevisionObject.ts"
import type { LocalServices } from "./LocalServices.ts"
import type { ServiceController } from "./ServiceController.ts"
import type { RunnableRevision, ServiceObject } from "./ServiceObject.ts"
import { latestCreated, ServiceRecord } from "./ServiceRecord.ts"

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
      key: { organizationId, organization, stage, namespace, service },
      app,
      manifest,
      generation,
      internal,
      paused,
      record
    }
  })

/**
 * Takes up what an earlier run of the server has kept: routes at once, so that requests are held and not refused; then
 * instances of the services that have a minimum, or had some. An object that cannot be read is logged and left alone.
 */
export const restoreServices = (
  objects: ReadonlyArray<LocalObject>,
  services: LocalServices,
  makeController: (object: ServiceObject) => ServiceController
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const idOf = (_: LocalObject, name: string) => `${_.organizationId}/${_.namespace}/${name}`
    const revisions = new Map(objects.filter((_) => _.kind === "Revision").map((_) => [idOf(_, _.name), _]))
    const begin: Array<() => void> = []

    for (const stored of objects) {
      if (stored.kind === "Revision") continue
      if (!isKnativeService(stored.manifest)) {
        services.keep(stored)
        continue
      }
      const object = objectOf(stored)
      if (Either.isLeft(object)) {
        yield* Effect.logError(`service "${stored.name}" in ${stored.namespace} cannot be read: ${object.left}`)
        continue
      }
      const { record } = object.right
      const runnable = (name: string | null | undefined): RunnableRevision | undefined => {
        const revision = revisions.get(idOf(stored, name ?? ""))
        return revision === undefined ? undefined : Either.getOrUndefined(parseRevision(revision.manifest))
      }
      const controller = makeController(object.right)
      services.adopt(controller)
      begin.push(() => controller.restore(runnable(record.latestReady), runnable(latestCreated(record)?.name)))
    }
    for (const start of begin) start()
  })
