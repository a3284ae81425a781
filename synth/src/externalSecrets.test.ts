import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, parseAppSpec, SecretName, StageName } from "@maxcloud/config-schema"
import { Either } from "effect"
import { externalKeyOf } from "./externalSecrets.ts"
import { offlineTenant } from "./offlineTenant.ts"
import { synth } from "./synth.ts"
import type { TenantContext } from "./tenant.ts"

const external = { store: "vault", key: "{organization}/{app}/{stage}/{name}#value" }
const spec = Either.getOrThrow(
  parseAppSpec({
    app: "shop",
    services: [
      {
        name: "api",
        image: "registry.example.com/shop/api:1",
        env: { KEY: { secret: "KEY" }, URL: { join: ['a{{ .KEY }}"\n', { secret: "PASSWORD" }, "@db"] } },
        files: { "/run/key": { secret: "KEY" } }
      }
    ]
  })
)
const made = (rest: Partial<TenantContext> = {}) =>
  synth(spec, { ...offlineTenant(spec), externalSecrets: external, ...rest })
const ofKind = (kind: string, manifests = made()) => manifests.filter((manifest) => manifest.kind === kind)

describe("secrets of a store", () => {
  it("produce an ExternalSecret instead of a Secret, with the name that the service reads", () => {
    const [object] = ofKind("ExternalSecret")
    expect(ofKind("Secret")).toEqual([])
    expect(object?.["spec"]).toMatchObject({
      refreshPolicy: "CreatedOnce",
      secretStoreRef: { kind: "ClusterSecretStore", name: "vault" },
      target: { name: object?.metadata.name, creationPolicy: "Owner" },
      data: [
        { secretKey: "KEY", remoteRef: { key: "local/shop/production/KEY", property: "value" } },
        { secretKey: "PASSWORD", remoteRef: { key: "local/shop/production/PASSWORD", property: "value" } }
      ]
    })
    expect(JSON.stringify(ofKind("Service"))).toContain(
      `"secretKeyRef":{"key":"KEY","name":"${object?.metadata.name}"}`
    )
  })

  it("are joined by a template that treats the author's text as text", () => {
    expect(ofKind("ExternalSecret")[0]?.["spec"]).toMatchObject({
      target: {
        template: { data: { KEY: "{{ .KEY }}", "env.URL": '{{ "a{{ .KEY }}\\"\\n" }}{{ .PASSWORD }}@db' } }
      }
    })
  })

  it("are a different object for each deployment, store and key", () => {
    const versions = (number: number) => new Map(["KEY", "PASSWORD"].map((name) => [SecretName.make(name), number]))
    const names = [
      made(),
      made({ secretVersions: versions(2) }),
      made({ externalSecrets: { ...external, store: "other" } }),
      made({ externalSecrets: { ...external, key: "x/{organization}/{app}/{stage}/{name}" } }),
      made({ externalSecrets: undefined })
    ].map((each) => each.find(({ kind }) => kind === "ExternalSecret" || kind === "Secret")?.metadata.name)
    expect(new Set(names).size).toBe(names.length)
  })

  it("are read without a field if the template has none", () => {
    const place = {
      organization: OrganizationName.make("acme"),
      app: AppName.make("shop"),
      stage: StageName.make("dev")
    }
    const key = externalKeyOf({ store: "s", key: "{stage}:{organization}:{app}:{name}" }, place, SecretName.make("A"))
    expect(key).toEqual({ key: "dev:acme:shop:A" })
  })
})
