import { bounds, type SpecIssue } from "@maxcloud/config-schema"
import { Predicate } from "effect"

type Json = Readonly<Record<string, unknown>>
type Path = SpecIssue["path"]

/** Fields whose entries are put together. A service's own entry wins, and is taken whole. */
const merged: ReadonlySet<string> = new Set(["env", "files", "labels", "scale", "probes"])

/** What a service is made of: an image leaves out the defaults of a source, and the reverse. */
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
  /** The app as the schema knows it, without `defaults`. */
  readonly value: unknown
  readonly issues: ReadonlyArray<SpecIssue>
  /** Where the value at a path is written: in the service, or in the defaults. */
  readonly writtenAt: (path: Path) => Path
}

const inside = (value: unknown, key: string | number | undefined): boolean =>
  key !== undefined && Predicate.isReadonlyRecord(value) && Object.hasOwn(value, String(key))

/** A config of YAML or JSON whose `defaults` are written into each of its services. */
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
      : [{ path: ["defaults", "name"], message: "Each service has a name of its own. Remove it from the defaults." }]
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
