import { describe, expect } from "@effect/vitest"
import { productionStage, SecretName } from "@maxcloud/config-schema"
import { Effect, Option, Redacted } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listEntries } from "../../../../test/wholeLists.ts"
import { Secrets } from "../../../stores/secrets/Secrets.ts"
import { Deployments } from "../Deployments.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(ownServer(fake.layer))

const key = SecretName.make("KEY")
const env = { KEY: { secret: "KEY", generate: 32 } }
const spec = { app: shop, services: [{ name: "web", image: "ready:1", env }] }
const stage = productionStage

describe("a secret that the server generates", () => {
  test(
    "is made by the first deployment, and stays as it is until somebody unsets it",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const secrets = yield* Secrets
      const deployments = yield* Deployments
      const scope = { organizationId: org.id, app: shop, stage }
      const valueOf = (version: number) =>
        Effect.map(secrets.reveal(scope, key, version), (value) => Redacted.value(Option.getOrThrow(value)))

      const plan = yield* deployments.plan({ organization: org, app: shop, stage, spec })
      expect(plan.problems).toEqual([])
      expect(plan.changes[0]?.fields).toContainEqual({
        path: "env.KEY",
        before: null,
        after: '{"generate":32,"secret":"KEY","version":null}'
      })
      expect(yield* secrets.list(scope)).toEqual([])

      const first = yield* deploy(org, [{ name: "web", env }])
      const value = yield* valueOf(1)
      expect(value).toMatch(/^[A-Za-z0-9]{32}$/)
      expect((yield* finished(org, first)).status.state).toBe("succeeded")
      expect(JSON.stringify(yield* finished(org, first))).not.toContain(value)
      const [entry] = (yield* listEntries(org.id, { limit: 10 })).filter(
        ({ action }) => action === "apps.generateSecret"
      )
      expect(entry?.subject).toBe("secret shop/production/KEY")

      const again = yield* deployments.plan({ organization: org, app: shop, stage, spec })
      expect(again.changes).toEqual([{ service: "web", action: "unchanged", fields: [] }])
      yield* deploy(org, [{ name: "web", image: "ready:2", env }])
      expect(yield* secrets.list(scope)).toMatchObject([{ name: "KEY", version: 1 }])

      yield* secrets.unset(scope, key)
      yield* deploy(org, [{ name: "web", env }])
      expect(yield* secrets.list(scope)).toMatchObject([{ name: "KEY", version: 2 }])
      expect(yield* valueOf(2)).not.toBe(value)
    })
  )

  test(
    "keeps a value that was set, is made once by deployments at the same time, and not by one that is refused",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const set = yield* newOrganization
      yield* secrets.set({ organizationId: set.id, app: shop, stage }, key, Redacted.make("own"))
      yield* deploy(set, [{ name: "web", env }])
      expect(yield* secrets.list({ organizationId: set.id, app: shop, stage })).toMatchObject([{ version: 1 }])

      const many = yield* newOrganization
      const images = Array.from({ length: 8 }, (_, index) => `ready:${index}`)
      yield* Effect.forEach(images, (image) => deploy(many, [{ name: "web", image, env }]), { concurrency: 8 })
      expect(yield* secrets.list({ organizationId: many.id, app: shop, stage })).toMatchObject([{ version: 1 }])

      const refused = yield* newOrganization
      yield* Effect.flip(deploy(refused, [{ name: "web", env: { ...env, OTHER: { secret: "OTHER" } } }]))
      expect(yield* secrets.list({ organizationId: refused.id, app: shop, stage })).toEqual([])
    })
  )

  test(
    "has one length",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const error = yield* Effect.flip(
        deploy(org, [{ name: "web", env: { A: { secret: "KEY", generate: 16 }, B: { secret: "KEY", generate: 64 } } }])
      )
      expect(error.message).toContain("is generated with 16 characters elsewhere, and here with 64. Use one length.")
      const short = yield* Effect.flip(deploy(org, [{ name: "web", env: { A: { secret: "KEY", generate: 8 } } }]))
      expect(short.message).toContain(
        "8 isn't a valid length of a generated secret. Use a whole number from 16 to 256."
      )
    })
  )
})
