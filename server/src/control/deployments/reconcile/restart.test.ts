import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage } from "@maxcloud/config-schema"
import { DeploymentId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, type Scope, Stream } from "effect"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, testServer } from "../../../../test/deployments/testServer.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import { Organizations } from "../../../tenancy/organizations/Organizations.ts"
import { Deployments } from "../Deployments.ts"

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

describe("restart", () => {
  it("continues a deployment that a stopped server had started, and restores objects that the runtime has lost", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const database = databaseTest({ dataDir })
        const first = yield* makeFakeRuntime
        const { id, org, settled } = yield* Effect.gen(function* () {
          const org = yield* newOrganization
          const settled = yield* deploy(org, [{ name: "settled" }], { app: AppName.make("blog") })
          yield* finished(org, settled)
          const { id } = yield* deploy(org, [{ name: "web", image: "slow:1" }])
          const { events } = yield* Deployments
          yield* Stream.runHead(Stream.filter(yield* events(org, id, 0), (event) => event.type === "applied"))
          return { id, org, settled }
        }).pipe(Effect.provide(Layer.provideMerge(testServer(first.layer, dataDir), database)))

        // A runtime that has lost everything, as on a reinstalled machine.
        const second = yield* makeFakeRuntime
        yield* Effect.gen(function* () {
          const { events, get } = yield* Deployments
          yield* Effect.iterate(false, {
            while: (applied) => !applied,
            body: () =>
              Effect.delay(
                Effect.sync(
                  () => second.calls.includes("apply Service/web") && second.calls.includes("apply Service/settled")
                ),
                "10 millis"
              )
          })
          yield* second.becomeReady("web")
          yield* Stream.runDrain(yield* events(org, id, 0))
          expect(yield* get(org, id)).toMatchObject({ status: { state: "succeeded" }, number: 1 })
          // Nothing new was deployed for the settled one.
          expect(yield* get(org, settled.id)).toMatchObject({ status: { state: "succeeded" }, number: 1 })
          expect((yield* listServices(org, {})).map((each) => each.name)).toEqual(["settled", "web"])
        }).pipe(Effect.provide(Layer.provideMerge(testServer(second.layer, dataDir), database)))
      })
    ))

  it("loses no accepted deployment to a kill", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const file = (name: string) => JSON.stringify(join(import.meta.dirname, name))
        const server = spawn(
          process.execPath,
          [
            "--input-type=module",
            "--eval",
            `import { Effect, Layer } from "effect"
             import { Organizations } from ${file("../../../tenancy/organizations/Organizations.ts")}
             import { databaseTest } from ${file("../../../../test/database/layerTest.ts")}
             import { makeFakeRuntime } from ${file("../../../../test/deployments/fakeRuntime.ts")}
             import { deploy, testServer } from ${file("../../../../test/deployments/testServer.ts")}
             const dataDir = ${JSON.stringify(dataDir)}
             Effect.runFork(Effect.gen(function* () {
               const fake = yield* makeFakeRuntime
               yield* Effect.gen(function* () {
                 const { ensureLocal } = yield* Organizations
                 const accepted = yield* deploy(yield* ensureLocal, [{ name: "web" }, { name: "api" }])
                 process.stdout.write(accepted.id, () => process.kill(process.pid, "SIGKILL"))
                 yield* Effect.never
               }).pipe(Effect.provide(Layer.provideMerge(testServer(fake.layer, dataDir), databaseTest({ dataDir }))))
             }))`
          ],
          { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] }
        )
        const [[printed], [, signal]] = yield* Effect.promise(() =>
          Promise.all([once(server.stdout, "data"), once(server, "exit")])
        )
        expect(signal).toBe("SIGKILL")
        const id = DeploymentId.make(String(printed))
        const fake = yield* makeFakeRuntime
        yield* Effect.gen(function* () {
          const { find } = yield* Organizations
          const local = Option.getOrThrow(yield* find(OrganizationName.make("local")))
          expect(yield* finished(local, { id })).toMatchObject({
            status: { state: "succeeded" },
            number: 1,
            stage: productionStage
          })
          const sql = yield* SqlClient
          expect(yield* sql`select name from services order by name`).toEqual([{ name: "api" }, { name: "web" }])
        }).pipe(Effect.provide(Layer.provideMerge(testServer(fake.layer, dataDir), databaseTest({ dataDir }))))
      })
    ))
})
