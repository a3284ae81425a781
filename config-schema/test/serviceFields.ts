import * as fc from "fast-check"
import { fieldsOf } from "../src/field.ts"
import { type AppSpecEncoded, ServiceSpec } from "../src/index.ts"

type Written = AppSpecEncoded["services"][number]
/** All fields except the name, and the image or source. */
export type FieldName = Exclude<keyof Written, "name" | "image" | "source">

export const text = fc.oneof(
  fc.fullUnicodeString({ maxLength: 30 }).filter((text) => !text.includes("\0")),
  fc.constantFrom(
    "",
    "yes",
    "on",
    "~",
    "null",
    "0777",
    "1_000",
    "12:30:45",
    "1e3",
    "0x10",
    "$(HOME)",
    "$$",
    "a\nb\n",
    " x ",
    "# no",
    "- a",
    "{}",
    "é\t'\""
  )
)
const secret = fc.record({ secret: fc.constantFrom("DB", "TLS_KEY", "_t", "Z".repeat(128)) })
const key = fc.oneof(fc.stringMatching(/^[A-JL-OQ-Z][A-Za-z0-9_]{0,20}$/), fc.constantFrom("yes", "_", "A".repeat(300)))
const duration = (min: number, max: number) => fc.integer({ min, max }).map((generated) => `${generated}s`)
const octet = fc.integer({ min: 0, max: 255 })
const optional = { requiredKeys: [] }

const probe = fc.record(
  {
    path: fc.constantFrom("/", "/healthz", "/ready?full=1#x"),
    initialDelay: duration(0, 3600),
    period: duration(1, 3600),
    timeout: duration(1, 3600),
    failureThreshold: fc.integer({ min: 1, max: 100 })
  },
  optional
)

const scale = fc
  .record({
    min: fc.integer({ min: 0, max: 1000 }),
    max: fc.integer({ min: 1, max: 1000 }),
    concurrency: fc.integer({ min: 1, max: 1000 }),
    maxConcurrency: fc.integer({ min: 0, max: 1000 }),
    idle: duration(6, 3600)
  })
  .map((each) => ({
    ...each,
    min: Math.min(each.min, each.max),
    concurrency: each.maxConcurrency === 0 ? each.concurrency : Math.min(each.concurrency, each.maxConcurrency)
  }))

/** Patches with fields that need no other part of the app. */
const patches = fc
  .record(
    {
      Service: fc.record({
        spec: fc.record({
          template: fc.record(
            {
              metadata: fc.record({
                annotations: fc.dictionary(
                  fc.constantFrom("autoscaling.knative.dev/window", "autoscaling.knative.dev/metric", "example.com/a"),
                  fc.constantFrom("10s", "rps", ""),
                  { maxKeys: 3 }
                )
              }),
              spec: fc.record(
                {
                  nodeSelector: fc.dictionary(fc.constantFrom("disktype", "kubernetes.io/arch"), fc.constant("a")),
                  volumes: fc.constant([{ name: "cache", emptyDir: { sizeLimit: "64Mi" } }] as const),
                  containers: fc.tuple(
                    fc.record(
                      {
                        workingDir: fc.constantFrom("/srv", "/data/ü"),
                        resources: fc.constant({ limits: { "nvidia.com/gpu": "1" } }),
                        securityContext: fc.constant({ readOnlyRootFilesystem: true as const, runAsUser: 1000 })
                      },
                      optional
                    )
                  )
                },
                optional
              )
            },
            optional
          )
        })
      }),
      ServiceAccount: fc.constant({ metadata: { annotations: { "example.com/role": "reader" } } })
    },
    optional
  )
  .map(({ Service, ServiceAccount }) => [
    ...(Service === undefined ? [] : [{ patch: "Service" as const, fields: Service }]),
    ...(ServiceAccount === undefined ? [] : [{ patch: "ServiceAccount" as const, fields: ServiceAccount }])
  ])

interface Surroundings {
  readonly self: string
  readonly others: ReadonlyArray<string>
  readonly maxTimeoutSeconds?: number
}

