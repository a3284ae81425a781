import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Option, Queue, Stream, TestClock } from "effect"
import type { ServiceKey, ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import { calmMs, makeTriage } from "./triage.ts"

const keyOf = (service: string): ServiceKey => ({
  organizationId: OrganizationId.make(`org_${"0".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: productionStage,
  namespace: "acme-shop",
  service: ServiceName.make(service)
})

const statusOf = (service: string, message: string, state: ServiceStatus["state"]): ServiceStatus => ({
  service: ServiceName.make(service),
  generation: 1,
  observedGeneration: 1,
  state,
  conditions: [{ type: "Ready", status: "Unknown", reason: "Deploying", message, lastTransitionTime: "" }],
  latestCreatedRevision: "web-00001",
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  logTail: [],
  diagnosis: null,
  terminal: false
})

/** A triage, what it leaves for later, and a runtime whose statuses the test sets. */
const begin = Effect.gen(function* () {
  const statuses = new Map<string, ServiceStatus>()
  const { due, recorded, triage } = yield* makeTriage({
    status: ({ service }) => Effect.succeed(Option.fromNullable(statuses.get(service)))
  })
  const late = yield* Queue.unbounded<ReadonlyArray<string>>()
  yield* Effect.forkScoped(
    Stream.runForEach(due, (keys) =>
      Queue.offer(
        late,
        keys.map((key) => key.service)
      )
    )
  )
  return {
    late,
    recorded,
    set: (service: string, message: string, state: ServiceStatus["state"] = "pending") =>
      statuses.set(service, statusOf(service, message, state)),
    changed: (...services: ReadonlyArray<string>) =>
      Effect.map(triage(services.map(keyOf)), (keys) => keys.map((key) => key.service))
  }
})

describe("changed services", () => {
  it.scoped("are recorded at once if somebody waits for the change, with those that waited", () =>
    Effect.gen(function* () {
      const { changed, late, set } = yield* begin
      set("web", "1")
      set("api", "1")
      expect(yield* changed("web", "api")).toEqual(["web", "api"])
      set("web", "2")
      expect(yield* changed("web")).toEqual([])
      set("api", "1", "ready")
      expect(yield* changed("api")).toEqual(["web", "api"])
      // It doesn't exist any more.
      expect(yield* changed("gone")).toEqual(["gone"])
      yield* TestClock.adjust(calmMs)
      expect([...(yield* Queue.takeAll(late))].flat()).toEqual([])
    })
  )

  it.scoped("are collected for a moment after a record, the longer it took", () =>
    Effect.gen(function* () {
      const { changed, late, recorded, set } = yield* begin
      set("web", "1")
      set("api", "1")
      expect(yield* changed("web")).toEqual(["web"])
      yield* recorded(20)
      expect(yield* changed("api")).toEqual([])
      set("web", "1", "ready")
      yield* TestClock.adjust(30)
      expect(yield* changed("web")).toEqual([])
      expect(yield* Queue.size(late)).toBe(0)
      yield* TestClock.adjust(30)
      expect(yield* Queue.take(late)).toEqual(["api", "web"])
      yield* recorded(0)
      set("web", "1", "idle")
      expect(yield* changed("web")).toEqual(["web"])
      yield* recorded(60_000)
      set("web", "1", "ready")
      expect(yield* changed("web")).toEqual([])
      yield* TestClock.adjust(calmMs)
      expect(yield* Queue.take(late)).toEqual(["web"])
    })
  )

  it.scoped("are collected otherwise, and none is left over", () =>
    Effect.gen(function* () {
      const { changed, late, set } = yield* begin
      set("web", "0")
      set("api", "0")
      yield* changed("web", "api")
      for (let round = 1; round <= 3; round++) {
        for (let step = 0; step < 4; step++) {
          set("web", `${round}.${step}`)
          expect(yield* changed("web")).toEqual([])
          yield* TestClock.adjust(calmMs / 5)
        }
        expect(yield* changed("api")).toEqual([])
        expect(yield* Queue.size(late)).toBe(0)
        yield* TestClock.adjust(calmMs / 5)
        expect(yield* Queue.take(late)).toEqual(["web", "api"])
      }
    })
  )
})
