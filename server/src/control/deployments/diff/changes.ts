import {
  type AppSpec,
  type AppSpecEncoded,
  encodeAppSpec,
  parseAppSpec,
  type SecretName,
  secretsOf,
  type Turns
} from "@maxcloud/config-schema"
import { canonicalJson, type FieldChange, type ServiceChange } from "@maxcloud/sdk/api"
import type { ResolvedImage } from "@maxcloud/synth"
import { Either } from "effect"

export type ServiceEncoded = AppSpecEncoded["services"][number]
export type SecretVersions = Readonly<Record<string, number>>

/** An AppSpec with its encoded form, as it is sent and stored. */
export interface ReadSpec {
  readonly spec: AppSpec
  readonly encoded: AppSpecEncoded
}

/** An accepted or desired service: its spec, and the versions of its secrets. */
export interface ServiceVersion {
  readonly name: string
  readonly spec: ServiceEncoded
  readonly secretVersions: SecretVersions
  /** The digest that its image's tag is pinned to; null if no registry was asked. */
  readonly pinnedImage: string | null
}

/** An app's desired state, service by service. */
export const versionsOf = (
  { encoded, spec }: ReadSpec,
  secrets: ReadonlyMap<SecretName, number>,
  images: ReadonlyMap<string, ResolvedImage>
): ReadonlyArray<ServiceVersion> => {
  return spec.services.flatMap((service, index) => {
    const written = encoded.services[index]
    if (written === undefined) return []
    const secretVersions = Object.fromEntries(
      secretsOf(service).flatMap((name) => {
        const version = secrets.get(name)
        return version === undefined ? [] : [[name, version]]
      })
    )
    const pinned = service.image === undefined ? undefined : images.get(service.image)?.reference
    const pinnedImage = pinned === undefined || pinned === service.image ? null : pinned
    return [{ name: service.name, spec: written, secretVersions, pinnedImage }]
  })
}

/** Fields with keys chosen by the author: each entry counts as one field. */
const maps: ReadonlySet<string> = new Set(["env", "files", "labels"])

const fieldsOf = (path: string, value: unknown, into: Map<string, string>): Map<string, string> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    if (value !== undefined) into.set(path, canonicalJson(value))
    return into
  }
  for (const [key, part] of Object.entries(value)) {
    if (maps.has(path)) into.set(`${path}.${key}`, canonicalJson(part))
    else fieldsOf(path === "" ? key : `${path}.${key}`, part, into)
  }
  return into
}

/** Secrets with their pinned version, so that a new value shows up as a change. */
const withVersions = (value: unknown, versions: SecretVersions): unknown => {
  if (Array.isArray(value)) return value.map((each) => withVersions(each, versions))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value)
  if ("secret" in value && typeof value.secret === "string") {
    const version = versions[value.secret] ?? null
    // `generate` matters only while there is no value.
    return {
      secret: value.secret,
      version,
      ...(version === null && "generate" in value ? { generate: value.generate } : {})
    }
  }
  return Object.fromEntries(entries.map(([key, part]) => [key, withVersions(part, versions)]))
}

const flat = ({ pinnedImage, secretVersions, spec }: ServiceVersion) => {
  const { env, files, name: _, ...rest } = spec
  const versioned = (values: Readonly<Record<string, unknown>> | undefined) =>
    Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, withVersions(value, secretVersions)]))
  const digest = pinnedImage === null ? undefined : pinnedImage.slice(pinnedImage.indexOf("@") + 1)
  return fieldsOf("", { ...rest, digest, env: versioned(env), files: versioned(files) }, new Map())
}

/** Fields that every service has by default. */
const defaults = (() => {
  const spec = Either.getOrThrow(parseAppSpec({ app: "a", services: [{ name: "a", image: "a" }] }))
  const [service] = versionsOf({ spec, encoded: encodeAppSpec(spec) }, new Map(), new Map())
  const fields = service === undefined ? new Map<string, string>() : flat(service)
  fields.delete("image")
  return fields
})()

const between = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ReadonlyArray<FieldChange> =>
  [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
    const [old, now] = [before.get(path) ?? null, after.get(path) ?? null]
    return old === now ? [] : [{ path, before: old, after: now }]
  })

/**
 * The changes from `before` to `after`, service by service. A new service is listed with the fields that differ from their
 * defaults.
 */
export function* changesBetween(
  before: ReadonlyArray<ServiceVersion>,
  after: ReadonlyArray<ServiceVersion>
): Turns<ReadonlyArray<Change>> {
  const old = new Map(before.map((each) => [each.name, each]))
  const wanted = new Set(after.map((each) => each.name))
  const changes: Array<Change> = []
  for (const service of after) {
    yield
    changes.push(changeOf(old.get(service.name), service))
  }
  const deleted = before.filter((each) => !wanted.has(each.name))
  return [...changes, ...deleted.map((each): Change => ({ service: each.name, action: "delete", fields: [] }))]
}

type Change = Omit<ServiceChange, "service"> & { readonly service: string }

const changeOf = (existing: ServiceVersion | undefined, service: ServiceVersion): Change => {
  if (existing === undefined) {
    const fields = between(defaults, flat(service)).map((value) => ({ ...value, before: null }))
    return { service: service.name, action: "create", fields }
  }
  const fields = between(flat(existing), flat(service))
  return { service: service.name, action: fields.length === 0 ? "unchanged" : "update", fields }
}
