import { type Diagnosis, isCaution } from "@maxcloud/sdk/api"
import { changeRevision, latestCreated, type ServiceRecord } from "../objects/ServiceRecord.ts"
import { conditionsOf, isDegraded, type Observed, stateOf } from "./conditions.ts"
import { type ServiceMove, type ServiceState, seenOf, unitsOf, type World } from "./serviceMachine.ts"

const observed = ({ deleting, object, serving }: ServiceState, world: World): Observed => {
  const { failure, proved, ready, running } = seenOf(world, serving)
  return { ready, proved, running, waiting: world.waiting, failure, deleting, paused: object.paused }
}

const instancesOf = (state: ServiceState, { units }: World): number =>
  [...unitsOf(state)].reduce((sum, id) => sum + (units.get(id)?.all ?? 0), 0)

/** Why it doesn't serve as it should; for a serving one, what would fail on a cluster. */
const diagnosisOf = (state: ServiceState, world: World): Diagnosis | null => {
  const newest = latestCreated(state.object.record)
  if (newest !== undefined && newest.ready !== "True") return newest.diagnosis ?? null
  const found = seenOf(world, state.serving).diagnosis
  return found !== undefined && (isDegraded(observed(state, world)) || isCaution(found.code)) ? found : null
}

export const statusOfService = (state: ServiceState, world: World) => {
  const { record } = state.object
  return {
    record,
    state: stateOf(record, observed(state, world)),
    traffic: record.latestReady === null ? [] : [{ revision: record.latestReady, percent: 100 }],
    instances: instancesOf(state, world),
    diagnosis: diagnosisOf(state, world)
  }
}

/** Stores with the newest revision why it isn't ready yet. */
const withFinding = ({ candidate, object: { record } }: ServiceState, world: World): ServiceRecord => {
  const newest = latestCreated(record)
  if (candidate === undefined || newest?.ready !== "Unknown" || newest.name !== candidate.revision.name) return record
  const found = seenOf(world, candidate).diagnosis
  return JSON.stringify(found) === JSON.stringify(newest.diagnosis)
    ? record
    : changeRevision(record, newest.name, { diagnosis: found })
}

/** Updates the record, and publishes the status if it has changed. */
export const look =
  (at: Date): ServiceMove =>
  (before, world) => {
    const { object, serving } = before
    const seen = seenOf(world, serving)
    const isBack = before.restoring && serving !== undefined && (seen.ready > 0 || seen.failure !== undefined)
    const restoring = before.restoring && !isBack
    const found = withFinding(before, world)
    const record = {
      ...found,
      conditions: conditionsOf(object.key.service, found, observed(before, world), at.toISOString()),
      active: restoring || seen.target > 0
    }
    const now = { ...before, restoring, object: { ...object, record } }
    const status = statusOfService(now, world)
    const told = JSON.stringify([status.state, record, status.instances, object.generation, status.diagnosis])
    return {
      state: { ...now, told },
      effects: [
        ...(isBack ? [{ type: "giveTurn", unit: serving.id } as const] : []),
        ...(told === before.told ? [] : [{ type: "tell" } as const])
      ]
    }
  }
