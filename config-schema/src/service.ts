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
  Schema.pattern(/^sha256:[a-f0-9]{64}$/, { arbitrary: () => (fc) => fc.stringMatching(/^sha256:[a-f0-9]{64}$/) }),
  Schema.brand("SourceDigest")
)
export type SourceDigest = typeof SourceDigest.Type

const SourcePath = textUpTo(bounds.sourcePathLength, "The path").pipe(Schema.nonEmptyString())

/** A folder inside a snapshot: relative, without empty names, `.`, `..` and what no file name has. */
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
  digest: optional(SourceDigest, "The uploaded snapshot of it. Set by the client when it deploys."),
  package: optional(
    SourcePackage,
    "The folder inside the snapshot that is the service, if the snapshot is cut from a workspace: `packages/api`. Dependencies are installed at the snapshot's root, and the service runs in this folder. Set by the client when it deploys."
  ),
  directory: optional(
    textUpTo(bounds.sourcePathLength, "The folder").pipe(Schema.pattern(/^\//)),
    "Absolute folder to run in place instead of a snapshot: `maxcloud dev` only."
  ),
  script: optional(
    Schema.Literal("dev"),
    "The script of its package.json that runs it in `directory`: one that reloads by itself. Set by `maxcloud dev`.",
    { default: "as a deploy starts it" }
  )
})

/** A folder with the source of a service. Written as its path alone, or with the details that the client adds. */
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
      "The build command is empty. Write `build: false` to build nothing.",
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
    command: optional(BuildCommand, "The command, by `sh`, with the project's own programs on the PATH.", {
      default: "the project's own `build` script"
    }),
    output: optional(BuildOutput, "The folder that holds the site, or the program, relative to the source.", {
      default: "found by itself"
    })
  })
).annotations({
  identifier: "Build",
  documentation:
    "How a source is built: `false` not at all, a text the command, or a command with the folder that it leaves. Without it, the project's own `build` script is run if there is one.",
  ...typedAs("BuildInput")
})
export type Build = typeof Build.Type

const cidr = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/

/** Where a service may connect to besides its links and DNS: the public internet, nothing, or these IPv4 ranges. */
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
 * A port, or `"auto"`: a TCP port that the image says it listens on (`EXPOSE`), and 8080 where it says nothing or the runtime cannot know. Of
 * several the local runtime takes the one that answers HTTP. A cluster takes 8080, 80 or else the lowest, but none for a debugger, metrics or TLS.
 */
export const Port = Schema.Union(whole(1, 65_535, "port"), Schema.Literal("auto"))
export type Port = typeof Port.Type

/** The port where nothing says another. (Knative's default.) */
export const defaultPort = 8080

