import fc from "fast-check"
import type { AppSpecEncoded } from "../src/index.ts"
import { serviceFields, withFittingDrain } from "./serviceFields.ts"

const word = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,8}$/).filter((generated) => generated !== "xn")

const service = (name: string, others: ReadonlyArray<string>) => {
  const { build, ...fields } = serviceFields({ self: name, others })
  const program = fc.oneof(
    fc.constantFrom("nginx:1.27", "docker.io/library/nginx", "ghcr.io/acme/app:v1").map((image) => ({ image })),
    fc.constantFrom("./api", "services/web").map((source) => ({ source })),
    build.map((build) => ({ source: "./api", build }))
  )
  // A public URL of an internal service is a mistake.
  const rest = fc.record({ ...fields, visibility: fc.constant("public" as const) }, { requiredKeys: [] })
  return fc.tuple(program, rest).map(([program, rest]) => ({ name, ...program, ...withFittingDrain(rest) }))
}

/** A map with some of the services as keys. */
const ofServices = <A>(names: ReadonlyArray<string>, value: (name: string) => fc.Arbitrary<A>) =>
  fc.subarray([...names]).chain((some) => fc.record(Object.fromEntries(some.map((name) => [name, value(name)]))))

const output = (service: string) => {
  const url = { service, property: "publicUrl" as const }
  return fc.oneof(fc.string({ maxLength: 9 }), fc.constant(url), fc.constant({ join: [url, "/x"] }))
}

/** Any deployable AppSpec, in written form. */
export const appSpec: fc.Arbitrary<AppSpecEncoded> = fc.uniqueArray(word, { maxLength: 5 }).chain((names) =>
  fc.record(
    {
      app: word,
      services: fc.tuple(
        ...names.map((name) =>
          service(
            name,
            names.filter((value) => value !== name)
          )
        )
      ),
      exports: ofServices(names, () =>
        fc.record({ to: fc.array(fc.constantFrom("other-app", "third-app"), { maxLength: 2 }) })
      ),
      outputs: ofServices(names, (name) => output(name))
    },
    { requiredKeys: ["app", "services"] }
  )
)
