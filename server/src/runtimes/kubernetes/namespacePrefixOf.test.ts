import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
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

/** A database of the previous version, with these organizations. */
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

/** Starts servers one after another on the same database. */
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
  it("is the default in a new installation, and stays so", async () => {
    await databaseOfBefore("fresh", [])
    expect(await start("fresh", undefined)).toBe("mc-")
    expect(await start("fresh", undefined)).toBe("mc-")
    expect(await start("fresh", "mc-")).toBe("mc-")
  })

  it("is the one of the first start, even if that is none", async () => {
    await databaseOfBefore("own", [])
    expect(await start("own", "acme-")).toBe("acme-")
    expect(await start("own", undefined)).toBe("acme-")
    await databaseOfBefore("without", [])
    expect(await start("without", "")).toBe("")
    expect(await start("without", undefined)).toBe("")
  })

  it("is none in an installation with organizations older than the prefix", async () => {
    await databaseOfBefore("old", ["acme"])
    expect(await start("old", undefined)).toBe("")
  })

  it("can't be changed by a setting: the server refuses to start, and says what to do", async () => {
    await databaseOfBefore("kept", ["acme"])
    const refused = await start("kept", "mc-")
    expect(refused).toMatchObject({ _tag: "ServerError", reason: "setting" })
    expect(String(Object(refused).message)).toContain('MAXCLOUD_NAMESPACE_PREFIX is "mc-"')
    expect(String(Object(refused).message)).toContain('have the prefix "none"')
    expect(String(Object(refused).message)).toContain("docs/kubernetes.md")
    expect(await start("kept", undefined)).toBe("")
  })
})
