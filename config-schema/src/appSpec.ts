import { Either, Option, Schema } from "effect"
import { bounds, listUpTo } from "./bounds.ts"
import { referencesOf } from "./env.ts"
import { Exports, Outputs, type OutputValue } from "./exports.ts"
import { optional, required, withDefault } from "./field.ts"
import { objectIssues } from "./manifestIssues.ts"
import { Objects } from "./manifestObjects.ts"
import { AppName } from "./names.ts"
import { withPortOfEnv } from "./portOfEnv.ts"
import { ServiceSpec, secretReferencesOf } from "./service.ts"
import { serviceShapeIssue, shapeIssue } from "./shape.ts"
import { maxSpecIssues, type SpecIssue, specIssuesOf } from "./specIssues.ts"

/** The version of the AppSpec that this package supports. */
export const apiVersion = "maxcloud.dev/v1"

const shown = (value: unknown) => (JSON.stringify(value) ?? "nothing").slice(0, 60)

const Fields = Schema.Struct({
  apiVersion: withDefault(
    Schema.Literal(apiVersion).annotations({
      message: (each) =>
        `Unknown apiVersion ${shown(each.actual)}. This version of max-cloud reads "${apiVersion}": update it if the config is newer, or run \`maxcloud config migrate\` if it is older.`
    }),
    apiVersion,
    "The version of the config format."
  ),
  app: required(AppName, "Name of the app."),
  services: required(
    listUpTo(ServiceSpec, bounds.services, "The list of services"),
    "Its services, with unique names.",
    { type: "ReadonlyArray<Service | LeftOut>" }
  ),
  exports: withDefault(
    Exports,
    {},
    "Services that other apps of the organization may call, with the apps that may call them.",
    {
      default: "none"
    }
  ),
  outputs: withDefault(
    Outputs,
    {},
    "Values that the app publishes after a deploy, such as its URL, by name. Texts and `publicUrl` of its services, never a secret.",
    { default: "none" }
  ),
  manifests: optional(
    Objects,
    "Additional Kubernetes objects, besides those of its services. Only kinds that the server's operator allows, and only on Kubernetes.",
    { default: "none", type: "ReadonlyArray<ObjectInput | LeftOut>" }
  )
})

const addressesIn = (value: OutputValue) => {
  const parts = typeof value === "string" ? [] : "join" in value ? value.join : [value]
  return parts.flatMap((part) => (typeof part !== "string" && "service" in part ? [part] : []))
}

/** Mistakes in `exports` and `outputs`: missing services, and addresses that nobody outside can use. */
const issuesOfApp = ({ app, exports, outputs, services }: typeof Fields.Type): ReadonlyArray<SpecIssue> => {
  const byName = new Map(services.map((service) => [service.name, service]))
  const notThere = (name: string) =>
    `"${name}" isn't a service of this app. Correct the name, or add the service to \`services\`.`
  const ofExports = Object.entries(exports).flatMap(([name, { to }]): ReadonlyArray<SpecIssue> => {
    const own = to.indexOf(app)
    return [
      ...(services.some((service) => service.name === name)
        ? []
        : [{ path: ["exports", name], message: notThere(name) }]),
      ...(own === -1
        ? []
        : [
            {
              path: ["exports", name, "to", own],
              message: "An app's own services don't need an export to call each other. Remove it."
            }
          ])
    ]
  })
  const ofOutputs = Object.entries(outputs).flatMap(([name, value]) =>
    addressesIn(value).flatMap(({ property, service }): ReadonlyArray<SpecIssue> => {
      const path = ["outputs", name]
      const found = byName.get(service)
      if (found === undefined) return [{ path, message: notThere(service) }]
      if (property !== "publicUrl") {
        return [{ path, message: `\`${property}\` of "${service}" works only inside the app. Use its \`publicUrl\`.` }]
      }
      return found.visibility === "internal"
        ? [
            {
              path,
              message: `"${service}" is internal and has no public URL. Remove the output, or make the service public.`
            }
          ]
        : []
    })
  )
  return [...ofExports, ...ofOutputs]
}

const issuesBetweenServices = (spec: typeof Fields.Type): ReadonlyArray<SpecIssue> => {
  const issues: Array<SpecIssue> = []
  const first = new Map<string, number>()
  const internal = new Set(
    spec.services.filter((service) => service.visibility === "internal").map((service) => service.name)
  )
  spec.services.forEach((service, index) => {
    const earlier = first.get(service.name)
    if (earlier === undefined) first.set(service.name, index)
    else
      issues.push({
        path: ["services", index, "name"],
        message: `Two services have the name "${service.name}": services[${earlier}] and services[${index}]. Rename one of them.`
      })
  })
  spec.services.forEach((service, index) => {
    const explain = (name: string) =>
      `"${service.name}" refers to "${name}", which isn't a service of this app. Add it to \`services\`, or remove the link.`
    service.links.forEach((name, at) => {
      if (!first.has(name)) issues.push({ path: ["services", index, "links", at], message: explain(name) })
    })
    for (const [key, value] of Object.entries(service.env)) {
      for (const reference of referencesOf(value)) {
        const path = ["services", index, "env", key]
        if ("external" in reference && reference.external.startsWith(`${spec.app}/`)) {
          issues.push({
            path,
            message: `"${reference.external}" belongs to this app. Use the service's own \`${reference.property}\`.`
          })
        }
        if (!("service" in reference)) continue
        if (!first.has(reference.service)) issues.push({ path, message: explain(reference.service) })
        else if (reference.property === "publicUrl" && internal.has(reference.service)) {
          issues.push({ path, message: `"${reference.service}" is internal and has no public URL. Use its \`url\`.` })
        }
      }
    }
  })
  return [...issues, ...lengthIssues(spec), ...issuesOfApp(spec), ...objectIssues(spec)]
}

