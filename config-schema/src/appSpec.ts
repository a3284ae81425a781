import { Either, Schema } from "effect"
import { referencesOf } from "./env.ts"
import { AppName } from "./names.ts"
import { ServiceSpec } from "./service.ts"
import { type SpecIssue, specIssuesOf } from "./specIssues.ts"

/** The version of the AppSpec that this package reads and writes. */
export const apiVersion = "maxcloud.dev/v1"

const Fields = Schema.Struct({
  /** The version of this description. @default "maxcloud.dev/v1" */
  apiVersion: Schema.optionalWith(
    Schema.Literal(apiVersion).annotations({
      message: (_) => `unknown apiVersion ${JSON.stringify(_.actual)}: this version reads "${apiVersion}"`
    }),
    { default: () => apiVersion }
  ),
  /** Name of the app. */
  app: AppName,
  /** Its services, each with a name of its own. */
  services: Schema.Array(ServiceSpec)
})

const issuesBetweenServices = (spec: typeof Fields.Type): ReadonlyArray<SpecIssue> => {
  const issues: Array<SpecIssue> = []
  const first = new Map<string, number>()
  const internal = new Set(spec.services.filter((_) => _.visibility === "internal").map((_) => _.name))
  spec.services.forEach((service, index) => {
    const earlier = first.get(service.name)
    if (earlier === undefined) first.set(service.name, index)
    else
      issues.push({
        path: ["services", index, "name"],
        message: `"${service.name}" is named twice: services[${earlier}] has that name too, rename one of them`
      })
  })
  spec.services.forEach((service, index) => {
    const explain = (name: string) =>
      `"${service.name}" refers to "${name}", which is not among the app's services: add it to \`services\` or remove the link`
    service.links.forEach((name, at) => {
      if (!first.has(name)) issues.push({ path: ["services", index, "links", at], message: explain(name) })
    })
    for (const [key, value] of Object.entries(service.env)) {
      for (const reference of referencesOf(value)) {
        if (!("service" in reference)) continue
        const path = ["services", index, "env", key]
        if (!first.has(reference.service)) issues.push({ path, message: explain(reference.service) })
        else if (reference.property === "publicUrl" && internal.has(reference.service)) {
          issues.push({ path, message: `"${reference.service}" is internal and has no public URL: use its \`url\`` })
        }
      }
    }
  })
  return issues
}

/**
 * What a `maxcloud.config.ts` describes, as plain data: the same whether it comes from TypeScript, YAML or JSON.
 * Decoding fills defaults and turns quantities into numbers; encoding gives the short canonical form that is sent and stored.
 */
export const AppSpec = Fields.pipe(
  Schema.filter((spec) => issuesBetweenServices(spec).map((_) => ({ path: _.path, message: _.message })))
).annotations({ identifier: "AppSpec" })
export type AppSpec = typeof AppSpec.Type
export type AppSpecEncoded = typeof AppSpec.Encoded

const strict = { errors: "all", onExcessProperty: "error" } as const
const decode = Schema.decodeUnknownEither(AppSpec, strict)

/** Reads an AppSpec from anything; every mistake is told once, unknown keys too. */
export const parseAppSpec = (input: unknown): Either.Either<AppSpec, ReadonlyArray<SpecIssue>> =>
  Either.mapLeft(decode(input), specIssuesOf)

/** The short form that is sent and stored. */
export const encodeAppSpec: (spec: AppSpec) => AppSpecEncoded = Schema.encodeSync(AppSpec)
