import type { ServiceState } from "@maxcloud/sdk/api"
import type { KnativeCondition } from "../../port/conditions.ts"
import { latestCreated, type ServiceRecord } from "../objects/ServiceRecord.ts"
import type { RunnerFailure } from "../revisions/runnerMachine.ts"

/** The running instances of a service. */
export interface Observed {
  readonly ready: number
  /** Instances that have outlived their first seconds. */
  readonly proved: number
  /** Starting or ready. */
  readonly running: number
  readonly waiting: number
  /** The failure of the serving revision. */
  readonly failure: RunnerFailure | undefined
  readonly deleting: boolean
  readonly paused: boolean
}

type Fact = Omit<KnativeCondition, "type" | "lastTransitionTime">

const isTrue: Fact = { status: "True", reason: "", message: "" }

/** The number of failures in a row that make a crash loop. */
const crashLoop = 2

/** An instance that is ready for a moment, like those before it, doesn't end a crash loop. */
export const isDegraded = ({ failure, proved, ready }: Observed) =>
  (ready === 0 || proved === 0) && failure !== undefined && failure.count >= crashLoop

/** A service's state in one word. */
export const stateOf = (record: ServiceRecord, observed: Observed): ServiceState => {
  if (observed.deleting) return "deleting"
  if (observed.paused) return "paused"
  const newest = latestCreated(record)
  if (newest?.ready === "False") return "failed"
  if (newest === undefined || newest.ready === "Unknown") return "pending"
  if (isDegraded(observed)) return "degraded"
  if (observed.ready > 0) return "ready"
  return observed.running > 0 || observed.waiting > 0 ? "waking" : "idle"
}

/**
 * The conditions of a Knative Service, and `Active` as on a Knative Revision. `Active` describes instances, and isn't part of
 * `Ready`. Source: Knative 0.48 `pkg/apis/serving/v1/*_lifecycle.go`.
 */
export const conditionsOf = (
  service: string,
  record: ServiceRecord,
  observed: Observed,
  now: string
): ReadonlyArray<KnativeCondition> => {
  const configurations = configurationsReady(record)
  const routes = routesReady(service, record)
  const ready =
    [configurations, routes].find((each) => each.status === "False") ??
    [configurations, routes].find((each) => each.status === "Unknown") ??
    isTrue
  const facts: ReadonlyArray<readonly [string, Fact]> = [
    ["Ready", ready],
    ["ConfigurationsReady", configurations],
    ["RoutesReady", routes],
    ["Active", active(record, observed)]
  ]
  return facts.map(([type, fact]) => {
    const before = record.conditions.find((condition) => condition.type === type)
    const same = before !== undefined && before.status === fact.status && before.reason === fact.reason
    return { type, ...fact, lastTransitionTime: same ? before.lastTransitionTime : now }
  })
}

const configurationsReady = (record: ServiceRecord): Fact => {
  const newest = latestCreated(record)
  if (newest?.ready === "True") return isTrue
  if (newest?.ready === "False") {
    return {
      status: "False",
      reason: "RevisionFailed",
      message: `Revision "${newest.name}" failed with message: ${newest.message.replace(/\.$/, "")}.`
    }
  }
  return { status: "Unknown", reason: newest?.reason ?? "Deploying", message: newest?.message ?? "" }
}

const routesReady = (service: string, record: ServiceRecord): Fact => {
  if (record.latestReady !== null) return isTrue
  return latestCreated(record)?.ready === "False"
    ? {
        status: "False",
        reason: "RevisionMissing",
        message: `Configuration "${service}" does not have any ready Revision.`
      }
    : {
        status: "Unknown",
        reason: "RevisionMissing",
        message: `Configuration "${service}" is waiting for a Revision to become ready.`
      }
}

const active = (record: ServiceRecord, observed: Observed): Fact => {
  if (observed.paused) {
    return {
      status: "False",
      reason: "Paused",
      message: "The service is paused. Requests are answered 503 until it is resumed."
    }
  }
  if (isDegraded(observed) && observed.failure !== undefined) {
    const { count, message, reason, retryAt } = observed.failure
    const next = retryAt.toISOString()
    return {
      status: "False",
      reason,
      message: `${message.replace(/\.$/, "")}; failed ${count} times in a row, next attempt at ${next}`
    }
  }
  if (observed.ready > 0) return isTrue
  if (observed.running > 0 || observed.waiting > 0) {
    return {
      status: "Unknown",
      reason: "Queued",
      message: "Requests to the target are being buffered as resources are provisioned."
    }
  }
  return record.latestReady === null
    ? { status: "Unknown", reason: "Deploying", message: "" }
    : { status: "False", reason: "NoTraffic", message: "The target is not receiving traffic." }
}
