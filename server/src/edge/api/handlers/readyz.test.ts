import { tmpdir } from "node:os"
import { describe, expect, it } from "@effect/vitest"
import { TooManyRequests } from "@maxcloud/sdk/api"
import { MaxCloud } from "@maxcloud/sdk/effect"
import { Effect, Fiber, Layer, TestClock } from "effect"
import { testApi } from "../../../../test/api/testApi.ts"
import { Database, DatabaseError } from "../../../base/database/Database.ts"
import { Disk } from "../../../base/disk/Disk.ts"
import { makeDiskWatch } from "../../../base/disk/DiskWatch.ts"
import { systemFaultOf } from "../../../base/host/systemFault.ts"
import * as AutomaticBackups from "../../../operator/backup/AutomaticBackups.ts"
import { Readiness } from "../../../operator/readiness/Readiness.ts"
import { layerNone, RuntimeHealth } from "../../../runtimes/port/RuntimeHealth.ts"

const full = {
  name: "disk",
  ok: false,
  message: "The disk of the server's data folder is full. Free some space on it."
}

const database = { embedded: true, trouble: () => undefined }
const disk = makeDiskWatch({ folders: [{ name: "the test's folder", path: tmpdir() }], minFreeBytes: 0 })

const moving = { name: "queue", ok: true, message: null }
const alone = Readiness.layerWith(Effect.succeed(moving))
const ready = Layer.provide(alone, layerNone)

const answer = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    return { status: response.status, type: response.headers.get("content-type"), body: await response.json() }
  })

