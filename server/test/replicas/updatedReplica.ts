import { NodeRuntime } from "@effect/platform-node"
import { AppName } from "@maxcloud/config-schema"
import { Effect, Layer, Redacted } from "effect"
import * as Shards from "../../src/base/replicas/Shards.ts"
import { databaseTest } from "../database/layerTest.ts"
import { makeFakeRuntime } from "../deployments/fakeRuntime.ts"
import { deploy, newOrganization, testServer } from "../deployments/testServer.ts"
import { slowly } from "./slowly.ts"

/**
 * A server on an in-memory runtime that first accepts some deployments, says so, and carries out those of the database in
 * `DATABASE_URL` until SIGTERM. It also runs in the tree of another commit, with that one's server (`upgrade.long.test.ts`).
 */
const [, , dataDir = "", applyMs = "0", organizations = "0", apps = "0"] = process.argv
const url = Redacted.make(process.env["DATABASE_URL"] ?? "")
const migrationUrl = Redacted.make(process.env["MAXCLOUD_MIGRATION_DATABASE_URL"] ?? "")

const accept = Effect.gen(function* () {
  const made = yield* Effect.forEach(Array.from({ length: Number(organizations) }), () => newOrganization)
  const all = made.flatMap((organization) =>
    Array.from({ length: Number(apps) }, (_, index) => ({ organization, name: `app-${index}` }))
  )
  yield* Effect.forEach(
    all,
    ({ name, organization }) => deploy(organization, [{ name }], { app: AppName.make(name) }),
    { concurrency: 8 }
  )
  console.log("accepted")
  return yield* Effect.never
})

NodeRuntime.runMain(
  Effect.gen(function* () {
    const fake = yield* makeFakeRuntime
    const server = testServer(
      slowly(fake.layer, () => Number(applyMs) * (0.5 + Math.random())),
      dataDir,
      { resyncMs: 500 },
      Shards.layer()
    )
    return yield* accept.pipe(Effect.provide(Layer.provideMerge(server, databaseTest({ dataDir, url, migrationUrl }))))
  })
)
