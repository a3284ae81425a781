import { Effect, Layer, Redacted } from "effect"
import * as Database from "../../src/base/database/Database.ts"
import * as Shards from "../../src/base/replicas/Shards.ts"
import { makeFakeRuntime } from "../deployments/fakeRuntime.ts"
import { testServer } from "../deployments/testServer.ts"
import { slowly } from "./slowly.ts"

/** A replica that carries out deployments of the database in `DATABASE_URL` on an in-memory runtime, until it is killed. */
const dataDir = process.argv[2] ?? ""
const url = Redacted.make(process.env["DATABASE_URL"] ?? "")
const migrationUrl = Redacted.make(process.env["MAXCLOUD_MIGRATION_DATABASE_URL"] ?? "")

Effect.runFork(
  Effect.gen(function* () {
    const fake = yield* makeFakeRuntime
    const replica = testServer(
      slowly(fake.layer, () => Math.random() * 200),
      dataDir,
      { resyncMs: 500 },
      Shards.layer()
    )
    return yield* Layer.launch(Layer.provide(replica, Database.layer({ dataDir, url, migrationUrl })))
  })
)
