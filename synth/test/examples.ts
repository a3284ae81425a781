import {
  type AppSpec,
  OrganizationName,
  parseAppSpec,
  type SpecIssue,
  StageName,
  secretsOf
} from "@maxcloud/config-schema"
import { Either } from "effect"
import { offlineTenant } from "../src/offlineTenant.ts"
import type { TenantContext } from "../src/tenant.ts"

export interface Example {
  readonly spec: AppSpec
  readonly tenant: TenantContext
}

export const specOf = (input: unknown): AppSpec =>
  Either.getOrThrowWith(
    parseAppSpec(input),
    (issues: ReadonlyArray<SpecIssue>) =>
      new Error(issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"))
  )

const platform = (spec: AppSpec, stage: string): TenantContext => ({
  organization: OrganizationName.make("acme"),
  app: spec.app,
  stage: StageName.make(stage),
  namespacePrefix: "mc-",
  domain: "example.com",
  scheme: "https",
  port: undefined,
  secretVersions: new Map(spec.services.flatMap(secretsOf).map((value, index) => [value, index + 1])),
  podSecurity: "baseline",
  images: new Map([
    [
      "ghcr.io/acme/api:1.4.2",
      { reference: `ghcr.io/acme/api@sha256:${"1c".repeat(32)}`, nonRoot: true, port: undefined }
    ]
  ]),
  runtimeClass: undefined,
  pausedServices: new Set(),
  pullSecret: false
})

const hello = specOf({ app: "hello", services: [{ name: "hello", image: "nginx:latest", port: 80 }] })

const shop = specOf({
  app: "shop",
  services: [
    {
      name: "web",
      image: "docker.io/library/nginx:1.27",
      port: 80,
      env: {
        API_URL: { service: "api", property: "url" },
        API_HOST: { service: "api", property: "host" },
        BANNER: "costs $$5, $(not a variable)",
        SELF: { join: ["see ", { service: "web", property: "publicUrl" }, "/about"] }
      },
      labels: { team: "storefront" }
    },
    {
      name: "api",
      image: "ghcr.io/acme/api:1.4.2",
      command: ["/bin/api"],
      args: ["--log", "json"],
      env: {
        DATABASE_URL: {
          join: [
            "postgres://app:",
            { secret: "DB_PASSWORD" },
            "@db.example.com/shop?from=",
            { service: "web", property: "publicUrl" }
          ]
        },
        STRIPE_KEY: { secret: "STRIPE_KEY" }
      },
      files: { "/etc/tls/key.pem": { secret: "TLS_KEY" }, "/run/stripe": { secret: "STRIPE_KEY" } },
      cpu: 0.5,
      memory: "256Mi",
      scale: { min: 1, max: 5, concurrency: 20, maxConcurrency: 25, idle: "2m" },
      timeout: "10m"
    }
  ]
})

const grpc = specOf({
  app: "ledger",
  services: [
    {
      name: "ledger",
      image: `registry.example.com/ledger@sha256:${"4f".repeat(32)}`,
      port: 50051,
      protocol: "h2c",
      visibility: "internal",
      probes: {
        startup: { period: "2s", failureThreshold: 30 },
        readiness: { initialDelay: "1s", period: "5s" },
        liveness: { path: "/healthz", timeout: "3s" }
      },
      egress: ["10.20.30.40/16", "203.0.113.7/32"],
      cpu: 2,
      memory: "1.5Gi"
    },
    { name: "front", image: "ghcr.io/acme/front:2", links: ["ledger"], egress: "none" }
  ]
})

const source = specOf({
  app: "notes",
  services: [
    { name: "built", source: { path: "./built", digest: `sha256:${"ab".repeat(32)}` } },
    {
      name: "in-place",
      source: { path: "./in-place", directory: "/home/dev/notes/in-place" },
      command: ["node", "main.ts"]
    },
    { name: "unbuilt", source: "./unbuilt" }
  ]
})

/** One golden file each. */
export const examples: Readonly<Record<string, Example>> = {
  hello: { spec: hello, tenant: offlineTenant(hello) },
  shop: { spec: shop, tenant: { ...platform(shop, "production"), pullSecret: true } },
  ledger: {
    spec: grpc,
    tenant: {
      ...platform(grpc, "preview-42"),
      podSecurity: "restricted",
      closedRanges: ["10.20.96.0/20", "10.240.0.0/16"],
      privateRanges: ["10.20.0.0/16"]
    }
  },
  notes: { spec: source, tenant: offlineTenant(source, { stage: StageName.make("dev") }) }
}
