import { describe, expect, it } from "@effect/vitest"
import { examples, specOf } from "../test/examples.ts"
import { synth } from "./synth.ts"
import { synthNamespace } from "./synthNamespace.ts"
import type { ResolvedImage, TenantContext } from "./tenant.ts"

const spec = (port: number | "auto") => specOf({ app: "hello", services: [{ name: "hello", image: "nginx:1", port }] })
const { tenant } = examples["hello"] ?? {}
if (tenant === undefined) throw new Error("the example is gone")

const pinned = `docker.io/library/nginx@sha256:${"ab".repeat(32)}`
const withImage = (resolved: Partial<ResolvedImage>): TenantContext => ({
  ...tenant,
  images: new Map([["nginx:1", { reference: pinned, nonRoot: false, port: undefined, ...resolved }]])
})
const service = (port: number | "auto", tenant: TenantContext) =>
  JSON.stringify(synth(spec(port), tenant).find((object) => object.kind === "Service"))

describe("a registry's answer for an image", () => {
  it("provides the name in manifests", () => {
    expect(service(80, withImage({}))).toContain(`"image":"${pinned}"`)
    expect(service(80, tenant)).toContain(`"image":"nginx:1"`)
  })

  it("provides the port if the spec leaves it to the image", () => {
    expect(service("auto", withImage({ port: 3000 }))).toContain(`"containerPort":3000`)
    expect(service("auto", withImage({}))).toContain(`"containerPort":8080`)
    expect(service(80, withImage({ port: 3000 }))).toContain(`"containerPort":80`)
  })

  it("is checked with its registry at every start if it needs credentials, because all tenants share a node's store", () => {
    expect(service(80, withImage({ needsCredentials: true }))).toContain(`"imagePullPolicy":"Always"`)
    expect(service(80, withImage({}))).not.toContain("imagePullPolicy")
  })

  it("restricts the context of an image that doesn't run as root", () => {
    expect(service(80, withImage({ nonRoot: true }))).toContain(`"runAsNonRoot":true`)
    expect(service(80, withImage({}))).not.toContain("runAsNonRoot")
  })
})

describe("credentials for registries", () => {
  const manifests = (pullSecret: boolean) => [
    ...synthNamespace({ ...tenant, pullSecret }),
    ...synth(spec(80), { ...tenant, pullSecret })
  ]

  it("become a Secret without data that the services' accounts reference, and don't create a revision", () => {
    expect(manifests(true).find((manifest) => manifest.kind === "Secret")).toMatchObject({
      type: "kubernetes.io/dockerconfigjson",
      metadata: { name: "maxcloud--registry", annotations: { "maxcloud.dev/registry-credentials": "true" } }
    })
    expect(manifests(true).find((manifest) => manifest.kind === "Secret")).not.toHaveProperty("data")
    expect(manifests(true).find((manifest) => manifest.kind === "ServiceAccount")).toHaveProperty("imagePullSecrets", [
      { name: "maxcloud--registry" }
    ])
    const services = [true, false].map((value) => manifests(value).filter((manifest) => manifest.kind === "Service"))
    expect(services[0]).toEqual(services[1])
  })

  it("appear nowhere if an organization has none", () => {
    expect(JSON.stringify(manifests(false))).not.toContain("maxcloud--registry")
  })
})
