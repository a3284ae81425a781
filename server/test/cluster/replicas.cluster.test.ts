import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, assert, beforeAll, expect, it } from "@effect/vitest"
import type { DeploymentEvent } from "@maxcloud/sdk"
import { kinds } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { freePort } from "../freePort.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { startS3 } from "../logs/rcloneS3.ts"
import { startPostgres } from "../replicas/startPostgres.ts"
import { ServerProcess } from "../serverProcess.ts"
import { serverKubeconfig } from "./serverKubeconfig.ts"
import {
  type Admin,
  environmentOf,
  namespaceFor,
  newOrganization,
  openAdmin,
  removeNamespacesOf,
  serverProgram,
  small
} from "./wiredServer.ts"

const deployments = Number(process.env["MAXCLOUD_TEST_DEPLOYMENTS"] ?? 6)
const kills = 3
/** Servers on one database share a master key. */
const masterKey = randomBytes(32).toString("base64")

// Each replica answers for a separate organization, and carries out the deployments of all organizations in its shards.
describeCluster("three replicas on one database (KUBECONFIG)", () => {
  const organizations = ["a", "b", "c"].map((name) => newOrganization(`rep-${name}`))
  let admin: Admin
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  let s3: Awaited<ReturnType<typeof startS3>>
  let replicas: ReadonlyArray<ServerProcess> = []

  beforeAll(async () => {
    const kubeconfig = await serverKubeconfig()
    admin = openAdmin()
    postgres = await startPostgres()
    s3 = await startS3()
    replicas = await Promise.all(
      organizations.map(
        async (organization) =>
          new ServerProcess(
            await freePort(),
            {
              ...environmentOf(organization, kubeconfig),
              ...postgres.environment,
              ...s3.environment,
              MAXCLOUD_MASTER_KEY: masterKey
            },
            serverProgram
          )
      )
    )
    await Promise.all(replicas.map((each) => each.start()))
  }, 180_000)
  afterEach(({ task }) => {
    if (task.result?.state === "fail") for (const { output } of replicas) console.error(output)
  })
  afterAll(async () => {
    await Promise.all(replicas.map((each) => each.end("SIGTERM")))
    for (const replica of replicas) replica.remove()
    await postgres?.close()
    await s3?.end()
    await Promise.allSettled(organizations.map((organization) => removeNamespacesOf(admin, organization)))
    await admin?.close()
  }, 60_000)

  it("carry out each deployment once when they are killed in turn, report drift once, and each serve logs", async () => {
    const accepted = await Promise.all(
      Array.from({ length: deployments }, async (_, index) => {
        const server = replicas[index % replicas.length] ?? expect.unreachable("no replica")
        const app = { app: `app-${index}`, services: [small(`app-${index}`)] }
        return { server, id: (await server.client.deploy(app, { detach: true })).id }
      })
    )
    for (let kill = 0; kill < kills; kill++) {
      await sleep(1_000 + Math.random() * 2_000)
      const victim = replicas[Math.floor(Math.random() * replicas.length)]
      await victim?.end("SIGKILL")
      await victim?.start()
    }
    for (const { id, server } of accepted) {
      await server.client.waitFor(id)
      const events: Array<DeploymentEvent> = []
      for await (const event of server.client.deployments.events(id)) events.push(event)
      const count = (type: string) => events.filter((event) => event.type === type).length
      expect([count("started"), count("applied"), count("finished")]).toStrictEqual([1, 1, 1])
      expect(events.at(-1)?.reason).toBe("Succeeded")
    }

    const [server] = replicas
    const [organization = ""] = organizations
    assert(server !== undefined)
    await admin.patch("kubectl-edit", kinds.networkPolicy, namespaceFor(organization, "app-0"), "app-0", [
      { op: "add", path: "/spec/egress/-", value: { to: [{ ipBlock: { cidr: "10.99.99.99/32" } }] } }
    ])
    const drift = await until(
      "it's repaired",
      () => server?.client.apps.drift("app-0") ?? [],
      (one) => one.some((each) => each.healedAt !== null)
    )
    expect(drift.map((object) => [object.kind, object.name, object.manager])).toStrictEqual([
      ["NetworkPolicy", "app-0", "kubectl-edit"]
    ])
    const lines: Array<string> = []
    for await (const { line } of server?.client.logs("app-0") ?? []) lines.push(line)
    expect(lines.join("\n")).toMatch(/listening on/)
  }, 240_000)
})
