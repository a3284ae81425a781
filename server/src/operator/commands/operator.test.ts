import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { verifyAuditExport } from "@maxcloud/sdk/effect"
import { Effect, Exit, Layer, ManagedRuntime, Scope, Stream } from "effect"
import { databaseTest, temporaryDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { listEntries } from "../../../test/wholeLists.ts"
import { Deployments } from "../../control/deployments/Deployments.ts"
import { ClientAddress } from "../../tenancy/access/Caller.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { operator } from "./commands.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(temporaryDataDir, scope))

const makeServer = () =>
  ManagedRuntime.make(
    Layer.unwrapScoped(
      Effect.map(makeFakeRuntime, (fake) =>
        testServer(fake.layer, dataDir, { resyncMs: 60_000 }).pipe(Layer.provideMerge(databaseTest({ dataDir })))
      )
    )
  )
let server = makeServer()
beforeAll(() => server.runPromise(Effect.void), 60_000)
afterAll(() => server.dispose().then(() => Effect.runPromise(Scope.close(scope, Exit.void))))

const deploy = (organization: Effect.Effect.Success<typeof newOrganization>, names: ReadonlyArray<string>) =>
  Effect.flatMap(Deployments, (deployments) =>
    deployments.accept({
      organization,
      app: AppName.make("shop"),
      stage: StageName.make("production"),
      from: { spec: { app: "shop", services: names.map((name) => ({ name, image: "ready:1", scale: { max: 1 } })) } }
    })
  )

const entriesOf = (id: Parameters<typeof listEntries>[0]) => listEntries(id, { limit: 10 })

describe("quotas by the operator", () => {
  it("apply at once to the running server, and appear in the organization's audit log", async () => {
    const acme = await server.runPromise(newOrganization)
    const set = await operator.setQuotas({
      dataDir,
      organization: acme.name,
      quotas: { services: "1", memoryBytes: "64Gi", cpuMilli: "0.5", deploymentsPerHour: "60" }
    })
    expect(set).toMatchObject({
      ok: true,
      value: {
        organization: { id: acme.id },
        own: { services: 1, instances: null, cpuMilli: 500, memoryBytes: 64 * 2 ** 30, deploymentsPerHour: 60 },
        quotas: { services: 1 },
        use: { services: 0 }
      }
    })
    const refused = await server.runPromise(Effect.flip(deploy(acme, ["a", "b"])))
    expect(refused.message).toContain("the limit is 1 service")

    const unset = await operator.unsetQuotas({ dataDir, organization: acme.id, quotas: ["services", "cpuMilli"] })
    expect(unset).toMatchObject({
      ok: true,
      value: { own: { services: null, cpuMilli: null, deploymentsPerHour: 60 }, quotas: { services: null } }
    })
    await server.runPromise(deploy(acme, ["a", "b"]))

    const [, second, first] = await server.runPromise(entriesOf(acme.id))
    expect(first).toMatchObject({
      action: "server.setQuotas",
      actor: { type: "server" },
      subject: `quotas of ${acme.name}, by the operator: services 1, cpu 0.5, memory 64Gi, deployments-per-hour 60`
    })
    expect(second).toMatchObject({ action: "server.unsetQuotas", beforeDigest: first?.afterDigest })

    const all = await operator.unsetQuotas({ dataDir, organization: acme.name, quotas: [] })
    expect(all).toMatchObject({ ok: true, value: { own: { memoryBytes: null, deploymentsPerHour: null } } })
    // From the environment's default.
    expect(all).toMatchObject({ ok: true, value: { quotas: { deploymentsPerHour: 600 } } })
  })

  it("are listed with the use of each organization", async () => {
    const [other, some] = await server.runPromise(Effect.all([newOrganization, newOrganization]))
    await server.runPromise(deploy(some, ["a", "b", "c"]))
    const listed = await operator.listQuotas({ dataDir })
    expect(listed.ok && listed.value.map((each) => each.organization.name)).toEqual(
      expect.arrayContaining([other.name, some.name])
    )
    expect(await operator.listQuotas({ dataDir, organization: some.name })).toMatchObject({
      ok: true,
      value: [{ use: { services: 3, instances: 3, deploymentsPerHour: 1 } }]
    })
  })

  it("are refused if the organization doesn't exist or an amount is invalid, and change nothing", async () => {
    const acme = await server.runPromise(newOrganization)
    const before = await server.runPromise(entriesOf(acme.id))
    expect(await operator.setQuotas({ dataDir, organization: "nobody", quotas: { services: "1" } })).toMatchObject({
      ok: false,
      reason: "organization",
      message: `The organization "nobody" doesn't exist.`,
      organizations: expect.arrayContaining([acme.name])
    })
    for (const [quotas, message] of [
      [{ memoryBytes: "64 GB" }, `--memory "64 GB" isn't valid: memory is written as "64Gi"`],
      [{ services: "-1" }, `--services "-1" isn't valid`],
      [{ services: "5", cpuMilli: "many" }, `--cpu "many" isn't valid`],
      [{}, "No quota given"]
    ] as const) {
      const result = await operator.setQuotas({ dataDir, organization: acme.name, quotas })
      expect(result).toMatchObject({ ok: false, reason: "quota", message: expect.stringContaining(message) })
    }
    expect(await server.runPromise(entriesOf(acme.id))).toEqual(before)
  })
})