/** Any written value of each field of a service. */
export const serviceFields = ({ maxTimeoutSeconds = 3600, others, self }: Surroundings) => {
  const address = fc.record({
    service: others.length === 0 ? fc.constant(self) : fc.constantFrom(...others),
    property:
      others.length === 0
        ? fc.constant("publicUrl" as const)
        : fc.constantFrom("url" as const, "host" as const, "publicUrl" as const)
  })
  const value = fc.oneof(text, secret, address)
  return {
    build: fc.oneof(
      fc.constant(false as const),
      fc.constantFrom("make site"),
      fc.record({ command: fc.constant("make"), output: fc.constant("dist/site") }, optional)
    ),
    command: fc.tuple(text, text),
    args: fc.array(text, { maxLength: 3 }),
    port: fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constant("auto" as const)),
    protocol: fc.constantFrom("http1", "h2c"),
    env: fc.dictionary(key, fc.oneof(value, fc.record({ join: fc.array(value, { maxLength: 5 }) })), { maxKeys: 6 }),
    files: fc.dictionary(fc.constantFrom("/etc/key.pem", "/run/s/a b", "/x", "/data/ü"), secret, { maxKeys: 3 }),
    cpu: fc.oneof(
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 10, max: 64_000 }).map((generated) => `${generated}m`)
    ),
    memory: fc.oneof(
      fc.integer({ min: 16, max: 4096 }).map((generated) => `${generated}Mi`),
      fc.integer({ min: 20_000_000, max: 10_000_000_000 })
    ),
    scale,
    timeout: duration(1, maxTimeoutSeconds),
    // At most the default `timeout`. A service with a shorter one of its own leaves it out (`withFittingDrain`).
    drain: duration(1, 300),
    grace: duration(1, 3600),
    probes: fc.record({ startup: probe, readiness: probe, liveness: probe }, optional),
    visibility: fc.constantFrom("public", "internal"),
    links: others.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...others), { maxLength: 3 }),
    egress: fc.oneof(
      fc.constantFrom("internet" as const, "none" as const),
      fc.array(
        fc
          .tuple(octet, octet, octet, octet, fc.integer({ min: 0, max: 32 }))
          .map(([a, b, c, d, length]) => `${a}.${b}.${c}.${d}/${length}`),
        { maxLength: 4 }
      )
    ),
    labels: fc.dictionary(
      fc.constantFrom("team", "app", "example.com/Owner", "yes"),
      fc.constantFrom("", "a", "true", "1", "Team-1.x_y"),
      { maxKeys: 3 }
    ),
    manifests: patches
  } satisfies { [Name in FieldName]: fc.Arbitrary<NonNullable<Written[Name]>> }
}

const secondsOf = (written: string | undefined) => (written === undefined ? undefined : Number.parseInt(written, 10))

/** Leaves out a `drain` that is longer than the service's `timeout`. */
export const withFittingDrain = <A extends { readonly timeout?: string; readonly drain?: string }>(service: A) => {
  const { drain, ...others } = service
  return (secondsOf(drain) ?? 0) > (secondsOf(service.timeout) ?? 300) ? others : service
}

const isFieldName = (name: string): name is FieldName => name !== "name" && name !== "image" && name !== "source"

export const fieldNames: ReadonlyArray<FieldName> = fieldsOf(ServiceSpec)
  .map((each) => each.name)
  .filter(isFieldName)

/** Pairs of services that differ in only one field, which the second has, filtered by `holds`. The app also has an `api`. */
export const pairsOf = (name: FieldName) => {
  const source = { path: ".", digest: `sha256:${"ab".repeat(32)}` }
  const program = name === "build" ? { source } : { image: "nginx:1.27" }
  const fields: Readonly<Record<FieldName, fc.Arbitrary<unknown>>> = serviceFields({ self: "web", others: ["api"] })
  const api = { name: "api", image: "nginx:1.27" }
  return fc.sample(fields[name], { numRuns: 40, seed: 1 }).map((value) => ({
    without: [{ name: "web", ...program }, api],
    with: [{ name: "web", ...program, [name]: value }, api]
  }))
}
