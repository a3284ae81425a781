import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { kinds } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { startCommand } from "./commandLine.ts"
import { namespaceFor, small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const rounds = Number(process.env["MAXCLOUD_TEST_OUTAGES"] ?? 2)
const deployments = Number(process.env["MAXCLOUD_TEST_DEPLOYMENTS"] ?? 9)
/** How long the API server is unreachable. */
const awayMillis = Number(process.env["MAXCLOUD_TEST_AWAY_MILLIS"] ?? 30_000)
const readerMillis = 10_000

describeCluster("outages of the API server (KUBECONFIG)", () => {
  let wired: WiredServer
  beforeAll(async () => {
    wired = await startWiredServer("outages", { MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR: "none" })
  }, 120_000)
  afterAll(() => wired?.close(), 60_000)

  const run = ([name = "", ...args]: ReadonlyArray<string>) =>
    startCommand([name, "--api-url", wired.server.url, ...args])

  it("are reported at once to readers, and a follower continues afterwards", async () => {
    const service = { ...small("reader"), scale: { min: 1, max: 1 } }
    await wired.server.client.deploy({ app: "reader", services: [service] })
    const follower = run(["logs", "reader", "--follow"])
    const listening = () => follower.written.stdout.match(/listening on/g)?.length ?? 0
    await until("the follower has the first line", listening, (count) => count === 1)

    wired.wires.shut(true)
    const askedAt = performance.now()
    const readers = [
      ["logs", "reader"],
      ["logs", "reader", "--no-follow", "--grep", "listening"],
      ["describe", "reader"],
      ["exec", "reader", "--", "/hello"],
      // It isn't paused, but the same wait as for a pause follows.
      ["resume", "reader"]
    ]
    const outcomes = await Promise.all(readers.map((args) => run(args).ended))
    for (const [index, { code, stderr }] of outcomes.entries()) {
      expect(stderr, String(readers[index])).toMatch(/cluster has been unreachable since 20\d\d-/i)
      expect(code, String(readers[index])).toBe(3)
    }
    const listed = await run(["list"]).ended
    expect([listed.code, listed.stderr]).toEqual([0, expect.stringContaining("the states of services are as of then")])
    expect(performance.now() - askedAt, "they are told at once").toBeLessThan(4 * readerMillis)
    await until(
      "the follower is told",
      () => follower.written.stderr,
      (text) => text.includes("unreachable since")
    )
    await sleep(readerMillis)
    expect(follower.written.stderr.match(/unreachable since/g), follower.written.stderr).toHaveLength(1)

    wired.wires.shut(false)
    await until(
      "it's back",
      () => run(["restart", "reader"]).ended,
      ({ code }) => code === 0
    )
    await until("the follower has the new line", listening, (count) => count === 2)
    follower.interrupt()
    expect((await follower.ended).stderr.match(/unreachable since/g)).toHaveLength(1)
  }, 180_000)

  const outcomes = ["ready", "dropping", "failing"] as const
  type Outcome = (typeof outcomes)[number]

  const specOf = (outcome: Outcome, index: number, version: string) => {
    const name = `app-${index}`
    const broken = outcome === "failing" ? { command: ["/no-such-program"] } : {}
    const kept = { ...small(name, { TARGET: version }), ...broken }
    const dropped = outcome === "dropping" && version.endsWith("-0") ? [small(`${name}-old`)] : []
    return { app: name, services: [kept, ...dropped] }
  }

  const exists = (app: string, service: string) =>
    wired.admin.get(kinds.service, namespaceFor(wired.organization, app), service).then(
      () => true,
      () => false
    )

  it(
    `${rounds} outages of ${awayMillis / 1000} s at random moments of ${deployments} deployments each give no wrong verdict`,
    async () => {
      const wrong: Array<string> = []
      let ended = 0
      for (let round = 0; round < rounds; round++) {
        // What a later deployment drops is deployed without an outage.
        if (round === 0) {
          const first = Array.from({ length: deployments }, (_, index) => index).filter((index) => index % 3 === 1)
          await Promise.all(first.map((index) => wired.server.client.deploy(specOf("dropping", index, "v-0"))))
        }
        const version = `v-${round + 1}`
        const accepted = await Promise.all(
          Array.from({ length: deployments }, async (_, index) => {
            const outcome = outcomes[index % 3] ?? "ready"
            await sleep(Math.random() * 5_000)
            const { id } = await wired.server.client.deploy(specOf(outcome, index, version), { detach: true })
            if (index === 0) wired.wires.shut(true)
            return { id, index, outcome }
          })
        )
        await sleep(awayMillis)
        wired.wires.shut(false)
        const found = await Promise.all(
          accepted.map(async ({ id, index, outcome }) => {
            // It rejects if the deployment fails.
            await wired.server.client.waitFor(id).catch(() => undefined)
            const { status } = await wired.server.client.deployments.get(id)
            const app = `app-${index}`
            const left = outcome === "dropping" && (await exists(app, `${app}-old`))
            const expected = outcome === "failing" ? "failed" : "succeeded"
            const isRight = status.state === expected && status.reason !== "ClusterUnreachable" && !left
            return isRight ? [] : [`round ${round}, ${app} (${outcome}): ${JSON.stringify(status)}, left: ${left}`]
          })
        )
        ended += found.length
        wrong.push(...found.flat())
        process.stdout.write(`outage ${round + 1}: ${ended} deployments ended, ${wrong.length} wrong verdicts\n`)
      }
      expect(wrong).toEqual([])
    },
    rounds * (awayMillis + 300_000)
  )
})
