import { afterAll, afterEach, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { asAdmin, type ClusterHarness, ingress, startClusterHarness } from "../contract/clusterHarness.ts"
import { ask, until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { namespaceFor } from "./wiredServer.ts"

const Pods = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({
        name: Schema.String,
        deletionTimestamp: Schema.optional(Schema.String),
        deletionGracePeriodSeconds: Schema.optional(Schema.Int)
      })
    })
  )
})

/** Knative sends SIGTERM once an instance hasn't had a request for this long. */
const quietSeconds = 30
const graceSeconds = 5

describeCluster("the end of a program that ignores SIGTERM (KUBECONFIG)", () => {
  let harness: ClusterHarness
  beforeAll(async () => {
    harness = await startClusterHarness("grace")
  }, 120_000)
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(harness.server.output)
  })
  afterAll(() => harness?.close(), 60_000)

  const podsOf = async (app: string) => {
    const path = pathOf(kinds.pod, namespaceFor(harness.organization, app))
    return Schema.decodeUnknownSync(Pods)(await asAdmin({ method: "GET", path })).items.map(({ metadata }) => metadata)
  }
  const deploy = (app: string) =>
    harness.server.client.deploy({
      app,
      services: [
        {
          ...harness.workload,
          name: app,
          cpu: 0.2,
          memory: "64Mi",
          scale: { min: 1 },
          grace: `${graceSeconds}s`,
          env: { STUBBORN: "1", VERSION: "1" }
        }
      ]
    })
  const removals = [
    ["its service is deleted", "stubborn", (app: string) => harness.server.client.services.delete(app)],
    ["its app is destroyed", "stubborn-app", (app: string) => harness.server.client.apps.destroy(app)]
  ] as const

  it.concurrent.each(removals)(
    "comes after its grace period when %s, and its open request finishes",
    { timeout: 240_000 },
    async (_, app, remove) => {
      await deploy(app)
      const { status } = await harness.server.client.services.get(app)
      const open = ask(ingress, status.url ?? "", "/?ms=20000")
      const names = (await podsOf(app)).map(({ name }) => name)
      await harness.server.client.waitFor((await remove(app)).id)
      const removed = performance.now()

      const terminating = await podsOf(app)
      expect(
        terminating.map(({ name }) => name),
        "no replacement"
      ).toStrictEqual(names)
      expect(terminating.map((pod) => pod.deletionGracePeriodSeconds)).toStrictEqual(
        names.map(() => quietSeconds + graceSeconds)
      )
      expect(await open).toMatchObject({ status: 200 })
      await until(
        "no pod",
        () => podsOf(app),
        (pods) => pods.length === 0,
        120
      )
      const seconds = (performance.now() - removed) / 1000
      // Until then it had all of its grace period, and it doesn't stay for the 300 s of `timeout`.
      expect(seconds).toBeGreaterThan(quietSeconds + graceSeconds - 5)
      expect(seconds).toBeLessThan(90)
    }
  )
})
