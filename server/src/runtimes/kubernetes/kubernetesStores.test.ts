import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Stream } from "effect"
import { LogHistory, layerFolder } from "../../stores/logs/LogHistory.ts"
import { timeOf } from "../../stores/logs/LogLine.ts"
import { KubeApi, KubeError, type KubeRequest } from "../kubeApi/KubeApi.ts"
import { RuntimeStores } from "../port/RuntimeStores.ts"
import { layer } from "./kubernetesStores.ts"

const own = OrganizationId.make(`org_${"a".repeat(32)}`)
const other = OrganizationId.make(`org_${"b".repeat(32)}`)

const notFound = new KubeError({
  reason: "notFound",
  status: 404,
  statusReason: "NotFound",
  message: "gone",
  causes: []
})

/** An API server with these namespaces, which disappear some reads after they are deleted. */
const cluster = (namespaces: Map<string, string>, asked: Array<KubeRequest>) => {
  const leaving = new Map<string, number>()
  return Layer.mock(KubeApi, {
    awaySince: () => 0,
    server: "https://cluster.test",
    request: (request) =>
      Effect.suspend(() => {
        asked.push(request)
        const name = request.path.split("/").at(-1) ?? ""
        if (request.method === "DELETE") {
          if (!namespaces.has(name)) return Effect.fail(notFound)
          leaving.set(name, 2)
          return Effect.succeed({})
        }
        for (const [left, looks] of leaving) {
          if (looks === 0) namespaces.delete(left)
          leaving.set(left, looks - 1)
        }
        const items = [...namespaces].filter(([, id]) => request.query?.["labelSelector"]?.endsWith(`=${id}`))
        return Effect.succeed({ items: items.map(([name]) => ({ metadata: { name, uid: `uid-${name}` } })) })
      })
  })
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "maxcloud-stores-"))),
  (found) => Effect.sync(() => rmSync(found, { recursive: true, force: true }))
)

describe("a cluster's data about an organization", () => {
  it.scopedLive("is deleted: only its namespaces, until they are gone, and its stored log lines", () =>
    Effect.gen(function* () {
      const namespaces = new Map([
        ["acme", own],
        ["test--acme", own],
        ["other", other]
      ])
      const asked: Array<KubeRequest> = []
      const directory = yield* folder
      const stores = layer.pipe(
        Layer.provide(cluster(namespaces, asked)),
        Layer.provideMerge(layerFolder({ directory }))
      )
      yield* Effect.gen(function* () {
        const history = yield* LogHistory
        const { linesOfGone, stores } = yield* RuntimeStores
        for (const organizationId of [own, other]) {
          for (const service of ["api", "web"]) {
            yield* history.write({ organizationId, namespace: "acme", service }, [
              { t: timeOf(0), n: 0, uid: "u", instance: "i", revision: "r", line: `${service} says`, truncated: false }
            ])
          }
        }
        const lines = yield* Stream.runCollect(linesOfGone(own, (_, service) => service === "web"))
        expect([...lines].map((line) => line.line)).toStrictEqual(["api says"])
        const counts = yield* Effect.forEach(stores, (store) => store.count(own))
        expect(counts).toStrictEqual([2, 2])
        for (const { erase } of stores) yield* erase(own)
        expect([...namespaces.keys()]).toStrictEqual(["other"])
        expect(yield* Effect.forEach(stores, (store) => store.count(own))).toStrictEqual([0, 0])
        expect(yield* history.count(other)).toBe(2)
        // Again: nothing is left, which isn't an error.
        for (const { erase } of stores) yield* erase(own)
        const deleted = asked.filter((each) => each.method === "DELETE")
        expect(deleted[0]?.body).toMatchObject({ preconditions: { uid: "uid-acme" } })
        expect(deleted).toHaveLength(2)
      }).pipe(Effect.provide(stores))
    })
  )
})
