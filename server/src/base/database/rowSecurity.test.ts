import { readFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Cause, Chunk, Duration, Effect, Layer, Logger, ManagedRuntime, Redacted, Scope, Stream } from "effect"
import fc from "fast-check"
import pg from "pg"
import { temporaryDataDir } from "../../../test/database/layerTest.ts"
import { stateOf } from "../postgres/sqlState.ts"
import { layer } from "./Database.ts"
import { asNobody, asOrganization, asServer } from "./RowScope.ts"

const decode = (id: string) => OrganizationId.make(id)
const a = decode(`org_${"a".repeat(32)}`)
const b = decode(`org_${"b".repeat(32)}`)

/** These tables belong to a database's servers, and contain nobody's data. */
const withoutRows = [
  "cluster_sightings",
  "platforms",
  "migrations",
  "lease_holders",
  "replicas",
  "restore_window",
  "shards"
]

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(temporaryDataDir, scope))
const runtime = ManagedRuntime.make(layer({ dataDir, connections: 4 }))
const run = <A, E>(effect: Effect.Effect<A, E, SqlClient>) => runtime.runPromise(effect)

const folder = join(dataDir, "postgres")
const password = () => readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
const urlOf = (role: string, database = "maxcloud", secret = password()) =>
  `postgres://${role}:${secret}@/${database}?host=${encodeURIComponent(folder)}`

/** The tables' content, read as the role that owns them. */
const asOwner = async <A>(use: (client: pg.Client) => Promise<A>, database = "maxcloud") => {
  const client = new pg.Client(urlOf("maxcloud_owner", database))
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

interface Column {
  readonly name: string
  readonly type: string
  readonly required: boolean
}

interface Table {
  readonly name: string
  /** The column that names the organization. */
  readonly organization: string | undefined
  readonly columns: ReadonlyArray<Column>
}

const tablesOf = (client: pg.Client) =>
  client
    .query<Table>(`
      select t.table_name as name,
        case when t.table_name = 'organizations' then 'id'
          when bool_or(c.column_name = 'organization_id' and c.is_nullable = 'NO') then 'organization_id' end as organization,
        json_agg(json_build_object('name', c.column_name, 'type', c.data_type,
          'required', c.is_nullable = 'NO' and c.column_default is null and c.is_identity = 'NO')) as columns
      from information_schema.tables t join information_schema.columns c using (table_schema, table_name)
      where t.table_schema = 'public' and t.table_type = 'BASE TABLE' group by t.table_name order by t.table_name`)
    .then(({ rows }) => rows.filter((row) => !withoutRows.includes(row.name)))

/** Two rows in every table, one for each organization. Constraints between tables are ignored. */
const fill = async (client: pg.Client, tables: ReadonlyArray<Table>) => {
  await client.query("set session_replication_role = replica")
  const { rows: checks } = await client.query<{ table: string; definition: string }>(
    `select conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition from pg_constraint where contype = 'c'`
  )
  const allowed = (table: string, column: string) =>
    checks
      .filter((check) => check.table === table && new RegExp(`\\(\\(?${column} = ANY`).test(check.definition))
      .flatMap((check) => /'([^']+)'/.exec(check.definition)?.[1] ?? [])[0]
  for (const table of tables) {
    for (const organization of table.organization ? [a, b] : [a]) {
      const required = table.columns.filter((column) => column.required || column.name === table.organization)
      const values = required.map(({ name, type }) => {
        if (name === table.organization) return organization
        if (type.startsWith("json")) return "{}"
        if (type.startsWith("timestamp")) return "2026-01-01T00:00:00Z"
        if (type === "bytea") return Buffer.from(`${organization} ${name}`)
        return type === "text" ? (allowed(table.name, name) ?? `${organization} ${name}`) : 1
      })
      await client.query(
        `insert into ${table.name} (${required.map((each) => each.name).join(", ")})
         values (${required.map((_, n) => `$${n + 1}`).join(", ")})`,
        values
      )
    }
  }
}

/** A statement's result: its rows, or the SQLSTATE of its refusal. Its changes are rolled back. */
const outcome = (text: string, values: ReadonlyArray<unknown> = []) =>
  Effect.flatMap(SqlClient, (sql) =>
    sql
      .withTransaction(
        Effect.flatMap(sql.unsafe<Record<string, unknown>>(text, [...values]), (rows) => Effect.fail({ rows }))
      )
      .pipe(
        Effect.catchAll((error) => Effect.succeed("rows" in error ? error.rows : (stateOf(error.cause) ?? "broken")))
      )
  )

let tables: ReadonlyArray<Table> = []
let owned: ReadonlyArray<{ name: string; column: string }> = []

