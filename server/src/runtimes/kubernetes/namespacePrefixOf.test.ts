import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Layer, ManagedRuntime, Redacted, Scope } from "effect"
import pg from "pg"
import { temporaryDataDir } from "../../../test/database/layerTest.ts"
import { layer } from "../../base/database/Database.ts"
import { migrate } from "../../base/database/migrate.ts"
import { migrations } from "../../base/database/migrations/index.ts"
import { namespacePrefixOf } from "./namespacePrefixOf.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(temporaryDataDir, scope))
const embedded = ManagedRuntime.make(layer({ dataDir }))
const before = migrations.findIndex((migration) => migration.name === "installation")

const urlOf = (user: string, database: string) => {
  const password = readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
  return `postgres://${user}:${password}@localhost/${database}?host=${encodeURIComponent(join(dataDir, "postgres"))}`
}

const asOwner = async <A>(database: string, use: (client: pg.Client) => Promise<A>) => {
  const client = new pg.Client(urlOf("maxcloud_owner", database))
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** A database as the version before had it, with these organizations. */
const databaseOfBefore = async (name: string, organizations: ReadonlyArray<string>) => {
  await asOwner("postgres", (client) => client.query(`create database ${name}`))
  await asOwner(name, async (client) => {
    await Effect.runPromise(migrate(client, "maxcloud", migrations.slice(0, before)))
    await client.query("set maxcloud.organization = '*'")
    for (const organization of organizations) {
      await client.query("insert into organizations (id, name) values ($1, $1)", [organization])
    }
  })
}

/** One start of a server after another, on the same database. */
const start = (database: string, asked: string | undefined) =>
  Effect.runPromise(
    Effect.either(namespacePrefixOf(asked)).pipe(
      Effect.provide(
        layer({
          dataDir,
          url: Redacted.make(urlOf("maxcloud", database)),
          migrationUrl: Redacted.make(urlOf("maxcloud_owner", database))
        }).pipe(Layer.orDie)
      ),
      Effect.map((found) => (found._tag === "Right" ? found.right : found.left))
    )
  )

beforeAll(() => embedded.runPromise(Effect.void))
afterAll(async () => {
  await embedded.dispose()
  await Effect.runPromise(Scope.close(scope, await Effect.runPromiseExit(Effect.void)))
})

describe("the prefix of an installation's namespaces", () => {
  it("is the default in a new installation, and stays that", async () => {
    await databaseOfBefore("fresh", [])
    assert.strictEqual(await start("fresh", undefined), "mc-")
    assert.strictEqual(await start("fresh", undefined), "mc-")
    assert.strictEqual(await start("fresh", "mc-"), "mc-")
  })

  it("is what the first start says, also where that is none", async () => {
    await databaseOfBefore("own", [])
    assert.strictEqual(await start("own", "acme-"), "acme-")
    assert.strictEqual(await start("own", undefined), "acme-")
    await databaseOfBefore("without", [])
    assert.strictEqual(await start("without", ""), "")
    assert.strictEqual(await start("without", undefined), "")
  })

  it("is none in an installation that had organizations before there was one", async () => {
    await databaseOfBefore("old", ["acme"])
    assert.strictEqual(await start("old", undefined), "")
  })

  it("is not changed by a setting: the server does not start, and says what to do", async () => {
    await databaseOfBefore("kept", ["acme"])
    const refused = await start("kept", "mc-")
    assert.deepInclude(refused, { _tag: "ServerError", reason: "setting" })
    assert.include(String(Object(refused).message), 'MAXCLOUD_NAMESPACE_PREFIX is "mc-"')
    assert.include(String(Object(refused).message), 'have the prefix "none"')
    assert.include(String(Object(refused).message), "docs/kubernetes.md")
    assert.strictEqual(await start("kept", undefined), "")
  })
})
