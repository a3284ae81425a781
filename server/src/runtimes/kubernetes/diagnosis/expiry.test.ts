import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import * as fc from "fast-check"
import {
  ago,
  condition,
  evidence,
  knativeRevision,
  knativeService,
  now,
  pod
} from "../../../../test/kubernetes/testObjects.ts"
import { statusOf } from "../status/statusOf.ts"
import { diagnose } from "./diagnose.ts"

const reasons = fc.constantFrom("ProgressDeadlineExceeded", "ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff")
const deadlineSeconds = 120

/** A revision of this age that Knative has given up, after an outage that ended this long ago. */
const givenUp = (age: number, awaySeconds: number, reason: string, pods: ReturnType<typeof pod>[]) => {
  const revision = knativeRevision([
    condition("ResourcesAvailable", "False", reason, "gave up"),
    condition("Ready", "False", reason, "gave up")
  ])
  const { metadata } = revision
  const aged = {
    ...revision,
    metadata: {
      ...metadata,
      creationTimestamp: ago(age),
      annotations: { "serving.knative.dev/progress-deadline": `${deadlineSeconds}s` }
    }
  }
  const service = knativeService({
    conditions: [
      condition("Ready", "False", "RevisionFailed"),
      condition("ConfigurationsReady", "False", "RevisionFailed", "", 60)
    ]
  })
  const awaySince = (time: number) => Math.min(awaySeconds * 1000, Math.max(0, now - time))
  const verdict = diagnose(evidence({ service, revisions: [aged], pods, awaySince }))
  return { verdict, status: statusOf(ServiceName.make("web"), service, [aged], pods, verdict) }
}

const starting = pod({ age: 30, state: { waiting: { reason: "ContainerCreating", message: "" } } })

describe("a revision that Knative gave up after an outage", () => {
  it("may still become ready with an instance left", () => {
    const { status, verdict } = givenUp(700, 600, "ProgressDeadlineExceeded", [starting])
    expect(status).toMatchObject({ state: "pending", terminal: false })
    expect(status.expired).toBeUndefined()
    // When its 120 s of reachable time are over.
    expect(verdict.lookAgainAt).toBe(now + 20_000)
  })

  it("needs a successor without an instance", () => {
    expect(givenUp(700, 600, "ProgressDeadlineExceeded", []).status).toMatchObject({ state: "pending", expired: true })
  })

  it("has failed if it had its time without the outage", () => {
    const { status } = givenUp(730, 600, "ProgressDeadlineExceeded", [starting])
    expect(status).toMatchObject({ state: "failed", terminal: true, diagnosis: { code: "ProgressDeadlineExceeded" } })
  })

  it("fails no sooner than after its deadline of reachable time, and then at once", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 2_000 }),
        reasons,
        fc.constantFrom([], [starting]),
        (reachable, away, reason, pods) => {
          const { status } = givenUp(reachable + away, away, reason, pods)
          expect(status.terminal).toBe(reachable >= deadlineSeconds)
          expect(status.state).toBe(reachable >= deadlineSeconds ? "failed" : "pending")
        }
      )
    ))
})
