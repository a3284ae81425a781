import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { startDeploy } from "./commandLine.ts"
import { small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const deployments = Number(process.env["MAXCLOUD_TEST_DEPLOYMENTS"] ?? 20)
/** How long the API server is unreachable. */
const awayMillis = Number(process.env["MAXCLOUD_TEST_AWAY_MILLIS"] ?? 15_000)
const numbers = Array.from({ length: deployments }, (_, index) => index)

const Services = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, generation: Schema.Int }),
      status: Schema.Struct({
        conditions: Schema.Array(Schema.Struct({ type: Schema.String, status: Schema.String }))
      })
    })
  )
})

describeCluster("an API server that becomes unreachable (KUBECONFIG)", () => {
  let wired: WiredServer
  beforeAll(async () => {
    wired = await startWiredServer("away")
  }, 120_000)
  afterAll(() => wired?.close(), 60_000)

  const app = (index: number, version: string) => ({
    app: `app-${index}`,
    services: [small(`app-${index}`, { TARGET: version })]
  })
  const accept = async (index: number, version: string) =>
    (await wired.server.client.deploy(app(index, version), { detach: true })).id
  const eventsOf = async (id: string) => {
    const events = []
    for await (const event of wired.server.client.deployments.events(id)) events.push(event)
    return events
  }
  const ended = async (id: string) => {
    await wired.server.client.waitFor(id)
    const events = await eventsOf(id)
    expect(events.filter((event) => event.type === "finished").map((event) => event.reason)).toStrictEqual([
      "Succeeded"
    ])
    return events
  }
  const services = () =>
    wired.admin.request({
      method: "GET",
      path: pathOf(kinds.service),
      query: { labelSelector: `maxcloud.dev/organization=${wired.organization}` }
    })
  /** The cluster's own view: which services are Ready, and how often each was changed. */
  const readyOnCluster = async () => {
    const { items } = Schema.decodeUnknownSync(Services)(await services())
    return new Map(
      items.flatMap(({ metadata, status }) =>
        status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True")
          ? [[metadata.name, metadata.generation] as const]
          : []
      )
    )
  }

  it(`during ${deployments} deployments, for ${awayMillis / 1000} s: all succeed, and the user is informed`, async () => {
    const half = deployments / 2
    const early = await Promise.all(numbers.slice(0, half).map((index) => accept(index, "1")))
    await until(
      "services on the cluster",
      async () => {
        const { items } = Schema.decodeUnknownSync(Schema.Struct({ items: Schema.Array(Schema.Unknown) }))(
          await services()
        )
        return items.length
      },
      (one) => one >= 3
    )
    wired.wires.shut(true)
    const awayAt = Date.now()
    const told = startDeploy(wired.server.url, app(half, "1"))
    const late = await Promise.all(numbers.slice(half + 1).map((index) => accept(index, "1")))
    await until(
      "the user sees a message",
      () => told.written.stderr,
      (one) => /The cluster has been unreachable since \S+\. Retrying\./.test(one)
    )
    await sleep(Math.max(0, awayAt + awayMillis - Date.now()))
    wired.wires.shut(false)

    const [outcome, ...all] = await Promise.all([told.ended, ...[...early, ...late].map(ended)])
    expect(outcome.code, outcome.stderr).toBe(0)
    expect(outcome.stderr.match(/cluster has been unreachable/g)?.length, outcome.stderr).toBe(1)
    for (const events of all.slice(early.length)) {
      const warnings = events.filter((event) => event.type === "warning")
      expect(warnings.map((warning) => warning.reason)).toStrictEqual(["ClusterUnreachable"])
    }
    expect([...(await readyOnCluster()).keys()].sort()).toStrictEqual(numbers.map((value) => `app-${value}`).sort())
  }, 240_000)

  it("random disconnects fail no deployment, and nothing happens twice", async () => {
    let cutting = true
    const cuts = (async () => {
      while (cutting) {
        await sleep(500 + Math.random() * 1000)
        wired.wires.cut()
      }
    })()
    const ids = await Promise.all([0, 1, 2, 3].map((index) => accept(index, "2")))
    const all = await Promise.all(ids.map(ended)).finally(() => {
      cutting = false
    })
    await cuts
    // If disconnects are too frequent for any request, that is an outage and reported as one.
    for (const { reason, type } of all.flat()) if (type === "warning") expect(reason).toBe("ClusterUnreachable")
    const ready = await readyOnCluster()
    expect(
      [0, 1, 2, 3].map((value) => ready.get(`app-${value}`)),
      "each was changed once"
    ).toStrictEqual([2, 2, 2, 2])
  }, 120_000)

  it("a server killed meanwhile waits for it at its next start, and continues accepted deployments", async () => {
    wired.wires.shut(true)
    const id = await accept(0, "3")
    await wired.server.end("SIGKILL")
    await wired.server.start(false)
    await until(
      "it reports that it waits",
      () => wired.server.output,
      (text) => text.includes("Retrying for up to")
    )
    wired.wires.shut(false)
    await until(
      "it accepts requests",
      () =>
        fetch(`${wired.server.url}/healthz`).then(
          (found) => found.ok,
          () => false
        ),
      (one) => one
    )
    await ended(id)
    expect((await readyOnCluster()).get("app-0")).toBe(3)
  }, 120_000)
})
