import type { DeclaredService, Service } from "@maxcloud/sdk/api"

type EnvValue = NonNullable<DeclaredService["env"]>[string]
type EnvPart = Exclude<Extract<EnvValue, object>, { readonly join: unknown }>

const partText = (part: EnvPart): string => {
  if ("secret" in part) return `secret ${part.secret}`
  if ("service" in part) return `${part.property} of ${part.service}`
  return "external" in part ? `${part.property} of ${part.external}` : "unknown to this version"
}

/** The origin of a variable's value. Never the value: people often write secrets as plain text. */
export const envSource = (value: EnvValue): string => {
  if (typeof value !== "object") return "text"
  if (!("join" in value)) return partText(value)
  const parts = value.join.flatMap((each) => (typeof each === "string" ? [] : [partText(each)]))
  return ["text", ...new Set(parts)].join(", ")
}

const referenceOnly = (value: Exclude<EnvValue, { readonly join: unknown }>) =>
  typeof value === "object" && ("secret" in value || "property" in value) ? value : null

const withoutText = (value: EnvValue) =>
  typeof value === "object" && "join" in value ? { join: value.join.map(referenceOnly) } : referenceOnly(value)

/** A service for `--json`, with `null` for the plain values of its environment. */
export const serviceJson = <S extends Pick<Service, "spec">>(service: S) => ({
  ...service,
  spec: {
    ...service.spec,
    env: Object.fromEntries(Object.entries(service.spec.env ?? {}).map(([name, value]) => [name, withoutText(value)]))
  }
})

/** Quotes words as a shell would read them. */
const wordsText = (words: ReadonlyArray<string>) =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ")

const scaleText = ({ concurrency, idle, max, maxConcurrency, min }: NonNullable<DeclaredService["scale"]>) => {
  const limit = maxConcurrency === undefined || maxConcurrency === 0 ? "" : `, at most ${maxConcurrency}`
  const instances = min === max ? `${max} instances` : `${min} to ${max} instances`
  return `${instances}, ${concurrency} requests at a time each${limit}; an instance stops after ${idle} without requests`
}

type Probe = NonNullable<NonNullable<DeclaredService["probes"]>["startup"]>

const probeText = ({ failureThreshold, initialDelay, path, period, timeout }: Probe) => {
  const delay = initialDelay === undefined || /^0/.test(initialDelay) ? "" : `, first after ${initialDelay}`
  const check = path === undefined ? "TCP connection" : `GET ${path}`
  return `${check} every ${period} within ${timeout}, ${failureThreshold} failures${delay}`
}

/** The image, or the folder of the source. */
export const programRow = ({ image, source }: DeclaredService): readonly [string, string] =>
  source === undefined ? ["image", image ?? ""] : ["source", typeof source === "string" ? source : source.path]

/** The port that the program listens on. Each process of the local runtime has its own. */
const portText = ({ port, protocol }: DeclaredService, hasOwnPorts: boolean): string => {
  if (hasOwnPorts)
    return `PORT, a different one for each instance (${port} on Kubernetes)${protocol === "h2c" ? " (h2c)" : ""}`
  return `${port}${protocol === "h2c" ? " (h2c)" : ""}`
}

/** The service's settings, one row each. `hasOwnPorts`: its instances are processes of the local runtime. */
export const settingRows = (settings: DeclaredService, hasOwnPorts: boolean): ReadonlyArray<ReadonlyArray<string>> => {
  const { args = [], build, command = [], cpu, egress, labels = {}, links = [], memory } = settings
  const { drain, grace, probes = {}, scale, timeout, visibility } = settings
  const checks = (["startup", "readiness", "liveness"] as const).flatMap((name) => {
    const probe = probes[name]
    return probe === undefined ? [] : [[name, probeText(probe)]]
  })
  return [
    ...(visibility === undefined ? [] : [["visibility", visibility]]),
    ...(build === undefined ? [] : [["build", JSON.stringify(build)]]),
    ...(command.length === 0 ? [] : [["command", wordsText(command)]]),
    ...(args.length === 0 ? [] : [["args", wordsText(args)]]),
    ["port", portText(settings, hasOwnPorts)],
    ...(scale === undefined ? [] : [["scale", scaleText(scale)]]),
    ["resources", `${typeof cpu === "number" ? `${cpu} vCPU` : cpu}, ${memory} of memory`],
    ["timeout", `${timeout} per request`],
    ...(drain === undefined ? [] : [["drain", `${drain} for open requests`]]),
    ["grace", `${grace} from SIGTERM to SIGKILL`],
    ...(checks.some(([name]) => name === "readiness") ? [] : [["readiness", "TCP connection to the port"]]),
    ...checks,
    ...(links.length === 0 ? [] : [["links", links.join(", ")]]),
    ["egress", typeof egress === "object" ? egress.join(", ") : (egress ?? "")],
    ...Object.entries(labels).map(([name, value]) => [`label ${name}`, value])
  ]
}
