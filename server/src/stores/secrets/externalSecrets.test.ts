import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, parseAppSpec, productionStage, SecretName } from "@maxcloud/config-schema"
import { MaxCloud } from "@maxcloud/sdk/effect"
import { Effect, Either, Redacted } from "effect"
import { testApi, testOrganization } from "../../../test/api/testApi.ts"
import { storeWarnings, versionsFromStore } from "./externalSecrets.ts"

const external = { store: "vault", key: "{organization}/{app}/{stage}/{name}#value" }
const shop = AppName.make("shop")
const [a, b] = [SecretName.make("A"), SecretName.make("B")]

const spec = Either.getOrThrow(
  parseAppSpec({
    app: "shop",
    services: [
      { name: "api", image: "i:1", env: { X: { secret: "B" }, Y: { join: ["a", { secret: "A" }] } } },
      { name: "web", image: "i:1", env: { X: { secret: "A" } } }
    ]
  })
)
const without = Either.getOrThrow(parseAppSpec({ app: "shop", services: [{ name: "web", image: "i:1" }] }))

describe("secrets of a store", () => {
  it.scopedLive("can't be set through the API, which says where they are: 409", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({ platform: { externalSecrets: external } })
      const { secrets } = yield* Effect.provide(MaxCloud, MaxCloud.layer({ apiUrl: url }))
      const refused = [
        yield* Effect.flip(secrets.set(shop, a, Redacted.make("x"))),
        yield* Effect.flip(secrets.import(shop, [{ name: a, value: Redacted.make("x") }])),
        yield* Effect.flip(secrets.rollback(shop, a, 1))
      ]
      for (const error of refused) {
        expect(error._tag).toBe("Conflict")
        expect(error.message).toContain(`the store "vault"`)
        expect(error.message).toContain(`${testOrganization.name}/shop/production/A#value`)
      }
      // Secrets that the server stored before can be listed and deleted.
      expect(yield* secrets.list(shop)).toStrictEqual([])
    })
  )

  it("are named in the plan, each once", () => {
    const place = { organization: OrganizationName.make("acme"), app: spec.app, stage: productionStage }
    const [warning, ...more] = storeWarnings(external, place, spec)
    expect(warning?.message).toContain("A from acme/shop/production/A#value, B from acme/shop/production/B#value.")
    expect(more).toStrictEqual([])
    expect(storeWarnings(external, place, without)).toStrictEqual([])
  })

  it("have the number of the deployment that reads them", () => {
    expect([...versionsFromStore(spec, 7)]).toStrictEqual([
      [a, 7],
      [b, 7]
    ])
  })
})