describe("GET /readyz", () => {
  it.scopedLive("reports each check, and answers 503 with the fault if one fails", () =>
    Effect.gen(function* () {
      const ready = yield* testApi({ checks: [{ name: "database", ok: true, message: null }] })
      expect(yield* answer(`${ready.url}/readyz`)).toMatchObject({
        status: 200,
        body: { status: "ready", checks: [{ name: "database", ok: true, message: null }] }
      })
      const { url } = yield* testApi({ checks: [{ name: "database", ok: true, message: null }, full] })
      const refused = yield* answer(`${url}/readyz`)
      expect(refused).toMatchObject({ status: 503, type: "application/problem+json" })
      expect(refused.body).toMatchObject({ code: "not_ready", detail: full.message })
      // The process is alive: killing it wouldn't help.
      expect((yield* answer(`${url}/healthz`)).status).toBe(200)
      const { readiness } = yield* Effect.provide(MaxCloud, MaxCloud.layer({ apiUrl: url }))
      expect(yield* readiness).toStrictEqual([{ name: "database", ok: true, message: null }, full])
    })
  )

  it.scopedLive(
    "is never rate-limited: the checks run at most once in two seconds, however many callers there are",
    () =>
      Effect.gen(function* () {
        let looks = 0
        const layer = ready.pipe(
          Layer.provide(
            Layer.mock(Database, {
              ...database,
              ping: Effect.suspend(() => {
                looks++
                return new DatabaseError({ reason: "unreachable", message: "The database doesn't answer." })
              })
            })
          ),
          Layer.provide(
            Layer.succeed(Disk, { ...disk, probe: () => Promise.resolve({ path: "/secret", message: "It is full." }) })
          ),
          Layer.provide(AutomaticBackups.layerOff)
        )
        const { checks } = yield* Effect.provide(Readiness, layer)
        const found = yield* Effect.all(
          Array.from({ length: 20 }, () => checks),
          { concurrency: 20 }
        )
        expect(looks).toBe(1)
        expect(found[19]).toStrictEqual([
          { name: "database", ok: false, message: "The database doesn't answer." },
          { name: "disk", ok: false, message: "It is full." },
          moving
        ])
        const { url } = yield* testApi({
          rateLimits: { take: () => new TooManyRequests({ detail: "no", retryAfterSeconds: 60 }) }
        })
        expect((yield* answer(`${url}/readyz`)).status).toBe(200)
      })
  )

  it.scopedLive("answers 503 if the runtime can't work, or if no server takes the work that is due", () =>
    Effect.gen(function* () {
      const cluster = { name: "cluster", ok: false, message: "The cluster's API server has been unreachable." }
      const stuck = { name: "queue", ok: false, message: "Work has been due for 130 s." }
      const { checks } = yield* Effect.provide(
        Readiness,
        Readiness.layerWith(Effect.succeed(stuck)).pipe(
          Layer.provide(Layer.mock(Database, { ...database, ping: Effect.void })),
          Layer.provide(Layer.succeed(Disk, disk)),
          Layer.provide(AutomaticBackups.layerOff),
          Layer.provide(Layer.succeed(RuntimeHealth, { checks: Effect.succeed([cluster]) }))
        )
      )
      const found = yield* checks
      expect(found.filter((check) => !check.ok)).toStrictEqual([stuck, cluster])
      const { url } = yield* testApi({ checks: found })
      expect((yield* answer(`${url}/readyz`)).status).toBe(503)
    })
  )

  it.scopedLive("reports a fault that makes statements fail although the database answers", () =>
    Effect.gen(function* () {
      const fault = systemFaultOf(Object.assign(new Error("no"), { code: "53100" }))
      const { checks } = yield* Effect.provide(
        Readiness,
        ready.pipe(
          Layer.provide(Layer.mock(Database, { ...database, ping: Effect.void, trouble: () => fault })),
          Layer.provide(Layer.succeed(Disk, disk)),
          Layer.provide(AutomaticBackups.layerOff)
        )
      )
      const [first, second] = yield* checks
      expect(first?.message ?? "").toMatch(/^The disk of the database is full\./)
      expect(second).toStrictEqual({ name: "disk", ok: true, message: null })
    })
  )

  it.scoped("answers even if the disk hangs", () =>
    Effect.gen(function* () {
      const { checks } = yield* Effect.provide(
        Readiness,
        ready.pipe(
          Layer.provide(Layer.mock(Database, { ...database, ping: Effect.void })),
          Layer.provide(Layer.succeed(Disk, { ...disk, probe: () => new Promise(() => {}) })),
          Layer.provide(AutomaticBackups.layerOff)
        )
      )
      const asked = yield* Effect.fork(checks)
      yield* TestClock.adjust("5 seconds")
      const [, found] = yield* Fiber.join(asked)
      expect(found?.ok).toBe(false)
      expect(found?.message ?? "").toMatch(/hasn't answered for 5 s\. .*dmesg/)
    })
  )

  it.scopedLive("reports the age of the last backup and why there is none, but doesn't answer 503 for it", () =>
    Effect.gen(function* () {
      const newest = { path: "/secret/1", sequence: 1, createdAt: new Date(Date.now() - 14 * 3_600_000), bytes: 1 }
      const failure = { state: "skipped", at: new Date(), message: "The disk of /secret has 1 MiB free." } as const
      const told = (status: AutomaticBackups.BackupStatus) =>
        Effect.flatMap(Readiness, (readiness) => readiness.checks).pipe(
          Effect.provide(
            ready.pipe(
              Layer.provide(Layer.mock(Database, { ...database, ping: Effect.void })),
              Layer.provide(Layer.succeed(Disk, disk)),
              Layer.provide(Layer.succeed(AutomaticBackups.AutomaticBackups, { status: Effect.succeed(status) }))
            )
          ),
          Effect.map((checks) => checks.find((check) => check.name === "backups"))
        )
      const none = yield* told({ folder: "/secret", newest: undefined, failure: undefined })
      expect(none).toStrictEqual({ name: "backups", ok: true, message: "The database has no backup yet." })
      const both = yield* told({ folder: "/secret", newest, failure })
      expect(both?.ok).toBe(true)
      expect(both?.message ?? "").toMatch(/made 14 hours ago .*The last attempt, at .*, failed: the disk is too full/)
      expect(both?.message ?? "").not.toContain("/secret")
    })
  )
})
