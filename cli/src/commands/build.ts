import { resolve } from "node:path"
import type { ImageBuildResult } from "@maxcloud/server"
import { Effect } from "effect"
import { integer, optional, text, texts } from "../args/flags.ts"
import { runBuild } from "../build/runBuild.ts"
import { defaultPort, type ServiceSource, serviceSource } from "../build/serviceSource.ts"
import { loadOffline } from "../client.ts"
import { command, flags, type Globals, positionals } from "../command.ts"
import { commandOf } from "../deploy/imageApp.ts"
import { UsageError } from "../errors/failure.ts"
import { integerBytes } from "../output/format.ts"
import { type Terminal, table } from "../output/terminal.ts"

interface BuildInput extends Globals {
  readonly path: string | undefined
  readonly service: string | undefined
  readonly buildCommand: string | undefined
  readonly command: ReadonlyArray<string>
  readonly port: number | undefined
}

/** The service of the config that `--service` names. */
const sourceOfService = (input: BuildInput, name: string, terminal: Terminal) =>
  Effect.gen(function* () {
    const loaded = yield* loadOffline(input, terminal)
    const service = loaded.spec.services.find((each) => each.name === name)
    const others = loaded.spec.services.filter((each) => each.source !== undefined).map((each) => each.name)
    const source = service === undefined ? undefined : serviceSource(service, loaded.folder)
    if (source === undefined)
      return yield* new UsageError({
        message: `${loaded.spec.app} has no service "${name}" with a source`,
        fix: others.length === 0 ? "name a folder instead" : `use one of ${others.join(", ")}`
      })
    return source
  })

const sourceOf = (input: BuildInput, terminal: Terminal) =>
  Effect.gen(function* () {
    const { buildCommand, path, service } = input
    if (path !== undefined && service !== undefined)
      return yield* new UsageError({ message: "PATH and --service can't be combined", fix: "give one of them" })
    const words = yield* commandOf(input.command)
    const found: ServiceSource =
      service === undefined
        ? { folder: resolve(path ?? "."), build: undefined, command: undefined, port: defaultPort }
        : yield* sourceOfService(input, service, terminal)
    const port = input.port ?? found.port
    if (port < 1 || port > 65_535)
      return yield* new UsageError({ message: `${port} isn't a port`, fix: "use a number from 1 to 65535" })
    const source: ServiceSource = {
      ...found,
      build: buildCommand ?? found.build,
      command: words.length === 0 ? found.command : words,
      port
    }
    return source
  })

/** `oci:FOLDER` or `oci:FOLDER:TAG`. */
const outputOf = (written: string | undefined): Effect.Effect<{ folder: string; tag: string }, UsageError> => {
  if (written === undefined) return new UsageError({ message: "no output given", fix: "add --output oci:FOLDER" })
  const [, folder, tag = "latest"] = /^oci:([^:@]+)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?$/.exec(written) ?? []
  return folder === undefined
    ? new UsageError({
        message: `"${written}" isn't an output that build can write`,
        fix: "use a form like oci:FOLDER or oci:FOLDER:TAG"
      })
    : Effect.succeed({ folder: resolve(folder), tag })
}

const printImage = (
  { image, leftOut }: Extract<ImageBuildResult, { readonly ok: true }>,
  output: { readonly folder: string; readonly tag: string },
  terminal: Terminal
) => {
  const place = `oci:${output.folder}:${output.tag}`
  if (terminal.json) return terminal.printJson({ output: place, ...image })
  if (leftOut.length > 0) terminal.say(`${terminal.paintError("yellow", "left out")} as secret: ${leftOut.join(", ")}`)
  const own = image.layers.filter(({ what }) => what !== "base")
  const base = image.layers.filter(({ what }) => what === "base").reduce((sum, { bytes }) => sum + bytes, 0)
  for (const line of table([
    ["image", place],
    ["digest", image.digest],
    ["kind", `${image.kind}, ${image.platform}`],
    ["base", `${image.base.name}@${image.base.digest} (${integerBytes(base)})`],
    ...own.map(({ bytes, digest, what }) => [what, `${digest} (${integerBytes(bytes)})`]),
    ["starts with", image.entrypoint.join(" ")],
    ["as", `user ${image.user}, PORT=${image.port}`],
    ["SBOM", `${image.sbom.digest} (${image.sbom.packages} packages)`],
    ["provenance", image.provenance.digest]
  ]))
    terminal.print(line)
}

export default command({
  summary: "Build an image from source, without a container engine",
  offline: true,
  examples: [
    { line: "maxcloud build --output oci:image", does: "Build the current folder into an OCI layout" },
    { line: "maxcloud build shop --output oci:image:v1", does: "Build another folder, with the tag v1" },
    {
      line: "maxcloud build --service web --output oci:image",
      does: "Build a service of the config, with its settings"
    },
    {
      line: "maxcloud build --base registry.example.com/base/node:24 --output oci:image",
      does: "Build on your own base image"
    },
    { line: "maxcloud build --base oci:base --output oci:image", does: "Build on an image in an OCI layout" }
  ],
  notes: [
    "It needs neither a server nor a container engine. It installs and builds like `maxcloud deploy` does on the local runtime, and runs the project's own scripts.",
    "The same source on the same base image gives the same digest, if the project's own build gives the same files.",
    "The image starts as user 65532, without a shell if the start command needs none, and gets its port as PORT.",
    "Copy it with `skopeo copy oci:FOLDER:TAG docker://…`, or load it with `podman pull oci:FOLDER:TAG`.",
    "Installed dependencies are kept for later builds in $XDG_CACHE_HOME/maxcloud/builds (~/.cache by default, /var/cache as root)."
  ],
  flags: flags({
    output: text("output", "OUTPUT", { alias: "o", description: "Layout to write: oci:FOLDER or oci:FOLDER:TAG" }),
    base: text("base", "IMAGE", {
      description: "Image to build on, of a registry or as oci:FOLDER:TAG [node, python or debian of Docker Hub]"
    }),
    service: text("service", "NAME", { description: "Build this service of the config" }),
    buildCommand: text("build-command", "COMMAND", { description: "Build command [the project's `build` script]" }),
    command: texts("command", "COMMAND", {
      description: "Start command: one text, quoted as in a shell, or the flag once for each word [detected]"
    }),
    port: integer("port", "PORT", { description: `Port that the program gets as PORT [${defaultPort}]` })
  }),
  positionals: positionals({ path: optional("PATH", "Folder to build [the current folder]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const output = yield* outputOf(input.output)
      const source = yield* sourceOf(input, terminal)
      const onLine = (line: string) => terminal.say(terminal.json ? line : terminal.paintError("dim", line))
      printImage(yield* runBuild({ source, base: input.base, output, onLine }), output, terminal)
    })
})
