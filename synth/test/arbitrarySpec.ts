import { type AppSpec, OrganizationName, parseAppSpec, StageName, secretsOf } from "@maxcloud/config-schema"
import { Either } from "effect"
import * as fc from "fast-check"
import { maxServiceNameLength } from "../src/names.ts"
import { knativeProblems } from "../src/problems.ts"
import type { TenantContext } from "../src/tenant.ts"
import type { Example } from "./examples.ts"

const name = (max: number) =>
  fc
    .oneof(
      fc.constantFrom("a", "web", "default", "on", "y", "api-2", "null"),
      fc.stringMatching(/^[a-z](-?[a-z0-9]){0,60}$/)
    )
    .map((_) => _.slice(0, Math.max(1, max)).replace(/-$/, ""))
    .filter((_) => _ !== "xn")

const text = fc.oneof(
  fc.fullUnicodeString({ maxLength: 30 }).filter((_) => !_.includes("\0")),
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
const duration = (min: number, max: number) => fc.integer({ min, max }).map((_) => `${_}s`)
const optional = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const octet = fc.integer({ min: 0, max: 255 })

const probe = fc.record(
  {
    path: fc.constantFrom("/", "/healthz", "/ready?full=1#x"),
    initialDelay: duration(0, 3600),
    period: duration(1, 3600),
    timeout: duration(1, 3600),
    failureThreshold: fc.integer({ min: 1, max: 100 })
  },
  { requiredKeys: [] }
)

const scale = fc
  .record({
    min: fc.integer({ min: 0, max: 1000 }),
    max: fc.integer({ min: 1, max: 1000 }),
    concurrency: fc.integer({ min: 1, max: 1000 }),
    maxConcurrency: fc.integer({ min: 0, max: 1000 }),
    idle: duration(6, 3600)
  })
  .map((_) => ({
    ..._,
    min: Math.min(_.min, _.max),
    concurrency: _.maxConcurrency === 0 ? _.concurrency : Math.min(_.concurrency, _.maxConcurrency)
  }))

const program = fc.oneof(
  fc.record({
    image: fc.constantFrom(
      "nginx",
      "nginx:1.27",
      "ghcr.io/acme/app:v1",
      "localhost:5000/a/b_c",
      `reg.example.com/x/y:t@sha256:${"0".repeat(64)}`
    )
  }),
  fc.record({
    source: fc.oneof(
      fc.constant("./app"),
      fc.record({ path: fc.constant("."), digest: fc.stringMatching(/^sha256:[a-f0-9]{64}$/) }),
      fc.record({
        path: fc.constant("./packages/api"),
        digest: fc.stringMatching(/^sha256:[a-f0-9]{64}$/),
        package: fc.constantFrom("packages/api", "apps/a b/ü")
      }),
      fc.record({ path: fc.constant("."), directory: fc.constantFrom("/srv/app", "/home/ü s/a: b") })
    )
  })
)

const fieldsOf = (self: string, others: ReadonlyArray<string>, maxTimeoutSeconds: number) => {
  const address = fc.record({
    service: others.length === 0 ? fc.constant(self) : fc.constantFrom(...others),
    property: others.length === 0 ? fc.constant("publicUrl") : fc.constantFrom("url", "host", "publicUrl")
  })
  return fc.record(
    {
      command: fc.array(text, { minLength: 1, maxLength: 3 }),
      args: fc.array(text, { maxLength: 3 }),
      port: fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constant("auto" as const)),
      protocol: fc.constantFrom("http1", "h2c"),
      env: fc.dictionary(
        key,
        fc.oneof(
          text,
          secret,
          address,
          fc.record({ join: fc.array(fc.oneof(text, secret, address), { maxLength: 5 }) })
        ),
        { maxKeys: 6 }
      ),
      files: fc.dictionary(fc.constantFrom("/etc/key.pem", "/run/s/a b", "/x", "/data/ü"), secret, { maxKeys: 3 }),
      cpu: fc.oneof(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 10, max: 64_000 }).map((_) => `${_}m`)
      ),
      memory: fc.oneof(
        fc.integer({ min: 16, max: 4096 }).map((_) => `${_}Mi`),
        fc.integer({ min: 20_000_000, max: 10_000_000_000 })
      ),
      scale,
      timeout: duration(1, maxTimeoutSeconds),
      probes: fc.record({ startup: probe, readiness: probe, liveness: probe }, { requiredKeys: [] }),
      visibility: fc.constantFrom("public", "internal"),
      links: others.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...others), { maxLength: 3 }),
      egress: fc.oneof(
        fc.constantFrom("internet", "none"),
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
      )
    },
    { requiredKeys: [] }
  )
}

const specOf = (
  place: Pick<TenantContext, "organization" | "stage">,
  maxTimeoutSeconds: number
): fc.Arbitrary<AppSpec> =>
  fc
    .record({
      app: name(40),
      names: fc.uniqueArray(name(Math.min(57, maxServiceNameLength(place))), { minLength: 1, maxLength: 3 })
    })
    .chain(({ app, names }) =>
      fc
        .tuple(
          ...names.map((self) =>
            fc
              .tuple(
                program,
                fieldsOf(
                  self,
                  names.filter((_) => _ !== self),
                  maxTimeoutSeconds
                )
              )
              .map(([what, fields]) => ({ name: self, ...what, ...fields }))
          )
        )
        .map((services) => parseAppSpec({ app, services: withoutInternalPublicUrls(services) }))
    )
    .filter(Either.isRight)
    .map((_) => _.right)
    .filter((_) => knativeProblems(_).length === 0)

/** A public URL of an internal service is an error of the config: made public here, so that most of what is drawn is kept. */
const withoutInternalPublicUrls = <A extends object>(services: ReadonlyArray<A>) =>
  JSON.stringify(services).includes('"publicUrl"') ? services.map((_) => ({ ..._, visibility: "public" })) : services

const place = fc
  .record({
    organization: name(30),
    stage: fc.oneof(fc.constant("production"), name(22)),
    namespacePrefix: fc.constantFrom("", "mc-")
  })
  .map((_) => ({
    organization: OrganizationName.make(_.organization),
    stage: StageName.make(_.stage),
    namespacePrefix: _.namespacePrefix
  }))

/** Any valid app, with a tenant that has all its secrets. */
export const arbitraryExample = (options: { readonly maxTimeoutSeconds: number }): fc.Arbitrary<Example> =>
  place.chain((at) =>
    fc
      .record({
        spec: specOf(at, options.maxTimeoutSeconds),
        version: fc.integer({ min: 1, max: 1_000_000 }),
        scheme: fc.constantFrom("http" as const, "https" as const),
        port: optional(fc.integer({ min: 1, max: 65_535 })),
        podSecurity: fc.constantFrom("baseline" as const, "restricted" as const),
        nonRootImages: fc.subarray(["nginx", "ghcr.io/acme/app:v1"])
      })
      .map(({ nonRootImages, spec, version, ...tenant }) => ({
        spec,
        tenant: {
          ...at,
          ...tenant,
          domain: "example.com",
          secretVersions: new Map(spec.services.flatMap(secretsOf).map((_, index) => [_, version + index])),
          images: new Map(
            nonRootImages.map((image) => [image, { reference: image, nonRoot: true, port: undefined }] as const)
          ),
          runtimeClass: undefined,
          pausedServices: new Set(),
          pullSecret: false
        }
      }))
  )
