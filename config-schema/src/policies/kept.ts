import { Either, JSONSchema, Schema } from "effect"
import { listUpTo, textUpTo } from "../bounds.ts"
import type { EnvValue } from "../env.ts"
import { ServiceName } from "../names.ts"
import { Cpu, Memory } from "../quantities.ts"
import { whole } from "../scale.ts"
import { type SpecIssue, specIssuesOf } from "../specIssues.ts"
import { bytesQuantity, cpuQuantity } from "../units.ts"
import type { PolicyApp, PolicyService } from "./PolicyApp.ts"
import { isNoSecret, keyIn, namesSecret } from "./plainSecrets.ts"

/** A policy's finding in a service. */
export interface Found {
  /** The position in `services`. */
  readonly service: number
  readonly field: ReadonlyArray<string | number>
  /** The problem and its fix. */
  readonly message: string
}

export type Check = (app: PolicyApp) => ReadonlyArray<Found>

/** A policy that ships with max-cloud. */
export interface Kept {
  /** Shown by editors and the reference. `authoring.ts` repeats it above the function; a test compares the two. */
  readonly description: string
  /** The form in YAML. */
  readonly example: string
  /** Its check without a value; undefined if it needs one. */
  readonly check: Check | undefined
  /** Its check with a value; undefined if it takes none. */
  readonly value: PolicyValue | undefined
}

interface PolicyValue {
  readonly jsonSchema: () => object
  readonly decode: (written: unknown) => Either.Either<Check, ReadonlyArray<SpecIssue>>
}

/** At most one finding per service. */
const each =
  (find: (service: PolicyService) => Omit<Found, "service"> | undefined): Check =>
  ({ services }) =>
    services.flatMap((service, index) => {
      const found = find(service)
      return found === undefined ? [] : [{ ...found, service: index }]
    })

const kept = (description: string, example: string, check: Check): Kept => ({
  description,
  example,
  check,
  value: undefined
})

const keptWith = <A, I>(
  description: string,
  example: string,
  schema: Schema.Schema<A, I>,
  checkOf: (value: A) => Check,
  /** The meaning without a value. */
  without?: A
): Kept => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all" })
  return {
    description,
    example,
    check: without === undefined ? undefined : checkOf(without),
    value: {
      jsonSchema: () => JSONSchema.make(schema),
      decode: (written) => Either.mapBoth(decode(written), { onLeft: specIssuesOf, onRight: checkOf })
    }
  }
}

const Services = listUpTo(ServiceName, 500, "The list of services")
const Texts = listUpTo(textUpTo(300, "The text").pipe(Schema.nonEmptyString()), 100, "The list")

const textOf = (value: EnvValue): string | undefined => {
  if (typeof value === "string") return value
  return "join" in value ? value.join.filter((part) => typeof part === "string").join("") : undefined
}

const plainSecretsIn = (service: PolicyService): ReadonlyArray<Omit<Found, "service">> => {
  const inEnv = Object.entries(service.env).flatMap(([name, value]) => {
    const text = textOf(value)
    if (text === undefined) return []
    const key = keyIn(text)
    const isNamed = typeof value === "string" && namesSecret(name) && !isNoSecret(text)
    if (key === undefined && !isNamed) return []
    const seems = key === undefined ? "is named like a secret" : `looks like ${key}`
    return [
      {
        field: ["env", name],
        message: `${name} ${seems}, and is in plain text here. Set it with \`maxcloud secrets set ${name}\`, and use secret("${name}") (in YAML { secret: ${name} }).`
      }
    ]
  })
  const inWords = (["command", "args"] as const).flatMap((field) =>
    service[field].flatMap((word, index) => {
      const key = keyIn(word)
      const message = `This looks like ${key} in plain text. Put it into a secret, and use its variable: $(NAME).`
      return key === undefined ? [] : [{ field: [field, index], message }]
    })
  )
  return [...inEnv, ...inWords]
}

/** Whether the image comes from one of these registries, or parts of them such as `ghcr.io/acme`. */
const isAllowed = ({ registry, repository }: PolicyService, allowed: ReadonlyArray<string>): boolean =>
  allowed.some((written) => {
    const wanted = written.replace(/\/$/, "")
    const name = `${registry}/${repository}`
    return name === wanted || name.startsWith(`${wanted}/`)
  })

