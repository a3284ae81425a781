import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { operations } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { settings } from "../../base/settings/ServerConfig.ts"
import { serverAccount, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { manifests } from "./commands.ts"
import { pathOfManifest } from "./installKinds.ts"
import { serverManifests } from "./serverManifests.ts"

const image = "registry.example.com/maxcloud:1"
const made = (hasServiceMonitors = false) => serverManifests({ image, namespacePrefix: "", hasServiceMonitors })
const only = (kind: string) => made(true).find((object) => object.kind === kind) ?? expect.unreachable(kind)

const Probe = Schema.Struct({ httpGet: Schema.Struct({ path: Schema.String, port: Schema.Literal("http") }) })
const Env = Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))
const Pod = Schema.Struct({
  metadata: Schema.Struct({ labels: Schema.Unknown }),
  spec: Schema.Struct({
    serviceAccountName: Schema.String,
    securityContext: Schema.Struct({ runAsUser: Schema.Int }),
    containers: Schema.Tuple(
      Schema.Struct({
        env: Env,
        ports: Schema.Unknown,
        startupProbe: Probe,
        readinessProbe: Probe,
        livenessProbe: Probe
      })
    )
  })
})
const Deployment = Schema.Struct({
  replicas: Schema.Int,
  selector: Schema.Struct({ matchLabels: Schema.Record({ key: Schema.String, value: Schema.String }) }),
  template: Pod
})
const deployment = Schema.decodeUnknownSync(Deployment)(only("Deployment")["spec"])
const [container] = deployment.template.spec.containers
const valueOf = (name: string) => container.env.find((each) => each.name === name)?.value

describe("the manifest of the server", () => {
  it("sets only settings that exist, and reads no prefix as one", () => {
    const known = Object.values(settings).map((setting) => setting.name)
    expect(known).toEqual(expect.arrayContaining(container.env.map(({ name }) => name)))
    expect(valueOf("MAXCLOUD_NAMESPACE_PREFIX")).toBe("none")
    expect(valueOf("MAXCLOUD_SYSTEM_IMAGE")).toBe(image)
  })

  it("opens metrics only for Prometheus Operator", () => {
    expect(valueOf("MAXCLOUD_OPEN_METRICS")).toBe("1")
    expect(made(true).map(({ kind }) => kind)).toContain("ServiceMonitor")
    expect(JSON.stringify(made())).not.toMatch(/MAXCLOUD_OPEN_METRICS|ServiceMonitor/)
  })

  it("probes endpoints that exist, and keeps a server that can't do all of its work reachable", () => {
    const paths = [container.startupProbe, container.readinessProbe, container.livenessProbe].map(
      ({ httpGet }) => httpGet.path
    )
    expect(paths).toEqual(["/healthz", "/healthz", "/healthz"])
    const open = new Set([...operations.values()].filter(({ method }) => method === "GET").map(({ path }) => path))
    for (const path of paths) expect(open).toContain(path)
    expect(container.ports).toEqual([
      { name: "http", containerPort: Number(valueOf("MAXCLOUD_PORT")), protocol: "TCP" }
    ])
  })

  it("selects its own pods everywhere, and lets no organization's pods in", () => {
    const { matchLabels } = deployment.selector
    expect(deployment.template.metadata.labels).toMatchObject(matchLabels)
    expect(only("Service")["spec"]).toMatchObject({ selector: matchLabels })
    expect(only("PodDisruptionBudget")["spec"]).toMatchObject({ minAvailable: 1, selector: { matchLabels } })
    expect(only("NetworkPolicy")["spec"]).toMatchObject({
      podSelector: { matchLabels },
      ingress: [
        {
          from: [
            {
              namespaceSelector: {
                matchExpressions: [{ key: "app.kubernetes.io/managed-by", operator: "NotIn", values: ["maxcloud"] }]
              }
            }
          ]
        }
      ]
    })
  })

  it("runs two replicas as the image's user, with the account of `cluster install`", () => {
    const [, user] =
      /^USER (\d+)/m.exec(readFileSync(join(import.meta.dirname, "../../../../Containerfile"), "utf8")) ?? []
    expect(deployment.replicas).toBe(2)
    expect(deployment.template.spec.securityContext.runAsUser).toBe(Number(user))
    expect(deployment.template.spec.serviceAccountName).toBe(serverAccount)
  })

  it("has a path for each object, in the namespace of the platform", () => {
    expect(new Set(made(true).map(pathOfManifest)).size).toBe(made(true).length)
    for (const { metadata } of made(true)) expect(metadata.namespace).toBe(systemNamespace)
  })

  it("is in the printed installation only if it's asked for", () => {
    expect(manifests({ image, server: true })).toContain("args:\n            - server\n")
    expect(manifests({ image })).not.toContain("- server\n")
    expect(manifests({ image: undefined, server: true })).not.toContain("- server\n")
  })
})
