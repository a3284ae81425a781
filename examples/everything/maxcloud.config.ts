// Uses every field of a config. A test fails if one is missing, so you find an example of each here.
import {
  defineConfig,
  defineStages,
  external,
  maxMemory,
  noLatest,
  object,
  patch,
  policy,
  secret,
  service,
  text,
  warn
} from "@maxcloud/sdk/config"
import { boolean, envOf, number, oneOf, optional, secret as secretOf, string, url } from "@maxcloud/sdk/env"

const settings = defineStages({
  production: { min: 1, mode: "safe" },
  "*": { min: 0, mode: "fast" }
} as const)

/** The variables of `web`. Its program can import this too, and read them with types. */
export const contract = envOf({
  DATABASE_URL: secretOf(),
  SESSION_KEY: secretOf({ generate: 32 }),
  MODE: oneOf("fast", "safe"),
  RATE: number({ default: 5, min: 1 }),
  DEBUG: boolean({ default: false }),
  GREETING: string(),
  GRPC_HOST: string(),
  BILLING_URL: url(),
  TRACES: optional(url())
})

/** Two probes with the same patience. */
const patient = { initialDelay: "1s", period: "5s", timeout: "2s", failureThreshold: 10 } as const

const fewServices = policy("few-services", ({ services }) => services.length > 5 && "Split the app.")

export default defineConfig(({ git, organization, runtime, stage }) => {
  const { min, mode } = settings(stage)
  // A cluster builds nothing, so services run from images there. Locally they run from their sources.
  const onCluster = runtime === "kubernetes"
  const program = (folder: string) =>
    onCluster
      ? { image: `registry.example.com/everything/${folder}:1` }
      : { source: `./${folder}`, build: { command: "mkdir -p dist && cp server.js package.json dist", output: "dist" } }

  const grpc = service("grpc", { ...program("grpc"), protocol: "h2c", visibility: "internal", egress: "none" })
  const worker = service("worker", {
    ...program("web"),
    visibility: "internal",
    // You can write values in the map, without a contract.
    env: {
      LIMIT: 0.5,
      VERBOSE: true,
      PASSWORD: secret("PASSWORD"),
      DSN: text`postgres://worker:${secret("PASSWORD")}@db.example.com/${stage}`,
      GRPC_URL: grpc.url,
      BILLING_HOST: external("billing", "api", { stage }).host
    }
  })
  const web = service("web", {
    ...program("web"),
    command: ["node", "server.js"],
    args: ["--organization", organization],
    port: 3000,
    env: contract.with({
      MODE: mode,
      GREETING: git?.branch ?? "no branch",
      GRPC_HOST: grpc.host,
      BILLING_URL: external("billing", "api").url
    }),
    // Locally only containers can have files. These services run as processes, so `plan` warns.
    files: { "/run/secrets/database": secret("DATABASE_URL") },
    cpu: 0.5,
    memory: "256Mi",
    scale: { min, max: 3, concurrency: 20, maxConcurrency: 50, idle: "30s" },
    timeout: "30s",
    drain: "20s",
    grace: "10s",
    probes: {
      startup: { path: "/healthz", ...patient },
      readiness: { path: "/healthz", period: "5s" },
      liveness: { path: "/healthz", ...patient }
    },
    visibility: "public",
    links: [stage === "production" && worker],
    egress: ["1.1.1.0/24"],
    labels: { team: "shop" },
    // Fields of Kubernetes that max-cloud lacks, if the server's operator allows them.
    manifests: [
      onCluster &&
        patch("Service", {
          spec: { template: { metadata: { annotations: { "autoscaling.knative.dev/scale-down-delay": "1m" } } } }
        })
    ]
  })

  return {
    apiVersion: "maxcloud.dev/v1",
    app: "everything",
    services: [grpc, web, stage === "production" && worker],
    exports: { web: { to: ["billing"] } },
    outputs: { url: web.publicUrl, health: text`${web.publicUrl}/healthz`, stage },
    policies: [noLatest, maxMemory("1Gi"), warn(fewServices)],
    manifests: [
      onCluster &&
        object({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "settings" },
          data: { mode }
        })
    ],
    // A cdk8s chart; only this method is needed here. `maxcloud synth` prints its objects, and no server gets them.
    charts: [() => ({ toJson: () => [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "monitoring" } }] })]
  }
})
