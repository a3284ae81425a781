import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Redacted, Schedule, Scope } from "effect"
import pg from "pg"
import { startPostgres } from "../../../test/replicas/startPostgres.ts"
import { layer } from "./Database.ts"
import { leaseHolder, lockSpace } from "./LeaseHolder.ts"

/** Stands for a pooler: it passes everything on, but says that its own process is the database's. */
const behindPooler = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = new pg.Client({ connectionString: url }).host
      const sockets = new Set<Socket>()
      const server = createServer((client) => {
        const database = connect(`${socket}/.s.PGSQL.5432`)
        for (const each of [client, database]) sockets.add(each.on("error", () => {}))
        client.pipe(database)
        database.on("data", (chunk) => {
          const at = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
          if (at >= 0) chunk.writeInt32BE(1, at + 5)
          client.write(chunk)
        })
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, sockets }
    }),
    ({ server, sockets }) =>
      Effect.promise(async () => {
        for (const each of sockets) each.destroy()
        server.close()
        await once(server, "close")
      })
  ).pipe(
    Effect.map(({ server }) => {
      const { database, password, user } = new pg.Client({ connectionString: url })
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return { host: "127.0.0.1", port, database, password: password ?? undefined, user }
    })
  )

describe("the holder of leases", () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  let owner: pg.Client
  beforeAll(async () => {
    postgres = await startPostgres()
    const { DATABASE_URL, MAXCLOUD_MIGRATION_DATABASE_URL } = postgres.environment
    const [url, migrationUrl] = [Redacted.make(DATABASE_URL), Redacted.make(MAXCLOUD_MIGRATION_DATABASE_URL)]
    await Effect.runPromise(Effect.scoped(Effect.provide(Effect.void, layer({ dataDir: "unused", url, migrationUrl }))))
    owner = new pg.Client({ connectionString: MAXCLOUD_MIGRATION_DATABASE_URL })
    await owner.connect()
    await owner.query("set maxcloud.all_rows = on")
  })
  afterAll(async () => {
    await owner.end()
    await postgres.close()
  })

  const query = (text: string, values: ReadonlyArray<unknown> = [], client = owner) =>
    Effect.promise(() => client.query<Record<string, unknown>>(text, [...values]).then(({ rows }) => rows))
  const connection = Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new pg.Client({ connectionString: postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL })
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end())
  )
  const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))
  const holder = Effect.suspend(() => leaseHolder({ connectionString: postgres.environment.DATABASE_URL }))
  const nameOf = (found: Effect.Effect.Success<typeof holder>) =>
    Effect.suspend(() => Effect.fromNullable(found.current())).pipe(Effect.retry(Schedule.spaced("5 millis")))
  /** A shard that this holder leases for an hour. */
  const lease = (shard: number, id: string) =>
    query(
      `insert into shards (shard, replica, lease_until, lease_holder) values ($1, 'r', now() + interval '1 hour', $2)
       on conflict (shard) do update set replica = 'r', lease_until = excluded.lease_until, lease_holder = $2`,
      [shard, id]
    )
  const isLeased = (shard: number) =>
    Effect.map(
      query("select 1 from shards where shard = $1 and lease_until > now()", [shard]),
      (rows) => rows.length > 0
    )
  const cut = (id: string) =>
    query(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and classid = $1
         and objid = (hashtext($2)::bigint & x'ffffffff'::bigint)::oid`,
      [lockSpace, id]
    )

  it("whose connection is cut takes its lock again, and keeps its leases", () =>
    run(
      Effect.gen(function* () {
        // On a busy machine, a new connection takes a while.
        const one = yield* leaseHolder(
          { connectionString: postgres.environment.DATABASE_URL },
          { reacquire: "20 seconds" }
        )
        const { id, lost } = yield* nameOf(one)
        yield* lease(1, id)
        const told = yield* Deferred.make<void>()
        yield* Effect.forkScoped(Effect.zipRight(lost, Deferred.succeed(told, undefined)))
        for (let n = 0; n < 3; n++) {
          yield* cut(id)
          yield* Effect.suspend(() => (one.current() === undefined ? Effect.void : Effect.fail("still held"))).pipe(
            Effect.retry(Schedule.spaced("1 millis"))
          )
          expect((yield* nameOf(one)).id).toBe(id)
        }
        expect(yield* Deferred.isDone(told)).toBe(false)
        expect(yield* isLeased(1)).toBe(true)
      })
    ))

  it("that is dead is found by its free lock, and its leases are freed long before their end", () =>
    run(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { id } = yield* nameOf(yield* Scope.extend(holder, scope))
        yield* lease(2, id)
        yield* holder
        // It has crashed: nobody deleted its row.
        yield* Scope.close(scope, Exit.void)
        yield* query("insert into lease_holders (id) values ($1)", [id])
        yield* Effect.repeat(isLeased(2), { until: (leased) => !leased, schedule: Schedule.spaced("20 millis") })
        expect(yield* query("select 1 from lease_holders where id = $1", [id])).toEqual([])
      })
    ))

  it("that can't take its lock again stops its work before anyone frees its leases, and goes on under a new name", () =>
    run(
      Effect.gen(function* () {
        const one = yield* holder
        const { id, lost } = yield* nameOf(one)
        yield* lease(3, id)
        const leasedAtStop = yield* Effect.forkScoped(Effect.zipRight(lost, isLeased(3)))
        // Another server waits for the lock, and so gets it before the holder can.
        const server = yield* connection
        const taking = yield* Effect.fork(query("select pg_advisory_lock($1, hashtext($2))", [lockSpace, id], server))
        yield* Effect.repeat(query("select 1 from pg_locks where locktype = 'advisory' and not granted"), {
          until: (rows) => rows.length > 0
        })
        yield* cut(id)
        yield* Fiber.join(taking)
        expect(yield* Fiber.join(leasedAtStop)).toBe(true)
        expect((yield* nameOf(one)).id).not.toBe(id)
        yield* query("select pg_advisory_unlock($1, hashtext($2))", [lockSpace, id], server)
        yield* Effect.repeat(isLeased(3), { until: (leased) => !leased, schedule: Schedule.spaced("20 millis") })
      })
    ))

  it("behind a pooler has no name, so that only time ends its leases", () =>
    run(
      Effect.gen(function* () {
        const pooled = yield* behindPooler(postgres.environment.DATABASE_URL)
        const one = yield* leaseHolder(pooled)
        expect(one.current()).toBeUndefined()
      })
    ))
})
