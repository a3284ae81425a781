import fc from "fast-check"
import type { AppSpecEncoded } from "../src/index.ts"

const word = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,8}$/).filter((_) => _ !== "xn")
const envName = fc.stringMatching(/^[A-JL-OQ-Z][A-Z0-9_]{0,12}$/)
const secret = fc.record({ secret: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/) })
const optional = { requiredKeys: [] }
const duration = fc.oneof(
  fc.integer({ min: 6, max: 3600 }).map((_) => `${_}s`),
  fc.integer({ min: 1, max: 60 }).map((_) => `${_}m`)
)
const probe = fc.record(
  {
    path: fc.constantFrom("/", "/healthz", "/ready?full=1"),
    initialDelay: duration,
    period: duration,
    timeout: duration,
    failureThreshold: fc.integer({ min: 1, max: 100 })
  },
  optional
)
const scale = fc
  .record({
    min: fc.integer({ min: 0, max: 1000 }),
    max: fc.integer({ min: 1, max: 1000 }),
    concurrency: fc.integer({ min: 1, max: 1000 }),
    idle: duration
  })
  .map(({ max, min, ...rest }) => ({ ...rest, min: Math.min(min, max), max: Math.max(min, max) }))

const service = (name: string, others: ReadonlyArray<string>) => {
  const address =
    others.length === 0
      ? secret
      : fc.record({ service: fc.constantFrom(...others), property: fc.constantFrom("url" as const, "host" as const) })
  const part = fc.oneof(fc.string(), secret, address)
  const value = fc.oneof(fc.string(), secret, address, fc.record({ join: fc.array(part, { maxLength: 4 }) }))
  const program = fc.oneof(
    fc.constantFrom("nginx:1.27", "docker.io/library/nginx", "ghcr.io/acme/app:v1").map((image) => ({ image })),
    fc.constantFrom("./api", "services/web").map((source) => ({ source }))
  )
  const rest = fc.record(
    {
      command: fc.tuple(fc.string(), fc.string()),
      args: fc.array(fc.string(), { maxLength: 3 }),
      port: fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constant("auto" as const)),
      protocol: fc.constantFrom("http1" as const, "h2c" as const),
      env: fc.dictionary(envName, value, { maxKeys: 4 }),
      files: fc.dictionary(fc.constantFrom("/etc/secrets/a.pem", "/run/b"), secret, { maxKeys: 2 }),
      cpu: fc.oneof(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 10, max: 64_000 }).map((_) => `${_}m`)
      ),
      memory: fc.integer({ min: 16, max: 4096 }).chain((_) => fc.constantFrom(`${_}Mi`, _ * 2 ** 20)),
      scale,
      timeout: duration,
      probes: fc.record({ startup: probe, readiness: probe, liveness: probe }, optional),
      visibility: fc.constantFrom("public" as const, "internal" as const),
      links: others.length === 0 ? fc.constant([]) : fc.uniqueArray(fc.constantFrom(...others), { maxLength: 3 }),
      egress: fc.oneof(
        fc.constantFrom("internet" as const, "none" as const),
        fc.array(fc.constantFrom("203.0.113.0/24"), { maxLength: 2 })
      ),
      labels: fc.dictionary(fc.constantFrom("team", "example.com/owner"), fc.constantFrom("", "a", "Team-1"))
    },
    optional
  )
  return fc.tuple(program, rest).map(([program, rest]) => ({ name, ...program, ...rest }))
}

/** Any AppSpec that can be deployed, as it is written. */
export const appSpec: fc.Arbitrary<AppSpecEncoded> = fc.uniqueArray(word, { maxLength: 5 }).chain((names) =>
  fc.record({
    app: word,
    services: fc.tuple(
      ...names.map((name) =>
        service(
          name,
          names.filter((_) => _ !== name)
        )
      )
    )
  })
)
