import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Exit, Fiber, Option, Ref, TestClock } from "effect"
import { RuntimeError, type ServiceStatus } from "../../runtimes/port/Runtime.ts"
import { untilPaused } from "./untilPaused.ts"

const service = ServiceName.make("web")
const key = {
  organizationId: OrganizationId.make(`org_${"a".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  namespace: "acme-shop",
  service
}
const status: ServiceStatus = {
  service,
  generation: 1,
  observedGeneration: 1,
  state: "ready",
  conditions: [],
  latestCreatedRevision: "web-00001",
  latestReadyRevision: "web-00001",
  traffic: [],
  instances: 1,
  url: "http://web.test",
  logTail: [],
  diagnosis: null,
  terminal: false
}
/** A runtime that never switches. */
const stuck = { reachable: Effect.void, status: () => Effect.succeedSome(status) }

describe("waiting for a pause", () => {
  it.effect("ends as soon as somebody has undone it, because the runtime will then never switch", () =>
    Effect.gen(function* () {
      const wanted = yield* Ref.make(true)
      const waiting = yield* Effect.fork(untilPaused(stuck, key, true, Ref.get(wanted)))
      yield* TestClock.adjust("5 seconds")
      expect(waiting.unsafePoll()).toBeNull()
      yield* Ref.set(wanted, false)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    })
  )

  it.effect("fails after 30 seconds if it's still wanted", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.fork(untilPaused(stuck, key, true, Effect.succeed(true)))
      yield* TestClock.adjust("29 seconds")
      expect(waiting.unsafePoll()).toBeNull()
      yield* TestClock.adjust("2 seconds")
      const exit = yield* Fiber.await(waiting)
      expect(Exit.isFailure(exit) ? String(exit.cause) : "").toContain("within 30s")
    })
  )

  it.effect("ends at once for a service that the runtime doesn't have", () =>
    untilPaused(
      { reachable: Effect.void, status: () => Effect.succeed(Option.none()) },
      key,
      true,
      Effect.die("not asked")
    )
  )

  it.effect("fails at once while the runtime is unreachable", () =>
    Effect.gen(function* () {
      const message = "The cluster has been unreachable since 2026-01-01T00:00:00.000Z."
      const away = new RuntimeError({ reason: "unavailable", message, away: true })
      const error = yield* Effect.flip(
        untilPaused({ reachable: Effect.fail(away), status: stuck.status }, key, false, Effect.succeed(true))
      )
      expect(error.message).toBe(
        'The service "web" will be resumed, but may still refuse requests: The cluster has been unreachable since 2026-01-01T00:00:00.000Z. To wait for it, resume it again, which is safe to repeat.'
      )
    })
  )
})
