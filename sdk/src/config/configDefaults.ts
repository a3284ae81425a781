import { bounds, type SpecIssue } from "@maxcloud/config-schema"
import { Predicate } from "effect"

type Json = Readonly<Record<string, unknown>>
type Path = SpecIssue["path"]

/** Fields with merged entries. A service's own entry replaces the default's entry completely. */
const merged: ReadonlySet<string> = new Set(["env", "files", "labels", "scale", "probes"])

/** The fields of images and sources. A service with an image ignores defaults for sources, and vice versa. */
const excluded = (service: Json): ReadonlySet<string> =>
  new Set("image" in service ? ["source", "build"] : "source" in service ? ["image"] : [])

const fieldOf = (field: string, own: unknown, common: unknown): unknown =>
  merged.has(field) && Predicate.isReadonlyRecord(own) && Predicate.isReadonlyRecord(common)
    ? { ...common, ...own }
    : own

const withDefaults = (service: unknown, defaults: Json): unknown => {
  if (!Predicate.isReadonlyRecord(service)) return service
  const left = excluded(service)
  const common = Object.entries(defaults).filter(([field]) => !left.has(field))
  return {
    ...Object.fromEntries(common),
    ...Object.fromEntries(
      Object.entries(service).map(([field, own]) => [
        field,
        fieldOf(field, own, left.has(field) ? undefined : defaults[field])
      ])
    )
  }
}

export interface Expanded {
  /** The app for the schema, without `defaults`. */
  readonly value: unknown
  readonly issues: ReadonlyArray<SpecIssue>
  /** The path where a value is written: in the service, or in the defaults. */
  readonly writtenAt: (path: Path) => Path
}

const inside = (value: unknown, key: string | number | undefined): boolean =>
  key !== undefined && Predicate.isReadonlyRecord(value) && Object.hasOwn(value, String(key))

/** A YAML or JSON config with its `defaults` merged into each service. */
export const expandDefaults = (config: unknown): Expanded => {
  if (!Predicate.isReadonlyRecord(config) || !("defaults" in config))
    return { value: config, issues: [], writtenAt: (path) => path }
  const { defaults, ...rest } = config
  const { services } = rest
  if (!Predicate.isReadonlyRecord(defaults)) {
    const message = "The defaults must be an object with fields of a service, such as `memory: 1Gi`."
    return { value: rest, issues: [{ path: ["defaults"], message }], writtenAt: (path) => path }
  }
  const { name, ...common } = defaults
  const issues =
    name === undefined
      ? []
      : [{ path: ["defaults", "name"], message: "Each service needs its own name. Remove it from the defaults." }]
  const fits = Array.isArray(services) && services.length <= bounds.services
  return {
    value: fits ? { ...rest, services: services.map((service: unknown) => withDefaults(service, common)) } : rest,
    issues,
    writtenAt: (path) => {
      const [first, index, field, key] = path
      if (first !== "services" || typeof index !== "number" || field === undefined) return path
      const service: unknown = Array.isArray(services) ? services[index] : undefined
      const own = Predicate.isReadonlyRecord(service) ? service[field] : undefined
      const isOwn =
        inside(service, field) &&
        (!merged.has(String(field)) || key === undefined || inside(own, key) || !Predicate.isReadonlyRecord(own))
      return isOwn || !inside(common, field) ? path : ["defaults", ...path.slice(2)]
    }
  }
}
