import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Layer, ManagedRuntime, Option, Redacted } from "effect"
import { layerTest } from "../../../../test/database/layerTest.ts"
import { newOrganization } from "../../../../test/deployments/testServer.ts"
import { encrypt } from "../../../base/keys/aesGcm.ts"
import { heldKey } from "../../../base/keys/heldKey.ts"
import { layer as keys } from "../../../base/keys/layer.ts"
import { layer as audit } from "../../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../../tenancy/organizations/Organizations.ts"
import { RegistryCredentials } from "./RegistryCredentials.ts"
import { layer } from "./SealedCredentials.ts"

const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
const server = ManagedRuntime.make(
  Layer.mergeAll(layer({ dataDir }), organizations).pipe(
    Layer.provideMerge(audit()),
    Layer.provideMerge(keys({ dataDir })),
    Layer.provideMerge(layerTest)
  )
)
beforeAll(() => server.runPromise(Effect.void))
afterAll(async () => {
  await server.dispose()
  rmSync(dataDir, { recursive: true })
})

const test = <E>(
  name: string,
  effect: Effect.Effect<unknown, E, ManagedRuntime.ManagedRuntime.Context<typeof server>>
) => it(name, () => server.runPromise(effect))

const password = Redacted.make("hunter2 very secret")

describe("credentials for registries", () => {
  test(
    "belong to an organization, one for each host, and are never listed with the password",
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const [one, other] = [yield* newOrganization, yield* newOrganization]
      expect(yield* credentials.set(one.id, "ghcr.io", "first", Redacted.make("x"))).toMatchObject({ host: "ghcr.io" })
      yield* credentials.set(one.id, "ghcr.io", "second", password)
      yield* credentials.set(one.id, "Index.docker.io", "hub", Redacted.make("z"))
      const listed = yield* credentials.list(one.id)
      expect(listed.map((each) => [each.host, each.username])).toEqual([
        ["docker.io", "hub"],
        ["ghcr.io", "second"]
      ])
      expect(JSON.stringify(listed)).not.toContain("hunter2")
      const shown = yield* credentials.reveal(one.id, "ghcr.io")
      expect(Option.getOrThrow(shown).username).toBe("second")
      expect(Redacted.value(Option.getOrThrow(shown).password)).toBe("hunter2 very secret")
      expect(Option.isNone(yield* credentials.reveal(other.id, "ghcr.io"))).toBe(true)
      expect(yield* credentials.list(other.id)).toEqual([])
      expect(yield* credentials.remove(other.id, "ghcr.io")).toBe(false)
      expect(yield* credentials.remove(one.id, "ghcr.io")).toBe(true)
      expect(Option.isNone(yield* credentials.reveal(one.id, "ghcr.io"))).toBe(true)
    })
  )

  test(
    "aren't in plain text in the database, and open nowhere else",
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const sql = yield* SqlClient
      const [one, other] = [yield* newOrganization, yield* newOrganization]
      yield* credentials.set(one.id, "ghcr.io", "acme", password)
      yield* credentials.set(other.id, "ghcr.io", "acme", Redacted.make("other"))
      const rows = yield* sql`select c::text as row from registry_credentials c`
      for (const text of ["hunter2", Buffer.from("hunter2").toString("hex")]) {
        expect(JSON.stringify(rows)).not.toContain(text)
      }
      yield* sql`
        update registry_credentials t set nonce = f.nonce, sealed = f.sealed from registry_credentials f
        where t.organization_id = ${other.id} and f.organization_id = ${one.id}`
      const moved = yield* Effect.flip(credentials.reveal(other.id, "ghcr.io"))
      expect(moved.message).toContain("maxcloud registries login ghcr.io")
      yield* sql`update registry_credentials set username = 'other' where organization_id = ${one.id}`
      expect((yield* Effect.flip(credentials.reveal(one.id, "ghcr.io"))).message).toContain("don't open")
    })
  )

  test(
    "open if the first versions sealed them with the data folder's key, and are resealed at the start",
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const sql = yield* SqlClient
      const { id } = yield* newOrganization
      const bytes = readFileSync(join(dataDir, "secret.key"))
      const sealed = Buffer.from(
        encrypt(bytes, JSON.stringify(["registry", id, "ghcr.io", "acme"]), Buffer.from("hunter2"))
      )
      yield* sql`
        insert into registry_credentials (organization_id, host, username, key_id, nonce, sealed)
        values (${id}, 'ghcr.io', 'acme', ${heldKey("", bytes).id}, ${sealed.subarray(0, 12)}, ${sealed.subarray(12)})`
      const password = Effect.map(credentials.reveal(id, "ghcr.io"), (found) =>
        Redacted.value(Option.getOrThrow(found).password)
      )
      expect(yield* password).toBe("hunter2")
      yield* Effect.scoped(Layer.build(Layer.fresh(layer({ dataDir }))))
      const rows = yield* sql`select 1 from registry_credentials where organization_id = ${id} and key_id like 'dk_%'`
      expect(rows.length).toBe(1)
      expect(yield* password).toBe("hunter2")
    })
  )

  test(
    "report a missing key, and never create another one",
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const { id } = yield* newOrganization
      yield* credentials.set(id, "ghcr.io", "acme", password)
      rmSync(join(dataDir, "secret.key"))
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(keys({ dataDir })))))
      expect(error.message).toContain("Restore")
    })
  )
})