/** The policies, by name in a config. */
export const keptPolicies: Readonly<Record<string, Kept>> = {
  noLatest: kept(
    "Each image has a tag other than `latest`, or a digest, so that a deploy runs the version that you tested.",
    "noLatest",
    each(({ digest, image, tag }) =>
      image === null || digest !== null || tag !== "latest"
        ? undefined
        : {
            field: ["image"],
            message: `The image ${image} has ${image.endsWith(":latest") ? 'the tag "latest"' : 'no tag, which means "latest"'}, and may be a different program at the next deploy. Use a version, such as "nginx:1.27".`
          }
    )
  ),
  pinnedDigests: kept(
    "Each image is named by its digest (`@sha256:…`), so that nobody can replace what a tag means.",
    "pinnedDigests",
    each(({ digest, image }) =>
      image === null || digest !== null
        ? undefined
        : {
            field: ["image"],
            message: `The image ${image} isn't named by its digest. Append "@sha256:…", which your registry or \`docker buildx imagetools inspect ${image}\` shows.`
          }
    )
  ),
  allowedRegistries: keptWith(
    "Images come only from these registries, or parts of them such as `ghcr.io/acme`.",
    "{ allowedRegistries: [ghcr.io/acme] }",
    Texts,
    (allowed) =>
      each((service) =>
        service.image === null || isAllowed(service, allowed)
          ? undefined
          : {
              field: ["image"],
              message: `The image ${service.image} comes from ${service.registry}. Use one of ${allowed.join(", ")}.`
            }
      )
  ),
  maxMemory: keptWith("No service has more memory per instance than this.", "{ maxMemory: 1Gi }", Memory, (most) =>
    each(({ memoryBytes }) =>
      memoryBytes <= most
        ? undefined
        : {
            field: ["memory"],
            message: `It has ${bytesQuantity(memoryBytes)} of memory. Use ${bytesQuantity(most)} or less.`
          }
    )
  ),
  maxCpu: keptWith("No service has more vCPU per instance than this.", "{ maxCpu: 2 }", Cpu, (most) =>
    each(({ cpuMilli }) =>
      cpuMilli <= most
        ? undefined
        : { field: ["cpu"], message: `It has ${cpuQuantity(cpuMilli)} vCPU. Use ${cpuQuantity(most)} or less.` }
    )
  ),
  maxInstances: keptWith(
    "No service may have more instances than this at its peak.",
    "{ maxInstances: 5 }",
    whole(1, 1000, "number of instances"),
    (most) =>
      each(({ scale }) =>
        scale.max <= most
          ? undefined
          : {
              field: ["scale", "max"],
              message: `It can have ${scale.max} instances. Set scale.max to ${most} or less.`
            }
      )
  ),
  requireReadiness: kept(
    "Each service has a readiness probe with a path, so that it gets no request before it can answer.",
    "requireReadiness",
    each(({ probes }) =>
      probes.readiness?.path == null
        ? {
            field: ["probes", "readiness", "path"],
            message: 'It has no readiness probe with a path. Add probes: { readiness: { path: "/healthz" } }.'
          }
        : undefined
    )
  ),
  requireLabels: keptWith(
    "Each service has these labels, such as `team` and `cost-center`.",
    "{ requireLabels: [team] }",
    Texts,
    (wanted) =>
      each(({ labels }) => {
        const missing = wanted.filter((label) => !Object.hasOwn(labels, label) || labels[label] === "")
        const written = missing.map((label) => `${/^\w+$/.test(label) ? label : JSON.stringify(label)}: "…"`).join(", ")
        return missing.length === 0
          ? undefined
          : { field: ["labels"], message: `It lacks the label ${missing.join(", ")}. Add labels: { ${written} }.` }
      })
  ),
  noPublic: keptWith(
    "Every service is internal, except those named here.",
    "{ noPublic: [web] }",
    Services,
    (except) =>
      each(({ name, visibility }) =>
        visibility === "internal" || except.some((service) => service === name)
          ? undefined
          : {
              field: ["visibility"],
              message: `It is public. Set visibility: "internal", or add "${name}" to noPublic.`
            }
      ),
    []
  ),
  noOpenEgress: keptWith(
    "No service may connect to the whole internet, except those named here: `egress` names ranges, or is `none`.",
    "{ noOpenEgress: [mailer] }",
    Services,
    (except) =>
      each(({ egress, name }) =>
        egress !== "internet" || except.some((service) => service === name)
          ? undefined
          : {
              field: ["egress"],
              message: `It may connect to the whole internet. Set egress: "none" or the ranges that it needs, or add "${name}" to noOpenEgress.`
            }
      ),
    []
  ),
  noPlainSecrets: kept(
    "No password, token or key is in plain text in `env`, `command` or `args`.",
    "noPlainSecrets",
    ({ services }) =>
      services.flatMap((service, index) => plainSecretsIn(service).map((found) => ({ ...found, service: index })))
  )
}