beforeAll(async () => {
  await run(Effect.void)
  await asOwner(async (client) => {
    tables = await tablesOf(client)
    await fill(client, tables)
  })
  owned = tables.flatMap(({ name, organization }) =>
    organization === undefined || organization === null ? [] : [{ name, column: organization }]
  )
})
afterAll(async () => {
  await runtime.dispose()
  await Effect.runPromise(Scope.close(scope, await Effect.runPromiseExit(Effect.void)))
})

describe("row security of the server's own role", () => {
  it("knows every table", () => {
    expect(owned.length).toBeGreaterThan(20)
    expect(tables.filter((table) => !table.organization).map((table) => table.name)).toEqual([
      "device_authorizations",
      "erasures",
      "installation",
      "mail_outbox",
      "one_time_tokens",
      "person_keys",
      "rate_limits",
      "server_keys",
      "users"
    ])
  })

  it("shows only an organization's own rows in every table without any `where`, all rows to the server, and none to nobody", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        for (const { name, column } of owned) {
          const rows = sql.unsafe<Record<string, unknown>>(`select ${column} from ${name} order by 1`)
          const seen = Effect.map(rows, (found) => found.map((row) => row[column]))
          expect([name, yield* asOrganization(a)(seen)]).toEqual([name, [a]])
          expect([name, yield* asOrganization(b)(seen)]).toEqual([name, [b]])
          expect([name, yield* asServer(seen)]).toEqual([name, [a, b]])
          expect([name, yield* asNobody(seen)]).toEqual([name, []])
        }
        for (const { name } of tables.filter((table) => !table.organization)) {
          const seen = Effect.map(sql.unsafe(`select 1 from ${name}`), (found) => found.length)
          expect([name, yield* asOrganization(a)(seen), yield* asNobody(seen), yield* asServer(seen)]).toEqual([
            name,
            0,
            0,
            1
          ])
        }
      })
    ))

  it("doesn't let an organization write, change or delete another's rows", async () => {
    const rows = await asOwner(async (client) => {
      const found = []
      for (const { column, name } of owned) {
        const { rows } = await client.query(`select to_jsonb(t) as row from ${name} t where ${column} = $1`, [b])
        found.push({ name, column, row: rows[0].row })
      }
      return found
    })
    await run(
      Effect.gen(function* () {
        for (const { name, column, row } of rows) {
          const insert = `insert into ${name} overriding system value select * from jsonb_populate_record(null::${name}, $1)`
          expect([name, yield* outcome(insert, [JSON.stringify(row)])]).toEqual([name, "42501"])
          const untouched = [[], "42501"]
          expect(untouched).toContainEqual(yield* outcome(`delete from ${name} where ${column} = $1 returning 1`, [b]))
          expect(untouched).toContainEqual(
            yield* outcome(`update ${name} set ${column} = ${column} where ${column} = $1 returning 1`, [b])
          )
          // It can't hand its own row to another organization.
          expect([name, yield* outcome(`update ${name} set ${column} = $1 returning 1`, [b])]).toEqual([name, "42501"])
        }
      }).pipe(asOrganization(a))
    )
    await asOwner(async (client) => {
      for (const { column, name } of owned) {
        const { rowCount } = await client.query(`select 1 from ${name} where ${column} = $1`, [b])
        expect([name, rowCount]).toEqual([name, 1])
      }
    })
  })
})

