import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, Layer, Redacted } from "effect"
import * as Shards from "../../src/base/replicas/Shards.ts"
import { Runtime } from "../../src/runtimes/port/Runtime.ts"
import { Organizations } from "../../src/tenancy/organizations/Organizations.ts"
import { databaseTest } from "../database/layerTest.ts"
import { makeFakeRuntime } from "../deployments/fakeRuntime.ts"
import { deploy, testServer } from "../deployments/testServer.ts"

/**
 * A server that accepts a deployment and says so when it's in the middle of carrying it out, on an in-memory runtime. It
 * never gets further. With `DATABASE_URL` it's one of several servers; without, it's the only one of its data folder.
 */
const [, , dataDir = "", name = ""] = process.argv
const address = process.env["DATABASE_URL"]

const hanging = (runtime: Layer.Layer<Runtime>) =>
  Layer.effect(
    Runtime,
    Effect.map(Runtime, (found): Runtime["Type"] => ({
      ...found,
      apply: () =>
        Effect.zipRight(
          Effect.sync(() => process.stdout.write("applying\n")),
          Effect.never
        )
    }))
  ).pipe(Layer.provide(runtime))

Effect.runFork(
  Effect.gen(function* () {
    const fake = yield* makeFakeRuntime
    const server = testServer(
      hanging(fake.layer),
      dataDir,
      {},
      address === undefined ? Shards.layerAll : Shards.layer()
    )
    const database = databaseTest(
      address === undefined
        ? { dataDir }
        : {
            dataDir,
            url: Redacted.make(address),
            migrationUrl: Redacted.make(process.env["MAXCLOUD_MIGRATION_DATABASE_URL"] ?? "")
          }
    )
    const work = Effect.flatMap(Organizations, ({ create }) =>
      Effect.flatMap(create(OrganizationName.make(name)), (organization) => deploy(organization, [{ name: "web" }]))
    )
    return yield* Effect.zipRight(work, Effect.never).pipe(Effect.provide(Layer.provideMerge(server, database)))
  })
)
