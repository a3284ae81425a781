import { Schema } from "effect"
import { bounds, listUpTo, mapUpTo, quoted, textUpTo } from "./bounds.ts"
import { Env, referencesOf, SecretReference } from "./env.ts"
import { type ExternalTarget, targetOf } from "./external.ts"
import { optional, required, typedAs, withDefault } from "./field.ts"
import { Labels } from "./labels.ts"
import { patchIssues } from "./manifestIssues.ts"
import { Patches } from "./manifestPatches.ts"
import { ServiceName, type StageName } from "./names.ts"
import { Probes } from "./probes.ts"
import { Cpu, DurationBetween, Memory } from "./quantities.ts"
import { Scale, whole } from "./scale.ts"

/** An image reference: `[registry[:port]/]path[:tag][@sha256:…]` (OCI distribution spec, "Pulling manifests"). */
export const ImageReference = textUpTo(bounds.imageLength, "The image reference").pipe(
  Schema.filter(
    (value) =>
      /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/.test(
        value
      )
        ? true
        : `${quoted(value)} isn't a valid image reference. Use a form like "nginx:1.27" or "registry.example.com/team/app@sha256:…".`,
    {
      description: "An image reference such as nginx:1.27 or registry.example.com/team/app@sha256:…",
      arbitrary: () => (fc) =>
        fc.constantFrom("nginx:1.27", "docker.io/library/nginx", "ghcr.io/acme/app:v1", `a/b@sha256:${"0".repeat(64)}`)
    }
  ),
  Schema.brand("ImageReference")
)
export type ImageReference = typeof ImageReference.Type

/** Digest of a source snapshot. */
export const SourceDigest = Schema.String.pipe(
  Schema.pattern(/^sha256:[a-f0-9]{64}$/, {
    message: () => 'Use the digest of an uploaded source: "sha256:" and 64 hexadecimal digits.',
    arbitrary: () => (fc) => fc.stringMatching(/^sha256:[a-f0-9]{64}$/)
  }),
  Schema.brand("SourceDigest")
)
export type SourceDigest = typeof SourceDigest.Type

const SourcePath = textUpTo(bounds.sourcePathLength, "The path").pipe(Schema.nonEmptyString())

/** A folder inside a snapshot: relative, without empty names, `.`, `..` and characters that are invalid in file names. */
const isFolderInside = (path: string): boolean =>
  /^[^\0\\]+$/.test(path) && path.split("/").every((name) => name !== "" && name !== "." && name !== "..")

const SourcePackage = textUpTo(bounds.sourcePackageLength, "The package's folder").pipe(
  Schema.filter(
    (value) =>
      isFolderInside(value)
        ? true
        : `${quoted(value)} isn't a valid folder of a package. Use a path inside the workspace, such as "packages/api".`,
    { arbitrary: () => (fc) => fc.constantFrom("packages/api", "apps/web", "api") }
  )
)

