import { Effect } from "effect"
import type { ServiceStatus } from "../port/Runtime.ts"
import type { ServiceController } from "./controller/ServiceController.ts"
import type { LogStore } from "./logs/LogStore.ts"
import { latestCreated } from "./objects/ServiceRecord.ts"

const tailLines = 20

/** A service's status, with the last log lines if it fails. */
export const localStatus = (
  controller: ServiceController,
  logs: typeof LogStore.Service,
  url: string
): Effect.Effect<ServiceStatus> =>
  Effect.gen(function* () {
    const { generation, internal, key } = controller.object()
    const { diagnosis, instances, record, state, traffic } = controller.status()
    const newest = latestCreated(record)
    const failing = state === "failed" || state === "degraded"
    return {
      service: key.service,
      generation,
      observedGeneration: generation,
      state,
      conditions: record.conditions,
      latestCreatedRevision: newest?.name ?? null,
      latestReadyRevision: record.latestReady,
      traffic,
      instances,
      url: internal ? null : url,
      logTail: failing && newest !== undefined ? yield* logs.tail({ ...key, revision: newest.name }, tailLines) : [],
      diagnosis,
      terminal: state === "failed" && diagnosis !== null
    }
  })