const absolutePath = textUpTo(bounds.filePathLength, "The path").pipe(
  Schema.filter(
    (text) =>
      /^\/[^\0:]+$/.test(text) &&
      !text.endsWith("/") &&
      !text.split("/").some((part) => part === ".." || part === ".") &&
      !/^\/(dev|proc|sys)(\/|$)/.test(text)
        ? true
        : `${quoted(text)} isn't a valid path for a file. Use an absolute path outside of /dev, /proc and /sys, without ":", "." or "..".`,
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
  source: optional(Source, "The folder whose program to run. Either this or `image`."),
  build: optional(Build, "How the source is built.", { default: "its `build` script, if it has one" }),
  command: optional(
    Command,
    "Replaces the image's entrypoint; for a source, what to run instead of its `start` script. `$(NAME)` is the variable NAME, `$$(NAME)` the text.",
    { default: "the image's own" }
  ),
  args: optional(
    listUpTo(CommandPart, bounds.commandParts, "The list of arguments"),
    "Arguments to the command, with `$(NAME)` as in `command`.",
    { default: "the image's own" }
  ),
  port: withDefault(
    Port,
    defaultPort,
    'The port that the program listens on. The program gets it as `PORT`. `"auto"`: the port that the image exposes.'
  ),
  protocol: withDefault(
    Schema.Literal("http1", "h2c"),
    "http1",
    "`http1` (with WebSocket) or `h2c`: HTTP/2 without TLS, as gRPC needs."
  ),
  env: withDefault(
    Env,
    {},
    "Environment variables: name to value, or in TypeScript a contract of `envOf`. `PORT` means `port`.",
    {
      default: "none",
      type: "EnvInputs"
    }
  ),
  files: withDefault(
    mapUpTo(absolutePath, SecretReference, bounds.files, "The map of files"),
    {},
    "Secrets as files: absolute path to secret.",
    { default: "none" }
  ),
  cpu: withDefault(Cpu, 1, "vCPU per instance at most."),
  memory: withDefault(Memory, "512Mi", "Memory per instance at most."),
  scale: withDefault(Scale, {}, "How many instances it has."),
  timeout: withDefault(
    DurationBetween("1s", "1h", { wholeSeconds: true }),
    "5m",
    "How long one request may take, 1s to 1h."
  ),
  probes: withDefault(Probes, {}, "How its instances are checked.", {
    default: "the port must accept a TCP connection"
  }),
  visibility: withDefault(
    Schema.Literal("public", "internal"),
    "public",
    "`public`: reached from outside at its URL; `internal`: by linked services only."
  ),
  links: withDefault(
    listUpTo(ServiceName, bounds.links, "The list of links"),
    [],
    "Services that this one calls, besides those whose `url` or `host` its `env` names.",
    { type: "ReadonlyArray<Service | LeftOut>" }
  ),
  egress: withDefault(
    Egress,
    "internet",
    'Where it may connect to besides its links and DNS: `"internet"`, `"none"`, or IPv4 ranges.'
  ),
  labels: withDefault(Labels, {}, "Labels of one's own on its Kubernetes objects.", { default: "none" }),
  manifests: optional(
    Patches,
    "Changes to its Kubernetes objects, by `patch(…)`, for fields that max-cloud doesn't have. Only what the server's operator allows, and only on Kubernetes.",
    { default: "none", type: "ReadonlyArray<Patch | LeftOut>" }
  )
})

/** A container that answers HTTP (Knative Service). */
export const ServiceSpec = Fields.pipe(
  Schema.filter((service) => {
    if (service.image !== undefined && service.source !== undefined) {
      return { path: ["source"], message: "A service has an image or a source, not both. Remove one." }
    }
    if (service.image === undefined && service.source === undefined) {
      return {
        path: [],
        message: `The service needs an image or a source. Add \`image: "nginx:1.27"\` or \`source: "./${service.name}"\`.`
      }
    }
    if (service.build !== undefined && service.source === undefined) {
      return { path: ["build"], message: "Only a source is built, and this service has an image. Remove `build`." }
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

/** The services that `service` may call, sorted, each once: its `links` and those whose `url` or `host` its `env` names. */
export const linksOf = (service: typeof Fields.Type): ReadonlyArray<ServiceName> => {
  const named = Object.values(service.env)
    .flatMap(referencesOf)
    .flatMap((each) => ("service" in each && each.property !== "publicUrl" ? [each.service] : []))
  return [...new Set([...service.links, ...named])].sort()
}

/** The services that `service` names in any way, each once: its links, and those whose `publicUrl` its `env` has. */
export const servicesNamedBy = (service: Pick<typeof Fields.Type, "env" | "links">): ReadonlyArray<ServiceName> => {
  const named = Object.values(service.env)
    .flatMap(referencesOf)
    .flatMap((each) => ("service" in each ? [each.service] : []))
  return [...new Set([...service.links, ...named])].sort()
}

/** Every secret that `service` names, with its place in the service. */
export const secretReferencesOf = (
  service: Pick<typeof Fields.Type, "env" | "files">
): ReadonlyArray<{ readonly reference: SecretReference; readonly path: readonly ["env" | "files", string] }> => [
  ...Object.entries(service.env).flatMap(([name, value]) =>
    referencesOf(value).flatMap((each) => ("secret" in each ? [{ reference: each, path: ["env", name] as const }] : []))
  ),
  ...Object.entries(service.files).map(([file, each]) => ({ reference: each, path: ["files", file] as const }))
]

/** The services of other apps that `service` names, each once. `isLink`: it may call them, by their `url` or `host`. */
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

/** The names of the secrets that `service` holds, sorted, each once. */
export const secretsOf = (service: ServiceSpec): ReadonlyArray<SecretReference["secret"]> =>
  [...new Set(secretReferencesOf(service).map((each) => each.reference.secret))].sort()
