import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationName, SecretName } from "@maxcloud/config-schema"
import { type DeploymentEvent, DeploymentId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted, type Scope, Stream } from "effect"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { makeFakeRuntime, refusedName } from "../../../../test/deployments/fakeRuntime.ts"
import {
  deploy,
  eventsOf,
  finished,
  newOrganization,
  ownServer,
  shop,
  testServer
} from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Secrets } from "../../../stores/secrets/Secrets.ts"
import { Organizations } from "../../../tenancy/organizations/Organizations.ts"
import { Deployments } from "../Deployments.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(ownServer(fake.layer))

const until = (organization: Organization, id: DeploymentId, is: (event: DeploymentEvent) => boolean) =>
  Effect.flatMap(Deployments, (deployments) => deployments.events(organization, id, 0)).pipe(
    Effect.flatMap((events) => Stream.runHead(Stream.filter(events, is)))
  )
const gone = (name: string) => (event: DeploymentEvent) => event.service === name && event.reason === "Deleted"
const waits = (name: string) => (event: DeploymentEvent) => event.service === name && event.reason === "StillCalled"
const namesOf = (organization: Organization) =>
  listServices(organization).pipe(Effect.map((found) => found.map(({ name }) => name as string)))
const deleteByName = (organization: Organization, name: string) =>
  Effect.gen(function* () {
    const services = yield* listServices(organization)
    const found = services.find((service) => service.name === name)
    if (found === undefined) throw new Error(`no service ${name}`)
    return yield* Effect.flatMap(Deployments, (deployments) => deployments.deleteService(organization, found.id))
  })
/** The runtime's Knative Services of an organization. */
const running = ({ id }: Organization) =>
  [...fake.objects.keys()]
    .filter((text) => text.startsWith(`${id}/`) && text.includes("/Service/"))
    .map((text) => text.split("/").at(-1))
    .sort()

describe("a service that the config leaves out", () => {
  test(
    "stays until the service that called it is ready, and says so",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "api" }, { name: "web", links: ["api"] }]))
      const second = yield* deploy(org, [{ name: "web", image: "slow:1" }])
      yield* until(org, second.id, waits("api"))
      expect(running(org)).toEqual(["api", "web"])
      const { get } = yield* Deployments
      expect((yield* get(org, second.id)).services.find((service) => service.name === "api")).toMatchObject({
        state: "pending",
        reason: "StillCalled",
        message: expect.stringMatching(/^It stays until "web" is ready\. .* a revision of "web" that calls "api"/)
      })
      yield* fake.becomeReady("web")
      const told = yield* eventsOf(org, second.id)
      expect(told.at(-1)).toMatchObject({ type: "finished", reason: "Succeeded" })
      expect(told.filter((each) => each.service === "api").map((each) => each.reason)).toEqual([
        "StillCalled",
        "Deleted"
      ])
      expect(running(org)).toEqual(["web"])
    })
  )

  test(
    "stays while its caller's only serving revision calls it, over several deployments",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(
        org,
        yield* deploy(org, [{ name: "api" }, { name: "web", env: { API: { service: "api", property: "url" } } }])
      )
      const second = yield* finished(org, yield* deploy(org, [{ name: "web", image: "broken:1" }]))
      expect(second).toMatchObject({ status: { state: "failed" } })
      expect(second.services.find((service) => service.name === "api")).toMatchObject({
        state: "pending",
        reason: "StillCalled"
      })
      expect(yield* namesOf(org)).toEqual(["web"])
      const third = yield* finished(org, yield* deploy(org, [{ name: "web", image: "broken:1", env: { AGAIN: "1" } }]))
      expect(third).toMatchObject({ status: { state: "failed" }, number: 3 })
      expect(running(org)).toEqual(["api", "web"])
      const fourth = yield* finished(org, yield* deploy(org, [{ name: "web", image: "ready:2" }]))
      expect(fourth).toMatchObject({ status: { state: "succeeded" } })
      expect(running(org)).toEqual(["web"])
      expect(yield* namesOf(org)).toEqual(["web"])
    })
  )

  test(
    "stays while another waiting service calls it",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(
        org,
        yield* deploy(org, [
          { name: "db" },
          { name: "api", links: ["db"] },
          { name: "web", links: ["api"] },
          { name: "idle" }
        ])
      )
      const second = yield* deploy(org, [{ name: "web", image: "slow:1" }])
      yield* until(org, second.id, gone("idle"))
      expect(running(org)).toEqual(["api", "db", "web"])
      yield* fake.becomeReady("web")
      expect(yield* finished(org, second)).toMatchObject({ status: { state: "succeeded" } })
      expect(running(org)).toEqual(["web"])
    })
  )

  test(
    "is removed at once if its caller never served",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "api" }, { name: "web", image: "broken:1", links: ["api"] }]))
      const second = yield* finished(org, yield* deploy(org, [{ name: "web", image: "broken:2" }]))
      expect(second.services.find((service) => service.name === "api")).toMatchObject({ state: "deleted" })
      expect(running(org)).toEqual(["web"])
    })
  )

  test(
    "stays if the runtime refuses the new objects",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      const refused = yield* finished(org, yield* deploy(org, [{ name: refusedName }]))
      expect(refused).toMatchObject({ status: { state: "failed", reason: "Refused" } })
      expect(running(org)).toEqual(["web"])
    })
  )
})

