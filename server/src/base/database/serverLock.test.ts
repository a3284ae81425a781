import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import pg from "pg"
import { startPostgres } from "../../../test/replicas/startPostgres.ts"
import { type Sharing, serverLock } from "./serverLock.ts"

describe("the lock of a database that several servers use", () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.close())

  const lock = (sharing: Sharing) =>
    serverLock({ connectionString: postgres.environment.DATABASE_URL }, { sharing, patience: "1 second" })
  const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

  it.each<[Sharing, Sharing, "had" | "refused"]>([
    ["sole", "sole", "refused"],
    ["sole", "shared", "refused"],
    ["shared", "sole", "refused"],
    ["shared", "shared", "had"]
  ])("held as %s and requested as %s, is %s", (first, second, outcome) =>
    run(
      Effect.gen(function* () {
        yield* lock(first)
        const asked = yield* Effect.either(lock(second))
        expect(asked._tag).toBe(outcome === "had" ? "Right" : "Left")
        if (asked._tag === "Left") expect(asked.left).toMatchObject({ reason: "locked" })
      })
    )
  )

  const own = [{ what: "the logs of services", setting: "MAXCLOUD_LOGS=s3 (or loki)" }]
  const shared = (ownFiles: typeof own) =>
    serverLock(
      { connectionString: postgres.environment.DATABASE_URL },
      { sharing: "shared", ownFiles, patience: "1 second" }
    )
  it.each([
    [
      "both keep files in their folders",
      own,
      own,
      /keeps the logs of services in its own .* Set MAXCLOUD_LOGS=s3 \(or loki\) on every server/
    ],
    ["only the second does", [], own, /but this one keeps the logs of services in its own data folder/],
    [
      "only the first does",
      own,
      [],
      /Another max-cloud server .* keeps the logs of services or the master key in its own/
    ]
  ] as const)("refuses a second server of a cluster if %s, and leaves the first alone", (_, first, second, message) =>
    run(
      Effect.gen(function* () {
        const lost = yield* Effect.fork(Effect.flatten(shared([...first])))
        yield* Effect.sleep("300 millis")
        const refused = yield* Effect.flip(shared([...second]))
        expect(refused).toMatchObject({ reason: "locked", message: expect.stringMatching(message) })
        expect(lost.unsafePoll()).toBeNull()
        yield* Fiber.interrupt(lost)
      })
    )
  )

  it("waits while its holder stops", () =>
    run(
      Effect.gen(function* () {
        const holder = yield* Scope.make()
        yield* Scope.extend(lock("sole"), holder)
        const second = yield* Effect.fork(lock("sole"))
        yield* Effect.sleep("200 millis")
        expect(second.unsafePoll()).toBeNull()
        yield* Scope.close(holder, Exit.void)
        yield* Fiber.join(second)
      })
    ))

  it("is taken again after its connection broke; if another server has it by then, the first has to stop", () =>
    run(
      Effect.gen(function* () {
        const owner = yield* Effect.acquireRelease(
          Effect.promise(async () => {
            const client = new pg.Client({ connectionString: postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL })
            await client.connect()
            return client
          }),
          (client) => Effect.promise(() => client.end())
        )
        const query = (text: string) => Effect.promise(() => owner.query(text))
        const holders = "select pid from pg_locks where locktype = 'advisory' and granted"
        const cut = query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'maxcloud-lock'`
        )
        const heldByServer = Effect.repeat(query(`${holders} and pid <> pg_backend_pid()`), {
          until: ({ rowCount }) => rowCount === 1
        })
        const lost = yield* lock("sole")
        const told = yield* Deferred.make<string>()
        yield* Effect.forkScoped(Effect.catchAll(lost, (error) => Deferred.succeed(told, error.message)))
        yield* cut
        yield* heldByServer
        expect(yield* Deferred.isDone(told)).toBe(false)

        yield* cut
        yield* query(`select pg_advisory_lock(${BigInt("0x6d6178636c6f76")})`)
        expect(yield* Deferred.await(told)).toContain("Stop that server")
      })
    ))
})