const SourceFields = Schema.Struct({
  path: required(SourcePath, "Folder of the source, relative to the config."),
  digest: optional(SourceDigest, "The digest of its uploaded snapshot. The client sets it when it deploys."),
  package: optional(
    SourcePackage,
    "The service's folder inside the snapshot, if the snapshot is cut from a workspace: `packages/api`. Dependencies are installed at the snapshot's root, and the service runs in this folder. The client sets it when it deploys."
  ),
  directory: optional(
    textUpTo(bounds.sourcePathLength, "The folder").pipe(
      Schema.pattern(/^\//, { message: () => 'Use an absolute path, such as "/home/ada/shop".' })
    ),
    "Absolute folder to run in place instead of a snapshot. Only for `maxcloud dev`."
  ),
  script: optional(
    Schema.Literal("dev"),
    "The script of its package.json that runs it in `directory` and reloads by itself. `maxcloud dev` sets it.",
    { default: "the command of a deploy" }
  )
})

/** A folder with a service's source: only its path, or with the details that the client adds. */
export const Source = Schema.transform(Schema.Union(SourcePath, SourceFields), Schema.typeSchema(SourceFields), {
  strict: true,
  decode: (value) => (typeof value === "string" ? { path: value } : value),
  encode: (issue) =>
    issue.digest === undefined && issue.directory === undefined && issue.package === undefined ? issue.path : issue
}).annotations({ identifier: "Source", ...typedAs("string") })
export type Source = typeof Source.Type

const BuildCommand = textUpTo(bounds.buildCommandLength, "The build command").pipe(
  Schema.filter(
    (text) =>
      (text.trim() !== "" && !text.includes("\0")) ||
      "The build command is empty. Use `build: false` to skip the build.",
    {
      jsonSchema: { minLength: 1 },
      arbitrary: () => (fc) => fc.constantFrom("npm run build:prod", "make site", "npx vite build")
    }
  )
)

const BuildOutput = textUpTo(bounds.buildOutputLength, "The output folder").pipe(
  Schema.filter(
    (value) =>
      isFolderInside(value)
        ? true
        : `${quoted(value)} isn't a valid output folder. Use a path inside the source, such as "dist".`,
    { arbitrary: () => (fc) => fc.constantFrom("dist", "build/client", ".output/public") }
  )
)

export const Build = Schema.Union(
  Schema.Literal(false),
  BuildCommand,
  Schema.Struct({
    command: optional(BuildCommand, "The command, run by `sh`, with the project's own programs on the PATH.", {
      default: "the project's own `build` script"
    }),
    output: optional(BuildOutput, "The folder with the built site or program, relative to the source.", {
      default: "detected"
    })
  })
).annotations({
  identifier: "Build",
  documentation:
    "The build of a source: `false` to skip it, a command as text, or a command with its output folder. By default, the project's own `build` script runs, if it has one.",
  ...typedAs("BuildInput")
})
export type Build = typeof Build.Type

const cidr = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/

/** The allowed connections besides links and DNS: the public internet, nothing, or these IPv4 ranges. */
export const Egress = Schema.Union(
  Schema.Literal("internet", "none"),
  listUpTo(
    textUpTo(18, "The range").pipe(
      Schema.filter(
        (text) =>
          cidr.test(text) && text.split(/[./]/).every((part, index) => Number(part) <= (index === 4 ? 32 : 255))
            ? true
            : `${quoted(text)} isn't a valid IPv4 range. Use a form like "203.0.113.0/24".`,
        {
          jsonSchema: { pattern: cidr.source, maxLength: 18 },
          arbitrary: () => (fc) => fc.constantFrom("203.0.113.0/24", "10.1.2.3/32")
        }
      )
    ),
    bounds.egressRanges,
    "The list of ranges"
  )
)
export type Egress = typeof Egress.Type

/**
 * A port, or `"auto"` for a TCP port that the image exposes (`EXPOSE`), else 8080 if it exposes none or the runtime can't know. If there are
 * several, the local runtime uses the one that answers HTTP. A cluster uses 8080, 80 or else the lowest, except ports for debuggers, metrics and TLS.
 */
export const Port = Schema.Union(whole(1, 65_535, "port"), Schema.Literal("auto"))
export type Port = typeof Port.Type

/** The default port, which is Knative's. */
export const defaultPort = 8080

/** The default of `grace`, as in a config and in milliseconds. */
const defaultGrace = "30s"
export const defaultGraceMs = 30_000

const absolutePath = textUpTo(bounds.filePathLength, "The path").pipe(
  Schema.filter(
    (text) =>
      /^\/[^\0:]+$/.test(text) &&
      !text.endsWith("/") &&
      !text.split("/").some((part) => part === ".." || part === ".") &&
      !/^\/(dev|proc|sys)(\/|$)/.test(text)
        ? true
        : `${quoted(text)} isn't a valid path for a file. Use an absolute path outside /dev, /proc and /sys, without ":", "." or "..".`,
    { arbitrary: () => (fc) => fc.constantFrom("/etc/secrets/key.pem", "/run/secrets/token") }
  ),
  Schema.annotations(typedAs(`\`/\${string}\``))
)

const CommandPart = textUpTo(bounds.commandPartLength, "This part")
const Command = Schema.NonEmptyArray(CommandPart).pipe(
  Schema.filter(
    (each) =>
      each.length <= bounds.commandParts ||
      `The command has ${each.length} parts. It can have up to ${bounds.commandParts}.`,
    { jsonSchema: { maxItems: bounds.commandParts } }
  )
)

const Fields = Schema.Struct({
  name: required(ServiceName, "Name of the service, unique in its app: it is part of its URL."),
  image: optional(ImageReference, "The image to run. Either this or `source`."),
  source: optional(Source, "The folder with the program to run. Either this or `image`."),
  build: optional(Build, "The build of the source.", { default: "its `build` script, if it has one" }),
  command: optional(
    Command,
    "Replaces the image's entrypoint, or a source's `start` script. `$(NAME)` is the variable NAME, `$$(NAME)` the text.",
    { default: "the image's own" }
  ),
  args: optional(
    listUpTo(CommandPart, bounds.commandParts, "The list of arguments"),
    "Arguments of the command, with `$(NAME)` as in `command`.",
    { default: "the image's own" }
  ),
  port: withDefault(
    Port,
    defaultPort,
    'The port that the program listens on. The program gets it as `PORT`. `"auto"` means the port that the image exposes.'
  ),
  protocol: withDefault(
    Schema.Literal("http1", "h2c"),
    "http1",
    "`http1` (with WebSocket), or `h2c` (HTTP/2 without TLS, for gRPC)."
  ),
  env: withDefault(
    Env,
    {},
    "Environment variables by name, or in TypeScript a contract from `envOf`. `PORT` means `port`.",
    {
      default: "none",
      type: "EnvInputs"
    }
  ),
  files: withDefault(
    mapUpTo(absolutePath, SecretReference, bounds.files, "The map of files"),
    {},
    "Secrets as files, by absolute path.",
    { default: "none" }
  ),
  cpu: withDefault(Cpu, 1, "Maximum vCPU per instance."),
  memory: withDefault(Memory, "512Mi", "Maximum memory per instance."),
  scale: withDefault(Scale, {}, "The number of instances."),
  timeout: withDefault(DurationBetween("1s", "1h", { wholeSeconds: true }), "5m", "Timeout of one request, 1s to 1h."),
  drain: optional(
    DurationBetween("1s", "1h", { wholeSeconds: true }),
    "How long an instance that stops may take to finish its open requests, at most `timeout`. Then the program gets SIGTERM.",
    { default: "`timeout`, or at most 30s if the service is removed" }
  ),
  grace: withDefault(
    DurationBetween("1s", "1h", { wholeSeconds: true }),
    defaultGrace,
    "How long the program may run after SIGTERM, 1s to 1h. Then it gets SIGKILL. On Kubernetes, `drain` and `grace` share `timeout`, and `grace` only shortens it when the service is removed."
  ),
  probes: withDefault(Probes, {}, "Health checks of its instances.", {
    default: "the port must accept a TCP connection"
  }),
  visibility: withDefault(
    Schema.Literal("public", "internal"),
    "public",
    "`public`: anybody can reach it at its URL. `internal`: only linked services can."
  ),
  links: withDefault(
    listUpTo(ServiceName, bounds.links, "The list of links"),
    [],
    "Services that this one calls, besides those with a `url` or `host` in its `env`.",
    { type: "ReadonlyArray<Service | LeftOut>" }
  ),
  egress: withDefault(
    Egress,
    "internet",
    'Allowed connections besides its links and DNS: `"internet"`, `"none"`, or IPv4 ranges.'
  ),
  labels: withDefault(Labels, {}, "Custom labels on its Kubernetes objects.", { default: "none" }),
  manifests: optional(
    Patches,
    "Changes to its Kubernetes objects with `patch(…)`, for fields that max-cloud doesn't have. Only fields that the server's operator allows, and only on Kubernetes.",
    { default: "none", type: "ReadonlyArray<Patch | LeftOut>" }
  )
})

/** A container that answers HTTP (Knative Service). */
export const ServiceSpec = Fields.pipe(
  Schema.filter((service) => {
    if (service.image !== undefined && service.source !== undefined) {
      return { path: ["source"], message: "A service can't have both an image and a source. Remove one." }
    }
    if (service.image === undefined && service.source === undefined) {
      return {
        path: [],
        message: `The service needs an image or a source. Add \`image: "nginx:1.27"\` or \`source: "./${service.name}"\`.`
      }
    }
    if (service.build !== undefined && service.source === undefined) {
      return { path: ["build"], message: "Only a source has a build, but this service has an image. Remove `build`." }
    }
    if (service.drain !== undefined && service.drain > service.timeout) {
      return {
        path: ["drain"],
        message: `drain (${service.drain / 1000} s) is longer than timeout (${service.timeout / 1000} s), but no request lasts that long. Lower drain or raise timeout.`
      }
    }
    const [odd] = patchIssues(service)
    if (odd !== undefined) return odd
    if (!linksOf(service).includes(service.name)) return true
    const linked = service.links.indexOf(service.name)
    const named = Object.entries(service.env).find(([, value]) =>
      referencesOf(value).some(
        (each) => "service" in each && each.property !== "publicUrl" && each.service === service.name
      )
    )
    const path = linked !== -1 || named === undefined ? ["links", linked] : ["env", named[0]]
    return { path, message: `"${service.name}" links to itself. Remove the link.` }
  })
).annotations({ identifier: "ServiceSpec" })
export type ServiceSpec = typeof ServiceSpec.Type

/** The services that `service` may call, sorted, without duplicates: its `links`, and those with a `url` or `host` in its `env`. */
export const linksOf = (service: typeof Fields.Type): ReadonlyArray<ServiceName> => {
  const named = Object.values(service.env)
    .flatMap(referencesOf)
    .flatMap((each) => ("service" in each && each.property !== "publicUrl" ? [each.service] : []))
  return [...new Set([...service.links, ...named])].sort()
}

/** The variables of `service` that hold the URL of a service that it links to, as `<service>=<variable>`. */
export const linkVariablesOf = ({ env }: Pick<typeof Fields.Type, "env">): ReadonlyArray<string> =>
  Object.entries(env)
    .flatMap(([variable, value]) =>
      referencesOf(value).flatMap((each) =>
        "service" in each && each.property === "url" ? [`${each.service}=${variable}`] : []
      )
    )
    .sort()

/** All services that `service` names, without duplicates: its links, and those with a `publicUrl` in its `env`. */
export const servicesNamedBy = (service: Pick<typeof Fields.Type, "env" | "links">): ReadonlyArray<ServiceName> => {
  const named = Object.values(service.env)
    .flatMap(referencesOf)
    .flatMap((each) => ("service" in each ? [each.service] : []))
  return [...new Set([...service.links, ...named])].sort()
}

/** Every secret that `service` names, with its path in the service. */
export const secretReferencesOf = (
  service: Pick<typeof Fields.Type, "env" | "files">
): ReadonlyArray<{ readonly reference: SecretReference; readonly path: readonly ["env" | "files", string] }> => [
  ...Object.entries(service.env).flatMap(([name, value]) =>
    referencesOf(value).flatMap((each) => ("secret" in each ? [{ reference: each, path: ["env", name] as const }] : []))
  ),
  ...Object.entries(service.files).map(([file, each]) => ({ reference: each, path: ["files", file] as const }))
]

/** The services of other apps that `service` names, without duplicates. `isLink` if it uses their `url` or `host`, so that it may call them. */
export const externalsOf = (
  service: Pick<typeof Fields.Type, "env">,
  stage: StageName
): ReadonlyArray<ExternalTarget & { readonly isLink: boolean }> => {
  const found = new Map<string, ExternalTarget & { readonly isLink: boolean }>()
  for (const reference of Object.values(service.env).flatMap(referencesOf)) {
    if (!("external" in reference)) continue
    const target = targetOf(reference, stage)
    const key = `${target.app}/${target.stage}/${target.service}`
    found.set(key, { ...target, isLink: found.get(key)?.isLink === true || reference.property !== "publicUrl" })
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target)
}

/** The names of the secrets of `service`, sorted, without duplicates. */
export const secretsOf = (service: ServiceSpec): ReadonlyArray<SecretReference["secret"]> =>
  [...new Set(secretReferencesOf(service).map((each) => each.reference.secret))].sort()