describe("a connection that hasn't chosen its rows", () => {
  /** As the server's role, on a connection of its own: none of our pools has set anything. */
  const fresh = async <A>(use: (client: pg.Client) => Promise<A>) => {
    const client = new pg.Client(urlOf("maxcloud"))
    await client.connect()
    try {
      return await use(client)
    } finally {
      await client.end()
    }
  }
  const stateAfter = (client: pg.Client, text: string, values: ReadonlyArray<unknown> = []) =>
    client.query(text, [...values]).then(
      ({ rowCount }) => rowCount,
      (error: unknown) => stateOf(error)
    )
  const whoNever = [[], ["set maxcloud.organization = ''"], ["set maxcloud.all_rows = off"]]
  // A value that formerly meant all rows, and values that only look like the setting of the server's own work.
  const whoWrongly = ["'*'", "'%'", "'org_'"].map((name) => [`set maxcloud.organization = ${name}`])
  const almost = ["'*'", "'ON '", "'true'", "'1'", "''"].map((name) => [`set maxcloud.all_rows = ${name}`])

  it("sees no row in any table, and can't write, change or delete any", async () => {
    const rows = await asOwner(async (client) => {
      const found = []
      for (const { name } of tables) {
        const { rows } = await client.query(`select to_jsonb(t) as row from ${name} t limit 1`)
        found.push({ name, row: rows[0].row })
      }
      return found
    })
    expect(rows.length).toBeGreaterThan(25)
    for (const before of [...whoNever, ...whoWrongly, ...almost]) {
      await fresh(async (client) => {
        for (const text of before) await client.query(text)
        for (const { name, row } of rows) {
          const at = [before.join(), name]
          expect([...at, await stateAfter(client, `select 1 from ${name}`)]).toEqual([...at, 0])
          const written = await stateAfter(
            client,
            `insert into ${name} overriding system value select * from jsonb_populate_record(null::${name}, $1)`,
            [JSON.stringify(row)]
          )
          expect([...at, written]).toEqual([...at, "42501"])
          expect([0, "42501"]).toContain(await stateAfter(client, `delete from ${name}`))
          // Any column except one that Postgres increments itself.
          const column = Object.keys(row).findLast((name) => typeof row[name] !== "number")
          expect([0, "42501"]).toContain(await stateAfter(client, `update ${name} set ${column} = ${column}`))
        }
      })
    }
  })

  it("shows nothing of its former use when it's handed out again", () =>
    run(
      Effect.gen(function* () {
        const settings = Effect.flatMap(
          SqlClient,
          (sql) => sql<{ organization: string; all: string }>`
            select current_setting('maxcloud.organization') as organization, current_setting('maxcloud.all_rows') as all`
        )
        for (let n = 0; n < 20; n++) {
          expect(yield* asServer(settings)).toEqual([{ organization: "", all: "on" }])
          expect(yield* asOrganization(a)(settings)).toEqual([{ organization: a, all: "off" }])
          expect(yield* asNobody(settings)).toEqual([{ organization: "", all: "off" }])
        }
      })
    ))

  it("never gets a statement that hasn't chosen its rows", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const missing = expect.objectContaining({ name: "RowScopeMissing" })
        const ended = (effect: Effect.Effect<unknown, unknown>) =>
          Effect.map(Effect.exit(effect), (exit) => (exit._tag === "Success" ? exit.value : Cause.squash(exit.cause)))
        expect(yield* ended(sql`select 1`)).toEqual(missing)
        expect(yield* ended(sql.withTransaction(sql`select 1`))).toEqual(missing)
        expect(yield* ended(Stream.runDrain(sql`select 1`.stream))).toEqual(missing)
        expect(yield* asNobody(sql`select 1 as one`)).toEqual([{ one: 1 }])
      })
    ))

  it("has row security, enabled and forced, on every table, with policies that no missing setting opens", async () => {
    await asOwner(async (client) => {
      const { rows: open } = await client.query<{ name: string }>(
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'f', 'v', 'm')
           and not (relrowsecurity and relforcerowsecurity) order by 1`
      )
      expect(open.map((each) => each.name)).toEqual([...withoutRows].sort())
      const { rows: policies } = await client.query<Record<string, string>>(
        "select tablename, qual, with_check, permissive, cmd, roles::text from pg_policies order by tablename"
      )
      // One for each table: a second would open what the first closes.
      expect(policies.map((policy) => policy["tablename"])).toEqual(tables.map((table) => table.name))
      const all = "(current_setting('maxcloud.all_rows'::text, true) = 'on'::text)"
      for (const { cmd, qual, roles, tablename, with_check } of policies) {
        const column = owned.find((each) => each.name === tablename)?.column
        const condition =
          column === undefined ? all : `((current_setting('maxcloud.organization'::text, true) = ${column}) OR ${all})`
        expect({ tablename, qual, with_check, cmd, roles }).toEqual({
          tablename,
          qual: condition,
          with_check: condition,
          cmd: "ALL",
          roles: "{public}"
        })
      }
    })
  })
})

const visible = Effect.flatMap(SqlClient, (sql) => sql<{ id: string }>`select id from organizations order by id`).pipe(
  Effect.map((rows) => rows.map((row) => row.id))
)

describe("the scope of a connection", () => {
  it("changes and reverts inside a transaction, and is known again after a rollback", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const seen = yield* sql.withTransaction(
          Effect.all([visible, asServer(visible), visible, asNobody(visible), asOrganization(b)(visible), visible])
        )
        expect(seen).toEqual([[a], [a, b], [a], [], [b], [a]])
        for (let n = 0; n < 8; n++) {
          yield* Effect.ignore(sql.withTransaction(Effect.andThen(asServer(visible), Effect.fail("no"))))
          expect(yield* visible).toEqual([a])
          // A part of a transaction that's rolled back.
          const after = yield* sql.withTransaction(
            Effect.gen(function* () {
              yield* Effect.ignore(sql.withTransaction(Effect.andThen(asServer(visible), sql`select 1 / 0`)))
              return yield* visible
            })
          )
          expect(after).toEqual([a])
        }
      }).pipe(asOrganization(a))
    ))

  it("stays that of the stream while its transaction shows others' rows", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const ids = sql<{ id: string }>`select o.id from organizations o, generate_series(1, 1000)`.stream
        const read = (between: Effect.Effect<unknown, unknown, SqlClient>) =>
          Stream.runCollect(Stream.tap(Stream.rechunk(ids, 100), () => Effect.ignore(between))).pipe(
            Effect.map((rows) => [...new Set(Chunk.toReadonlyArray(rows).map((row) => row.id))])
          )
        expect(yield* read(Effect.void)).toEqual([a])
        expect(yield* sql.withTransaction(read(asServer(visible)))).toEqual([a])
      }).pipe(asOrganization(a))
    ))

  it("fails a transaction that was rolled back, instead of reporting success", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const error = yield* Effect.flip(sql.withTransaction(Effect.ignore(sql`select 1 / 0`)))
        expect(stateOf(error.cause)).toBe("25P02")
      }).pipe(asNobody)
    ))

  it("never shows one fiber the rows of another", async () => {
    const ids = Array.from({ length: 50 }, (_, n) => decode(`org_${String(n).padStart(32, "c")}`))
    await run(
      asServer(
        Effect.flatMap(
          SqlClient,
          (sql) => sql`insert into organizations ${sql.insert(ids.map((id) => ({ id, name: id })))}`
        )
      )
    )
    const steps = fc.array(
      fc.constantFrom(
        "read",
        "transaction",
        "rollback",
        "savepoint",
        "server",
        "nobody",
        "interrupt",
        "stream",
        "parallel" as const
      ),
      { minLength: 3, maxLength: 6 }
    )
    const program = (id: OrganizationId, todo: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const mine = Effect.tap(visible, (seen) => expect(seen).toEqual([id]))
        const all = asServer(Effect.tap(visible, (seen) => expect(seen.length).toBe(52)))
        const none = asNobody(Effect.tap(visible, (seen) => expect(seen).toEqual([])))
        for (const step of todo) {
          if (step === "read") yield* mine
          if (step === "transaction") yield* sql.withTransaction(Effect.all([mine, all, mine, none, mine]))
          if (step === "rollback")
            yield* Effect.flip(sql.withTransaction(Effect.all([all, mine, none, Effect.fail("no")])))
          if (step === "savepoint") {
            yield* sql.withTransaction(
              Effect.all([Effect.flip(sql.withTransaction(Effect.all([all, sql`select 1 / 0`]))), mine])
            )
          }
          if (step === "server") yield* all
          if (step === "nobody") yield* none
          if (step === "interrupt") {
            yield* Effect.timeoutOption(sql`select pg_sleep(0.05)`, Duration.millis(5))
            yield* Effect.timeoutOption(asServer(sql.withTransaction(sql`select pg_sleep(0.05)`)), Duration.millis(5))
          }
          if (step === "stream") {
            const rows = yield* Stream.runCollect(sql<{ id: string }>`select id from organizations`.stream)
            expect(Chunk.toReadonlyArray(rows).map((row) => row.id)).toEqual([id])
          }
          if (step === "parallel") {
            yield* sql.withTransaction(Effect.all([mine, all, none, mine, all, mine], { concurrency: "unbounded" }))
          }
        }
        yield* mine
      }).pipe(asOrganization(id))
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 50, maxLength: 50 }), (todos) =>
        run(Effect.forEach(ids, (id, n) => program(id, todos[n] ?? []), { concurrency: "unbounded", discard: true }))
      ),
      { numRuns: 8 }
    )
  })
})

describe("an external database", () => {
  const logged = async (url: string) => {
    const lines: string[] = []
    const logger = Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ message }) => {
        lines.push(String(message))
      })
    )
    const seen = await Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`insert into organizations (id, name) values (${a}, ${a}), (${b}, ${b}) on conflict do nothing`
      return yield* asOrganization(a)(visible)
    }).pipe(
      asServer,
      Effect.provide(layer({ dataDir: "unused", url: Redacted.make(url) }).pipe(Layer.provideMerge(logger))),
      Effect.runPromise
    )
    return { lines, seen }
  }

  it("applies row security to the role that owns the tables, too", async () => {
    await asOwner(async (client) => {
      await client.query("create role tenant_owner login password 'tenant'")
      await client.query("create database owned owner tenant_owner")
    })
    const { lines, seen } = await logged(urlOf("tenant_owner", "owned", "tenant"))
    expect(seen).toEqual([a])
    expect(lines.join()).not.toContain("bypasses row security")
  })

  it("warns about a role that row security doesn't apply to", async () => {
    await asOwner((client) => client.query("create database bypassed"))
    const { lines, seen } = await logged(urlOf("maxcloud_owner", "bypassed"))
    expect(seen).toEqual([a, b])
    expect(lines.join()).toContain('"maxcloud_owner" bypasses row security')
    expect(lines.join()).toContain("MAXCLOUD_MIGRATION_DATABASE_URL")
  })
})
