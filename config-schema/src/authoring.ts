import { type EnvContract, filled, isContract } from "./environment/envOf.ts"
import type {
  CommonInput,
  ImageInput,
  ObjectInput,
  ServiceAccountPatchInput,
  ServicePatchInput,
  SourceInput
} from "./inputs.ts"
import { misuse } from "./misuse.ts"
import { type AskOwn, type Policy, policiesOf, type WrittenPolicy } from "./policies/authoring.ts"
import { type ExternalAddress, type Reference, reference, type ServiceAddress, type Text } from "./references.ts"
import type { SpecIssue } from "./specIssues.ts"

export type { EnvContract } from "./environment/envOf.ts"
export { secret } from "./environment/variables.ts"
export type * from "./inputs.ts"
export * from "./policies/authoring.ts"
export type { PolicyApp, PolicyProbe, PolicyService } from "./policies/PolicyApp.ts"
export {
  type ExternalAddress,
  type Secret,
  type SecretOptions,
  type ServiceAddress,
  type Text,
  text
} from "./references.ts"
export { defineStages } from "./stages.ts"

export type CpuQuantity = number | `${number}` | `${number}m`
export type MemoryQuantity = number | `${number}${"k" | "M" | "G" | "Ki" | "Mi" | "Gi"}`
export type DurationQuantity = `${number}${"ms" | "s" | "m" | "h"}`
/** The value of a variable. A number or boolean becomes its JavaScript text: `5`, `0.5`, `true`. */
export type EnvInput = string | number | boolean | Reference
export type OutputInput = string | ServiceAddress | Text
/** Variables by name, or a contract from `envOf`. */
export type EnvInputs = (Readonly<Record<string, EnvInput>> & { readonly PORT?: number | `${number}` }) | EnvContract

/** An entry of a list that is left out, such as the result of `stage === "production" && worker`. */
export type LeftOut = false | null | undefined

/** A service: an `image` to run, or a `source` folder. */
export type ServiceInput = CommonInput & (ImageInput | SourceInput)

const definition = Symbol.for("maxcloud.dev/service")
const configuration = Symbol.for("maxcloud.dev/config")

/** A service of the app, with the references that other services can use. */
export interface Service<Name extends string = string> {
  readonly name: Name
  /** The internal URL. As an `env` value, it is a link. */
  readonly url: ServiceAddress
  /** The same without a scheme. */
  readonly host: ServiceAddress
  /** The public URL. */
  readonly publicUrl: ServiceAddress
  readonly [definition]: { readonly input: ServiceInput; readonly location: Location | undefined }
}

/** A position in a config: file (a `file:` URL or a path), and line and column from 1. */
export interface Location {
  readonly file: string
  readonly line: number
  readonly column: number
  /** For a service's lists with left-out entries: the position of each remaining entry. */
  readonly kept?: Readonly<Record<string, ReadonlyArray<number>>>
}

/** The state of a config's git repository. */
export interface GitState {
  /** In CI, which checks out a commit, it is the branch that CI names. undefined if no branch is known. */
  readonly branch: string | undefined
  /** The full hash of the current commit. */
  readonly commit: string
  /** Whether tracked files differ from that commit. */
  readonly dirty: boolean
}

/** The context of a config. It is the same for `maxcloud plan` and `maxcloud deploy`. */
export interface ConfigContext {
  /** The instance of the app that the config describes: `production`, `dev`, `preview-42`. */
  readonly stage: string
  /** The credential's organization, which the app is deployed to. Offline: `local`. */
  readonly organization: string
  /** The runtime that runs the app's services. Offline: `kubernetes`. */
  readonly runtime: "kubernetes" | "local"
  /** undefined if the config isn't in a git repository, or git isn't installed. */
  readonly git: GitState | undefined
}

export interface AppInput {
  /** The version of the config format. `maxcloud config migrate` rewrites a config for a new one. @default "maxcloud.dev/v1" */
  readonly apiVersion?: "maxcloud.dev/v1"
  /** Name of the app. */
  readonly app: string
  /** Its services, with unique names. */
  readonly services: ReadonlyArray<Service | LeftOut>
  /**
   * Services that other apps of the organization may call, with the apps that may call them. This applies to all of their stages: `{ api: { to: ["shop"] } }`.
   * @default none
   */
  readonly exports?: Readonly<Record<string, { readonly to: ReadonlyArray<string | LeftOut> }>>
  /**
   * Values that the app publishes after a deploy, such as its URL, by name. Texts and `publicUrl` of its services, never a secret.
   * `maxcloud output` prints them: `{ url: web.publicUrl }`.
   * @default none
   */
  readonly outputs?: Readonly<Record<string, OutputInput>>
  /**
   * Rules that the app must follow: `[noLatest, maxMemory("1Gi"), policy("name", (app) => …)]`. `plan`, `deploy` and `config check` report
   * violations with the line. They aren't sent to the server.
   * @default none
   */
  readonly policies?: ReadonlyArray<Policy | LeftOut>
  /**
   * Additional Kubernetes objects, besides those of its services. Only kinds that the server's operator allows, and only on Kubernetes.
   * `[object({ apiVersion: "v1", kind: "ConfigMap", … })]`.
   * @default none
   */
  readonly manifests?: ReadonlyArray<ObjectInput | LeftOut>
  /**
   * cdk8s charts, which `maxcloud synth` and `maxcloud export` print after the app's own manifests. They are never sent to a server:
   * `[() => new Monitoring(new App(), "monitoring")]`.
   * @default none
   */
  readonly charts?: ReadonlyArray<(() => ChartLike) | LeftOut>
}