describe("deleting a service", () => {
  test(
    "doesn't wait for siblings that are starting or have failed",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const first = yield* deploy(org, [
        { name: "bad", image: "broken:1" },
        { name: "slowly", image: "slow:1" },
        { name: "x" }
      ])
      yield* until(org, first.id, (one) => one.type === "applied")
      const second = yield* deleteByName(org, "x")
      yield* until(org, second.id, gone("x"))
      expect(running(org)).toEqual(["bad", "slowly"])
      expect(yield* namesOf(org)).toEqual(["bad", "slowly"])
    })
  )

  test(
    "works while the runtime refuses the current siblings",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "web-taken" }, { name: "x" }]))
      fake.refuses = [refusedName, "web-taken"]
      const deleted = yield* finished(org, yield* deleteByName(org, "x"))
      fake.refuses = [refusedName]
      expect(deleted.services.find((service) => service.name === "x")).toMatchObject({ state: "deleted" })
      expect(running(org)).toEqual(["web-taken"])
    })
  )

  test(
    "leaves the siblings as they were accepted: no secret is needed, and no newer version is used",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const scope = { organizationId: org.id, app: shop, stage: (yield* deploy(org, [{ name: "web" }])).stage }
      const [kept, lost] = [SecretName.make("KEPT"), SecretName.make("LOST")]
      yield* secrets.set(scope, kept, Redacted.make("1"))
      yield* secrets.set(scope, lost, Redacted.make("1"))
      const env = { A: { secret: "KEPT" }, B: { secret: "LOST" } }
      yield* finished(org, yield* deploy(org, [{ name: "web", env }, { name: "x" }]))
      yield* secrets.set(scope, kept, Redacted.make("2"))
      yield* secrets.unset(scope, lost)
      const deleted = yield* finished(org, yield* deleteByName(org, "x"))
      expect(deleted).toMatchObject({ status: { state: "succeeded" } })
      expect(deleted.services.map((service) => [service.name, service.action])).toEqual([
        ["web", "unchanged"],
        ["x", "delete"]
      ])
      expect(yield* sql`select secret_versions from deployments where id = ${deleted.id}`).toEqual([
        { secret_versions: { KEPT: 1, LOST: 1 } }
      ])
      expect(running(org)).toEqual(["web"])
    })
  )
})

/** A server that is killed before or after the runtime removes something, and then another one in its place. */
const killed = (when: "before" | "after") =>
  Effect.gen(function* () {
    const dataDir = yield* madeDataDir
    const file = (name: string) => JSON.stringify(join(import.meta.dirname, name))
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { Effect, Layer } from "effect"
         import { Organizations } from ${file("../../../tenancy/organizations/Organizations.ts")}
         import { databaseTest } from ${file("../../../../test/database/layerTest.ts")}
         import { makeFakeRuntime } from ${file("../../../../test/deployments/fakeRuntime.ts")}
         import { deploy, finished, testServer } from ${file("../../../../test/deployments/testServer.ts")}
         const dataDir = ${JSON.stringify(dataDir)}
         Effect.runFork(Effect.gen(function* () {
           const fake = yield* makeFakeRuntime
           yield* Effect.gen(function* () {
             const { ensureLocal } = yield* Organizations
             const local = yield* ensureLocal
             yield* finished(local, yield* deploy(local, [{ name: "web" }, { name: "x" }]))
             fake.onRemove = (when) => { if (when === ${JSON.stringify(when)}) process.kill(process.pid, "SIGKILL") }
             const accepted = yield* deploy(local, [{ name: "web", image: "broken:1" }])
             process.stdout.write(accepted.id)
             yield* Effect.never
           }).pipe(Effect.provide(Layer.provideMerge(testServer(fake.layer, dataDir), databaseTest({ dataDir }))))
         }))`
      ],
      { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] }
    )
    const printed: Array<Buffer> = []
    child.stdout.on("data", (value: Buffer) => printed.push(value))
    const [, signal] = yield* Effect.promise(() => once(child, "close"))
    expect(signal).toBe("SIGKILL")
    const second = yield* makeFakeRuntime
    yield* Effect.gen(function* () {
      const { find } = yield* Organizations
      const local = Option.getOrThrow(yield* find(OrganizationName.make("local")))
      const [last] = yield* Effect.flatMap(
        SqlClient,
        (sql) => sql<{ id: string }>`select id from deployments order by number desc limit 1`
      )
      const done = yield* finished(local, { id: DeploymentId.make(String(last?.id)) })
      expect(done.services.map((service) => [service.name, service.state])).toEqual([
        ["web", "failed"],
        ["x", "deleted"]
      ])
      expect(second.calls).toContain("remove Service/x")
      expect(yield* namesOf(local)).toEqual(["web"])
      const [stage] = yield* Effect.flatMap(
        SqlClient,
        (sql) => sql<{ inventory: ReadonlyArray<{ name: string }> }>`select inventory from app_stages`
      )
      expect([...new Set(stage?.inventory.map((each) => each.name))]).toEqual(["web"])
    }).pipe(Effect.provide(Layer.provideMerge(testServer(second.layer, dataDir), databaseTest({ dataDir }))))
  })

describe("a removal interrupted by a kill", () => {
  const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))
  it("is done by the next server if nothing was removed yet", () => run(killed("before")))
  it("is done by the next server if the runtime had removed it without a record", () => run(killed("after")))
})