/** A secret has one value, so it needs one length. */
const lengthIssues = (spec: typeof Fields.Type): ReadonlyArray<SpecIssue> => {
  const lengths = new Map<string, number>()
  return spec.services.flatMap((service, index) =>
    secretReferencesOf(service).flatMap(({ path, reference: { generate, secret } }) => {
      if (generate === undefined) return []
      const earlier = lengths.get(secret) ?? generate
      lengths.set(secret, earlier)
      const message = `The secret "${secret}" is generated with ${generate} characters here, but with ${earlier} elsewhere. Use the same length.`
      return earlier === generate ? [] : [{ path: ["services", index, ...path], message }]
    })
  )
}

/**
 * An app as plain data, as a `maxcloud.config.ts` describes it. TypeScript, YAML and JSON produce the same form.
 * Decoding fills in defaults and converts quantities to numbers; encoding produces the short canonical form for sending and storing.
 */
export const AppSpec = Fields.pipe(
  Schema.filter((spec) =>
    issuesBetweenServices(spec).map((issuesBetweenService) => ({
      path: issuesBetweenService.path,
      message: issuesBetweenService.message
    }))
  )
).annotations({ identifier: "AppSpec" })
export type AppSpec = typeof AppSpec.Type
export type AppSpecEncoded = typeof AppSpec.Encoded

const strict = { errors: "all", onExcessProperty: "error" } as const
const decodeHead = Schema.decodeUnknownEither(
  Schema.Struct({ ...Fields.fields, services: listUpTo(Schema.Unknown, bounds.services, "The list of services") }),
  strict
)
const decodeService = Schema.decodeUnknownEither(ServiceSpec, strict)
const encodeService = Schema.encodeSync(ServiceSpec)
const encodeRest = Schema.encodeSync(Fields.pick("exports", "outputs", "manifests"))

const parseService = (written: unknown): Either.Either<ServiceSpec, ReadonlyArray<SpecIssue>> => {
  const { issues, service } = withPortOfEnv(written)
  const parsed = Either.mapLeft(decodeService(service), specIssuesOf)
  return issues.length === 0 ? parsed : Either.left([...issues, ...Option.getOrElse(Either.getLeft(parsed), () => [])])
}

/** Work that pauses between its parts, so that the caller can yield to other work. */
export type Turns<A> = Generator<undefined, A, undefined>

/** Runs all the parts at once. */
export const atOnce = <A>(turns: Turns<A>): A => {
  for (;;) {
    const step = turns.next()
    if (step.done === true) return step.value
  }
}

const tooMany: SpecIssue = {
  path: [],
  message: `These are the first ${maxSpecIssues} mistakes. Fix them to see the others.`
}

/** `parseAppSpec`, service by service. */
export function* parseAppSpecInTurns(input: unknown): Turns<Either.Either<AppSpec, ReadonlyArray<SpecIssue>>> {
  const tooLarge = shapeIssue(input)
  if (tooLarge !== undefined) return Either.left([tooLarge])
  const head = Either.mapLeft(decodeHead(input), specIssuesOf)
  const written = Either.match(head, { onLeft: () => servicesOf(input), onRight: (each) => each.services })
  const issues: Array<SpecIssue> = Either.isLeft(head) ? [...head.left] : []
  const services: Array<ServiceSpec> = []
  for (const [index, service] of written.entries()) {
    yield
    const large = serviceShapeIssue(service, index)
    const parsed = large === undefined ? parseService(service) : Either.left([large])
    if (Either.isRight(parsed)) services.push(parsed.right)
    else if (large !== undefined) issues.push(large)
    else issues.push(...parsed.left.map((issue) => ({ ...issue, path: ["services", index, ...issue.path] })))
    if (issues.length >= maxSpecIssues) return Either.left([...issues.slice(0, maxSpecIssues), tooMany])
  }
  yield
  if (Either.isLeft(head) || issues.length > 0) return Either.left(issues)
  const spec = { ...head.right, services }
  const between = issuesBetweenServices(spec)
  return between.length === 0 ? Either.right(spec) : Either.left(between.slice(0, maxSpecIssues))
}

/** The services of an app that can't be parsed. */
const servicesOf = (input: unknown): ReadonlyArray<unknown> => {
  const services = typeof input === "object" && input !== null && "services" in input ? input.services : undefined
  return Array.isArray(services) && services.length <= bounds.services ? services : []
}

/** Parses an AppSpec from any value. Reports every mistake once, including unknown keys, up to 100. */
export const parseAppSpec = (input: unknown): Either.Either<AppSpec, ReadonlyArray<SpecIssue>> =>
  atOnce(parseAppSpecInTurns(input))

/** `encodeAppSpec`, service by service. */
export function* encodeAppSpecInTurns(spec: AppSpec): Turns<AppSpecEncoded> {
  const services: Array<AppSpecEncoded["services"][number]> = []
  for (const service of spec.services) {
    yield
    services.push(encodeService(service))
  }
  const { exports, manifests = [], outputs } = encodeRest(spec)
  return {
    apiVersion: spec.apiVersion,
    app: spec.app,
    services,
    ...(Object.keys(spec.exports).length === 0 ? {} : { exports }),
    ...(Object.keys(spec.outputs).length === 0 ? {} : { outputs }),
    ...(manifests.length === 0 ? {} : { manifests })
  }
}

/** Encodes to the short form for sending and storing. */
export const encodeAppSpec = (spec: AppSpec): AppSpecEncoded => atOnce(encodeAppSpecInTurns(spec))