/** A cdk8s chart, of any version. */
export interface ChartLike {
  readonly toJson: () => ReadonlyArray<unknown>
}

/** A change to a service's object, created by `patch(…)`. */
export type Patch =
  | { readonly patch: "Service"; readonly fields: ServicePatchInput }
  | { readonly patch: "ServiceAccount"; readonly fields: ServiceAccountPatchInput }

interface PatchFields {
  readonly Service: ServicePatchInput
  readonly ServiceAccount: ServiceAccountPatchInput
}

/** A service of another app of the organization, with the references that this app's services can use. */
export interface ExternalService {
  /** The internal URL. As an `env` value, it is a link. */
  readonly url: ExternalAddress
  /** The same without a scheme. */
  readonly host: ExternalAddress
  /** The public URL. */
  readonly publicUrl: ExternalAddress
}

/** The result of evaluating a config: an unchecked AppSpec, the position of each service, and mistakes that an AppSpec can't show. */
export interface EvaluatedConfig {
  readonly spec: unknown
  readonly locations: ReadonlyArray<Location | undefined>
  /** Missing or malformed variables of the services' contracts. */
  readonly issues: ReadonlyArray<SpecIssue>
  readonly policies: ReadonlyArray<WrittenPolicy>
  /** Runs the config's own policy functions. */
  readonly askOwn: AskOwn
  /** The objects of its charts. */
  readonly charts: () => ReadonlyArray<unknown>
}

export interface Config {
  readonly [configuration]: (context: ConfigContext) => Promise<EvaluatedConfig>
}

/**
 * A service of another app of the organization, in the same stage unless you name one. That app's config must export it:
 * `exports: { api: { to: ["shop"] } }`.
 */
export const external = (
  app: string,
  service: string,
  { stage }: { readonly stage?: string | undefined } = {}
): ExternalService => {
  const address = (property: ExternalAddress["property"]): ExternalAddress =>
    reference(
      { external: `${app}/${service}`, property, ...(stage === undefined ? {} : { stage }) },
      `external("${app}", "${service}").${property}`
    )
  return { url: address("url"), host: address("host"), publicUrl: address("publicUrl") }
}

