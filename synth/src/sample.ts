import { AppName, OrganizationName, parseAppSpec, SecretName, ServiceName, StageName } from "@maxcloud/config-schema"
import { Either } from "effect"
import type { Manifest } from "./manifest.ts"
import { synth } from "./synth.ts"
import { synthNamespace } from "./synthNamespace.ts"
import type { TenantContext } from "./tenant.ts"

/** One service with every field set, and two with hardly any. A test checks that the first has all fields. */
export const sampleApp = {
  app: "sample",
  services: [
    {
      name: "web",
      image: "ghcr.io/acme/web:1",
      command: ["/web", "$HOME"],
      args: ["--port", "9000"],
      port: 9000,
      protocol: "h2c",
      env: {
        PLAIN: "text",
        SECRET: { secret: "TOKEN" },
        API: { service: "api", property: "url" },
        SITE: { service: "api", property: "publicUrl" },
        JOINED: { join: ["a-", { secret: "TOKEN" }, { service: "api", property: "host" }] }
      },
      files: { "/etc/sample/key.pem": { secret: "KEY" } },
      cpu: 0.25,
      memory: "256Mi",
      scale: { min: 1, max: 3, concurrency: 7, idle: "45s" },
      timeout: "90s",
      drain: "20s",
      grace: "40s",
      probes: {
        startup: { path: "/start", period: "2s" },
        readiness: { path: "/ready", timeout: "3s" },
        liveness: { path: "/live", failureThreshold: 4 }
      },
      visibility: "internal",
      links: ["worker"],
      egress: ["203.0.113.0/24", "10.0.0.0/8", "0.0.0.0/0"],
      labels: { team: "sample" },
      manifests: [
        {
          patch: "Service",
          fields: {
            spec: {
              template: {
                metadata: { annotations: { "autoscaling.knative.dev/metric": "rps" } },
                spec: {
                  nodeSelector: { disktype: "ssd" },
                  volumes: [{ name: "settings", configMap: { name: "settings" } }],
                  containers: [
                    {
                      securityContext: { readOnlyRootFilesystem: true },
                      volumeMounts: [{ name: "settings", mountPath: "/etc/settings" }]
                    }
                  ]
                }
              }
            }
          }
        }
      ]
    },
    { name: "api", image: "nginx:1.27", port: "auto" },
    { name: "worker", source: { path: "./worker", digest: `sha256:${"ab".repeat(32)}` }, egress: "none" }
  ],
  manifests: [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { "app.conf": "a = 1" } },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web" },
      spec: { minAvailable: 1, selector: { matchLabels: { "maxcloud.dev/service": "web" } } }
    }
  ]
} as const

const tenant: TenantContext = {
  organization: OrganizationName.make("sample"),
  app: AppName.make("sample"),
  stage: StageName.make("production"),
  namespacePrefix: "mc-",
  domain: "example.com",
  scheme: "https",
  port: undefined,
  secretVersions: new Map([
    [SecretName.make("TOKEN"), 2],
    [SecretName.make("KEY"), 3]
  ]),
  podSecurity: "baseline",
  images: new Map([["nginx:1.27", { reference: `nginx@sha256:${"cd".repeat(32)}`, nonRoot: true, port: 80 }]]),
  runtimeClass: undefined,
  pausedServices: new Set([ServiceName.make("api")]),
  restarts: new Map([[ServiceName.make("web"), "2026-01-01T00:00:00.000Z"]]),
  closedRanges: ["10.96.0.0/12"],
  privateRanges: ["10.0.0.0/8"],
  pullSecret: true
}

/** The tenants of the sample: one with the usual settings, and one with all others. */
const tenants: ReadonlyArray<TenantContext> = [
  tenant,
  {
    ...tenant,
    namespacePrefix: "",
    scheme: "http",
    port: 8080,
    podSecurity: "restricted",
    runtimeClass: "gvisor",
    closedRanges: [],
    privateRanges: [],
    pullSecret: false,
    manifestRules: "all",
    externalSecrets: { store: "vault", key: "{organization}/{app}/{stage}/{secret}" }
  }
]

/**
 * The output of this version of synth for a fixed sample. Versions with different output make different manifests of the same app, so it is part of
 * the cache key of manifests.
 */
export const sampleManifests = (): ReadonlyArray<Manifest> => {
  const spec = Either.getOrThrowWith(
    parseAppSpec(sampleApp),
    (issues) => new Error(`the sample can't be read: ${issues.map((issue) => issue.message).join("; ")}`)
  )
  return tenants.flatMap((tenant) => [...synthNamespace(tenant), ...synth(spec, tenant)])
}
