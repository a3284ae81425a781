import { SqlClient } from "@effect/sql/SqlClient"
import { expect, it } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { madeDataDir } from "../../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, testServer } from "../../../../test/deployments/testServer.ts"
import * as Database from "../../../base/database/Database.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"

it("moves what an earlier version deployed: its objects leave the shared namespace before they are applied again", () =>
  Effect.gen(function* () {
    const dataDir = yield* madeDataDir
    const fake = yield* makeFakeRuntime
    const server = Layer.provideMerge(
      testServer(fake.layer, dataDir, { resyncMs: 60_000 }, layerAll, { closedRanges: ["198.51.100.0/24"] }),
      Database.layer({ dataDir })
    )
    const org = yield* Effect.gen(function* () {
      const sql = yield* SqlClient
      const organization = yield* newOrganization
      yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
      yield* sql`
        update app_stages set former_namespace = ${organization.name}, platform_key = 'earlier'
        where organization_id = ${organization.id}`
      // An earlier version created other manifests for the same app.
      yield* sql`update deployment_manifests set applied = 'other' where organization_id = ${organization.id}`
      return organization
    }).pipe(Effect.provide(server))
    const [ours, theirs] = ["shop", "blog"].map(
      (name) => `${org.id}/${org.name}/Service/${name === "shop" ? "web" : name}`
    )
    for (const [id, object] of [...fake.objects]) {
      if (!id.endsWith("/Service/web")) continue
      fake.objects.set(ours ?? "", { ...object })
      fake.objects.set(theirs ?? "", { ...object })
    }
    fake.calls.length = 0

    yield* Effect.gen(function* () {
      const sql = yield* SqlClient
      const former = sql<{ former_namespace: string | null }>`
        select former_namespace from app_stages where organization_id = ${org.id}`
      yield* Effect.repeat(former, {
        schedule: Schedule.spaced("20 millis"),
        until: ([row]) => row?.former_namespace === null && fake.calls.includes("apply Service/web")
      }).pipe(Effect.timeout("60 seconds"))
    }).pipe(Effect.provide(server))
    expect(fake.calls.indexOf("remove Service/web")).toBeGreaterThanOrEqual(0)
    expect(fake.calls.indexOf("remove Service/web")).toBeLessThan(fake.calls.indexOf("apply Service/web"))
    expect(fake.objects.has(ours ?? "")).toBe(false)
    // Another app moves its own objects out of the shared namespace.
    expect(fake.objects.has(theirs ?? "")).toBe(true)
    expect(fake.objects.has(`${org.id}/shop--${org.name}/Service/web`)).toBe(true)
  }).pipe(asServer, Effect.scoped, Effect.runPromise))
