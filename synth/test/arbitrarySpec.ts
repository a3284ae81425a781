import { AppName, type AppSpec, OrganizationName, parseAppSpec, StageName, secretsOf } from "@maxcloud/config-schema"
import { Either } from "effect"
import * as fc from "fast-check"
import { serviceFields, withFittingDrain } from "../../config-schema/test/serviceFields.ts"
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
    .map((each) => each.slice(0, Math.max(1, max)).replace(/-$/, ""))
    .filter((value) => value !== "xn")

const digest = fc.stringMatching(/^sha256:[a-f0-9]{64}$/)
const optional = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

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
      fc.record({ path: fc.constant("."), digest }),
      fc.record({
        path: fc.constant("./packages/api"),
        digest,
        package: fc.constantFrom("packages/api", "apps/a b/ü")
      }),
      fc.record({ path: fc.constant("."), directory: fc.constantFrom("/srv/app", "/home/ü s/a: b") })
    )
  })
)

const fieldsOf = (self: string, others: ReadonlyArray<string>, maxTimeoutSeconds: number) => {
  const { build: _, ...fields } = serviceFields({ self, others, maxTimeoutSeconds })
  return fc.record(fields, { requiredKeys: [] }).map(withFittingDrain)
}

const specOf = (
  place: Pick<TenantContext, "organization" | "app" | "stage">,
  maxTimeoutSeconds: number
): fc.Arbitrary<AppSpec> =>
  fc
    .record({
      names: fc.uniqueArray(name(Math.min(57, maxServiceNameLength(place))), { minLength: 1, maxLength: 3 })
    })
    .chain(({ names }) =>
      fc
        .tuple(
          ...names.map((self) =>
            fc
              .tuple(
                program,
                fieldsOf(
                  self,
                  names.filter((name) => name !== self),
                  maxTimeoutSeconds
                )
              )
              .map(([what, fields]) => ({ name: self, ...what, ...fields }))
          )
        )
        .map((services) => parseAppSpec({ app: place.app, services: withoutInternalPublicUrls(services) }))
    )
    .filter(Either.isRight)
    .map((each) => each.right)
    .filter((value) => knativeProblems(value).length === 0)

/** A public URL of an internal service is a mistake, so make the service public, to keep most generated specs. */
const withoutInternalPublicUrls = <A extends object>(services: ReadonlyArray<A>) =>
  JSON.stringify(services).includes('"publicUrl"')
    ? services.map((service) => ({ ...service, visibility: "public" }))
    : services

const place = fc
  .record({
    organization: name(20),
    app: name(20),
    stage: fc.oneof(fc.constant("production"), name(12)),
    namespacePrefix: fc.constantFrom("", "mc-")
  })
  .map((each) => ({
    organization: OrganizationName.make(each.organization),
    app: AppName.make(each.app),
    stage: StageName.make(each.stage),
    namespacePrefix: each.namespacePrefix
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
          secretVersions: new Map(spec.services.flatMap(secretsOf).map((value, index) => [value, version + index])),
          images: new Map(
            nonRootImages.map((image) => [image, { reference: image, nonRoot: true, port: undefined }] as const)
          ),
          runtimeClass: undefined,
          pausedServices: new Set(),
          pullSecret: false
        }
      }))
  )