describe("the server's own audit log", () => {
  const failSignIn = Effect.flatMap(Audit, (audit) =>
    audit.append({ action: "signIn.register", outcome: "refused", status: 403, subject: "somebody@example.com" })
  ).pipe(Effect.provideService(ClientAddress, "192.0.2.7"))

  const exported = async () => {
    const lines: Array<string> = []
    for await (const line of operator.exportAudit({ dataDir })) lines.push(line)
    return lines
  }
  const verify = (lines: ReadonlyArray<string>) =>
    Effect.runPromise(verifyAuditExport(Stream.make(new TextEncoder().encode(`${lines.join("\n")}\n`))))
  const checkpoints = Effect.flatMap(
    SqlClient,
    (sql) => sql`select sequence from audit_checkpoints where organization_id = 'server'`
  )

  it("is listed and exported from the database alone, read-only, and verifies offline", async () => {
    await server.runPromise(Effect.repeatN(failSignIn, 4))
    const listed = await operator.listAudit({ dataDir, limit: 3, before: 5 })
    expect(listed.ok && listed.value.map((each) => each.sequence)).toEqual([4, 3, 2])
    expect(listed).toMatchObject({
      value: [{ subject: "somebody@example.com", actor: { type: "anonymous", address: "192.0.2.7" } }, {}, {}]
    })
    const kept = await server.runPromise(checkpoints)
    const lines = await exported()
    expect(await verify(lines)).toMatchObject({ ok: true, organization: "server", entries: 5 })
    expect(await server.runPromise(checkpoints)).toEqual(kept)
    const changed = lines.map((line) => line.replace('"signIn.register"', '"signIn.verify"'))
    expect(await verify(changed)).toMatchObject({ ok: false, fault: { line: 2 } })
  })

  it("is also read from a data folder without a running server, with an error if it has no database", async () => {
    await server.dispose()
    expect(await verify(await exported())).toMatchObject({ ok: true, entries: 5 })
    expect(await operator.listAudit({ dataDir })).toMatchObject({ ok: true, value: { length: 5 } })
    server = makeServer()
    const nowhere = Effect.runSync(Scope.extend(temporaryDataDir, scope))
    const none = async () => {
      for await (const line of operator.exportAudit({ dataDir: nowhere })) expect(line).toBe("")
    }
    await expect(none()).rejects.toMatchObject({ reason: expect.stringMatching("database|key") })
  })
})
