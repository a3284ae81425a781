import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"
import { Services } from "../../services/Services.ts"
import { Deployments } from "../Deployments.ts"

const external = { store: "vault", key: "{organization}/{app}/{stage}/{name}#value" }
const fake = await Effect.runPromise(makeFakeRuntime)
const { server } = runtimeTests(ownServer(fake.layer, { resyncMs: 60_000 }, layerAll, { externalSecrets: external }))

const env = { KEY: { secret: "KEY" } }
const secretObjects = () =>
  [...fake.objects.values()]
    .map((object) => object.manifest)
    .filter((object) => object.kind === "ExternalSecret" || object.kind === "Secret")

describe("deployments with secrets from a store", () => {
  it("are accepted without a value here, read it again each time, and name its source", () =>
    server.runPromise(
      Effect.gen(function* () {
        const org = yield* newOrganization
        const first = yield* deploy(org, [{ name: "web", env }, { name: "plain" }])
        expect(first.warnings.map((warning) => warning.detail).join()).toContain(
          `KEY from ${org.name}/shop/production/KEY#value`
        )
        expect((yield* finished(org, first)).status.state).toBe("succeeded")
        const [before] = secretObjects()
        expect(before).toMatchObject({
          kind: "ExternalSecret",
          spec: {
            data: [{ secretKey: "KEY", remoteRef: { key: `${org.name}/shop/production/KEY`, property: "value" } }]
          }
        })

        const deployments = yield* Deployments
        const spec = {
          app: shop,
          services: [
            { name: "web", image: "ready:1", env },
            { name: "plain", image: "ready:1" }
          ]
        }
        const plan = yield* deployments.plan({ organization: org, app: shop, stage: first.stage, spec })
        expect(plan.problems).toEqual([])
        expect(plan.changes).toEqual([
          {
            service: "web",
            action: "update",
            fields: [{ path: "env.KEY", before: '{"secret":"KEY","version":1}', after: '{"secret":"KEY","version":2}' }]
          },
          { service: "plain", action: "unchanged", fields: [] }
        ])

        const second = yield* deploy(org, [{ name: "web", env }, { name: "plain" }])
        expect((yield* finished(org, second)).status.state).toBe("succeeded")
        const after = secretObjects()
        expect(after).toHaveLength(1)
        expect(after[0]?.metadata.name).not.toBe(before?.metadata.name)

        // Rebuilt from the stored deployment, it is the same object.
        const services = yield* Services
        const web = (yield* listServices(org, {})).find((each) => each.name === "web")
        if (web === undefined) throw new Error("there is no service web")
        yield* services.pause(org, web.id)
        const stopped = Effect.sync(() => JSON.stringify([...fake.objects.values()]).includes("maxcloud.dev/paused"))
        yield* Effect.repeat(Effect.delay(stopped, 20), { until: (value) => value, times: 500 })
        expect(yield* stopped).toBe(true)
        expect(secretObjects()).toEqual(after)
      })
    ))
})
