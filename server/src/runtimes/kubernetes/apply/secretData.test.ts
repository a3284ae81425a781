import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, parseAppSpec, productionStage } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { offlineTenant, synth } from "@maxcloud/synth"
import { Effect, Either, Option, Redacted } from "effect"
import { readingOnce, withSecretData } from "./secretData.ts"

const key = {
  organizationId: OrganizationId.make(`org_${"0".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: productionStage,
  namespace: "acme-shop"
}

describe("the values of an apply's Secrets", () => {
  it.effect("are read once each, however many services share them", () =>
    Effect.gen(function* () {
      const env = { TOKEN: { secret: "TOKEN" } }
      const spec = Either.getOrThrow(
        parseAppSpec({
          app: "shop",
          services: [
            { name: "api", image: "a", env },
            { name: "web", image: "a", env: { ...env, OTHER: { secret: "OTHER" } } }
          ]
        })
      )
      const manifests = synth(spec, offlineTenant(spec, { ...key, namespacePrefix: "" }))
      const read: Array<string> = []
      const unused = () => Effect.die("unused")
      const sources = readingOnce({
        secrets: {
          ...{ set: unused, list: unused, page: unused, unset: unused, importAll: unused },
          ...{ copy: unused, versions: unused, rollback: unused },
          reveal: (_, name, version) =>
            Effect.sync(() => {
              read.push(`${name} ${version}`)
              return Option.some(Redacted.make(`value of ${name}`))
            })
        }
      })
      const filled = yield* Effect.forEach(manifests, (manifest) => withSecretData(key, manifest, sources), {
        concurrency: 8
      })
      expect(read.sort()).toEqual(["OTHER 1", "TOKEN 1"])
      const token = Buffer.from("value of TOKEN").toString("base64")
      expect(JSON.stringify(filled).split(token)).toHaveLength(3)
    })
  )
})