const callerLocation = (): Location | undefined => {
  const line = (new Error().stack ?? "").split("\n")[3]
  const match = line === undefined ? null : /\(?((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?$/.exec(line)
  return match === null ? undefined : { file: match[1] ?? "", line: Number(match[2]), column: Number(match[3]) }
}

/** Describes a service: a container that answers HTTP. */
export const service = <const Name extends string>(name: Name, input: ServiceInput): Service<Name> => {
  if (typeof input !== "object" || input === null) {
    throw misuse(
      `service("${name}") needs an image or a source: write service("${name}", { image: "nginx:1.27" })`,
      service
    )
  }
  const address = (property: ServiceAddress["property"]) =>
    reference({ service: name, property }, `${name}.${property}`)
  return {
    name,
    url: address("url"),
    host: address("host"),
    publicUrl: address("publicUrl"),
    [definition]: { input, location: callerLocation() }
  }
}

/**
 * Sets fields of a service's Kubernetes object that max-cloud has no field for: `patch("Service", { spec: { template: … } })`. Objects are merged
 * by key, `containers` and `volumes` by `name`, `volumeMounts` by `mountPath`; any other list is replaced.
 */
export const patch = <const K extends keyof PatchFields>(
  kind: K,
  fields: PatchFields[K]
): { readonly patch: K; readonly fields: PatchFields[K] } => ({ patch: kind, fields })

/** Adds a Kubernetes object to the app. */
export const object = <const O extends ObjectInput>(manifest: O): O => manifest

/** Describes an app, for each stage: the default export of `maxcloud.config.ts`. */
export const defineConfig = (app: AppInput | ((context: ConfigContext) => AppInput | Promise<AppInput>)): Config => ({
  [configuration]: async function describe(context) {
    return specOf(typeof app === "function" ? await app(context) : app, describe)
  }
})

const keysOfService: ReadonlySet<string> = new Set(["name", "url", "host", "publicUrl"])

const isLeftOut = (entry: unknown): entry is LeftOut => entry === false || entry === null || entry === undefined

/** The entries of a list, each with its index in the config. */
const written = <A>(list: ReadonlyArray<A>) =>
  list.flatMap((entry, index) => (isLeftOut(entry) ? [] : [{ entry, index }]))

/** The fields of a service, with left-out entries removed from lists, and the positions of the remaining entries. */
const fieldsOf = (input: ServiceInput) => {
  const kept: Record<string, ReadonlyArray<number>> = {}
  const fields = new Map<string, unknown>()
  for (const [name, value] of Object.entries<unknown>({ ...input })) {
    const entries = Array.isArray(value) ? written<unknown>(value) : undefined
    fields.set(name, entries === undefined ? value : entries.map((each) => each.entry))
    if (Array.isArray(value) && entries !== undefined && entries.length < value.length) {
      kept[name] = entries.map((each) => each.index)
    }
  }
  return { fields: Object.fromEntries(fields), kept: Object.keys(kept).length === 0 ? undefined : kept }
}

/** The schema reports anything that doesn't have this form. */
const exportsOf = (exports: unknown): unknown =>
  typeof exports === "object" && exports !== null && !Array.isArray(exports)
    ? Object.fromEntries(
        Object.entries<unknown>({ ...exports }).map(([name, value]) =>
          typeof value === "object" && value !== null && "to" in value && Array.isArray(value.to)
            ? [name, { ...value, to: written<unknown>(value.to).map((each) => each.entry) }]
            : [name, value]
        )
      )
    : exports

const chartsOf = (charts: unknown, from: Parameters<typeof misuse>[1]) => (): ReadonlyArray<unknown> => {
  if (charts === undefined) return []
  const entries = Array.isArray(charts) ? written<unknown>(charts) : undefined
  if (entries === undefined)
    throw misuse('charts must be a list: charts: [() => new MyChart(new App(), "extra")]', from)
  return entries.flatMap(({ entry, index }): ReadonlyArray<unknown> => {
    const chart: unknown = typeof entry === "function" ? entry() : undefined
    const objects: unknown =
      typeof chart === "object" && chart !== null && "toJson" in chart && typeof chart.toJson === "function"
        ? chart.toJson()
        : undefined
    if (!Array.isArray(objects)) {
      throw misuse(
        `charts[${index}] doesn't return a cdk8s chart: write charts: [() => new MyChart(new App(), "extra")]`,
        from
      )
    }
    // Charts may return lazy values, so serialize them to JSON.
    const plain: unknown = JSON.parse(JSON.stringify(objects))
    return Array.isArray(plain) ? plain : []
  })
}

const isService = (value: unknown): value is Service =>
  typeof value === "object" && value !== null && definition in value

const linksOf = (name: string, links: unknown, from: Parameters<typeof misuse>[1]): unknown => {
  if (links === undefined) return undefined
  if (!(Array.isArray(links) && links.every(isService))) {
    throw misuse(`links of service("${name}") must be services created by service(…): links: [api]`, from)
  }
  return links.map((link) => link.name)
}

const specOf = (app: AppInput | undefined, from: Parameters<typeof misuse>[1]): EvaluatedConfig => {
  if (typeof app !== "object" || app === null) {
    throw misuse("the function passed to defineConfig doesn't return an app: return { app, services }", from)
  }
  const { charts, policies: list, services, ...given } = app
  const { ask: askOwn, policies } = policiesOf(list, from)
  const objectsOfCharts = chartsOf(charts, from)
  const rest = {
    ...given,
    ...(given.exports === undefined ? {} : { exports: exportsOf(given.exports) }),
    ...(Array.isArray(given.manifests) ? { manifests: written(given.manifests).map((each) => each.entry) } : {})
  }
  // If it isn't an array, the schema reports that, as for a YAML config.
  if (!Array.isArray(services)) {
    const spec = { ...rest, services }
    return { spec, locations: [], issues: [], policies, askOwn, charts: objectsOfCharts }
  }
  const definitions = written<unknown>(services).map(({ entry: service, index }) => {
    if (!isService(service)) {
      throw misuse(`services[${index}] isn't a service created by service(…): write service("name", { … })`, from)
    }
    const added = Object.keys(service).find((name) => !keysOfService.has(name))
    if (added !== undefined) {
      throw misuse(
        `services[${index}] is a copy of service("${service.name}") with "${added}" added, which is ignored there: write service("${service.name}", { ${added}: … })`,
        from
      )
    }
    const { input, location } = service[definition]
    const { fields, kept } = fieldsOf(input)
    const links = linksOf(service.name, fields["links"], from)
    const contract = isContract(input.env) ? filled(input.env) : undefined
    return {
      spec: {
        name: service.name,
        ...fields,
        ...(contract === undefined ? {} : { env: contract.env }),
        ...(links === undefined ? {} : { links })
      },
      problems: contract?.problems ?? [],
      location: location === undefined || kept === undefined ? location : { ...location, kept }
    }
  })
  return {
    spec: { ...rest, services: definitions.map((each) => each.spec) },
    locations: definitions.map((each) => each.location),
    issues: definitions.flatMap(({ problems }, index) =>
      problems.map(({ message, name }) => ({ path: ["services", index, "env", name], message }))
    ),
    policies,
    askOwn,
    charts: objectsOfCharts
  }
}

/** Whether this is a result of `defineConfig`. */
export const isConfig = (value: unknown): value is Config =>
  typeof value === "object" && value !== null && configuration in value

/** The app that a config describes for a stage, still unchecked. */
export const evaluateConfig = (config: Config, context: ConfigContext): Promise<EvaluatedConfig> =>
  config[configuration](context)
