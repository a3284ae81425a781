import { arch, platform as systemPlatform } from "node:os"
import { join, resolve } from "node:path"
import {
  type BaseImage,
  BuildFailed,
  baseInLayout,
  defaultBase,
  openLayout,
  type Platform,
  parseLayoutReference,
  pythonVersionIn,
  writeImage
} from "@maxcloud/builder"
import type { Build } from "@maxcloud/config-schema"
import { SourceInvalid } from "@maxcloud/sdk/effect"
import { Effect, Either } from "effect"
import { errorText, systemFaultOf } from "../../base/host/systemFault.ts"
import { version } from "../../base/settings/version.ts"
import { ImageProblem } from "../../stores/images/ImageProblem.ts"
import { ImagesError } from "../../stores/images/Images.ts"
import { SourceError } from "../../stores/sources/SourceStore.ts"
import { type TreeOfSource, withBuiltFolder } from "./buildFolder.ts"
import { compilePython } from "./compilePython.ts"
import { registryBase } from "./registryBase.ts"

export interface ImageBuildOptions {
  /** The absolute path of the source. */
  readonly folder: string
  /** As the config writes it. */
  readonly build: Build | undefined
  /** The start command, if the source doesn't say it. */
  readonly command: ReadonlyArray<string> | undefined
  readonly port: number
  /** `oci:FOLDER`, `oci:FOLDER:TAG`, or an image of a registry. @default Docker's official image for the language */
  readonly base: string | undefined
  /** The OCI layout to write, and the image's tag in it. */
  readonly output: { readonly folder: string; readonly tag: string }
  /** The folder for installed dependencies, which later builds use again. */
  readonly cache: string
  readonly environment: NodeJS.ProcessEnv
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal
}

/** The builder's `WrittenImage`, written out: published declarations can't name a private package. */
export interface BuiltImage {
  readonly tag: string
  /** Of the manifest, by which the image is pulled. */
  readonly digest: string
  /** Of the configuration. It doesn't depend on how the layers are compressed. */
  readonly imageId: string
  readonly kind: string
  readonly platform: string
  readonly base: { readonly name: string; readonly digest: string }
  readonly layers: ReadonlyArray<{
    readonly what: "base" | "dependencies" | "code"
    readonly digest: string
    /** Compressed. */
    readonly bytes: number
  }>
  readonly bytes: number
  readonly entrypoint: ReadonlyArray<string>
  readonly user: string
  readonly port: number
  readonly sbom: { readonly digest: string; readonly packages: number }
  readonly provenance: { readonly digest: string }
}

export type ImageBuildResult =
  | { readonly ok: true; readonly image: BuiltImage; readonly leftOut: ReadonlyArray<string> }
  | {
      readonly ok: false
      /** `unavailable`: a retry may help. `invalid`: a name on the command line. `build`: the source, or that base image for it. */
      readonly reason: "unavailable" | "invalid" | "build"
      readonly message: string
    }

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" }

/** The platform that this machine builds for: it installs packages with native code for itself. */
const ownPlatform = (): Platform => {
  const architecture = architectures[arch()]
  if (systemPlatform() === "linux" && architecture !== undefined) return { os: "linux", architecture }
  throw new BuildFailed({
    reason: "invalid",
    message: `Images are built on Linux, on amd64 or arm64, but this machine is ${systemPlatform()} on ${arch()}: packages with native code wouldn't run. Run maxcloud in a Linux container or virtual machine.`
  })
}

const baseFor = async ({ built, root }: TreeOfSource): Promise<string> => {
  const python = built.kind.startsWith("Python") ? await pythonVersionIn(join(root, built.folder)) : undefined
  return defaultBase(built.kind, python ?? "3")
}

const reasonOf = (cause: unknown): "unavailable" | "invalid" | "build" | undefined => {
  if (cause instanceof ImagesError) return "unavailable"
  if (cause instanceof ImageProblem || cause instanceof SourceInvalid) return "invalid"
  if (cause instanceof BuildFailed) return cause.reason === "unavailable" ? "unavailable" : "build"
  if (cause instanceof SourceError)
    return cause.reason === "unavailable" || cause.reason === "diskFull" ? "unavailable" : "build"
  return systemFaultOf(cause) === undefined ? undefined : "unavailable"
}

/** Gives `use` the base image. Its registry's connections are open meanwhile. */
const withBase = async <A>(
  written: string,
  platform: Platform,
  { environment, signal }: ImageBuildOptions,
  use: (base: BaseImage) => Promise<A>
): Promise<A> => {
  const layout = parseLayoutReference(written)
  if (layout !== undefined) return use(await baseInLayout(resolve(layout.folder), layout.tag, platform))
  return Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(registryBase(written, platform, environment), (base) =>
        Effect.tryPromise({ try: () => use(base), catch: (cause) => cause })
      )
    ).pipe(Effect.either),
    { signal }
  ).then(Either.getOrThrowWith((cause) => cause))
}

/** Builds a folder, and writes an image of the result into an OCI layout. Needs no server and no container engine. */
export const buildImage = async (options: ImageBuildOptions): Promise<ImageBuildResult> => {
  const { build, cache, command, environment, folder, onLine, output, port, signal } = options
  try {
    const platform = ownPlatform()
    const source = { folder, build, hasCommand: command !== undefined, cache, environment, onLine, signal }
    return await withBuiltFolder(source, async (tree) => {
      const { box, built, leftOut, root, source } = tree
      const compiled = await compilePython(tree, join(box, "compiled"), options)
      const image = await withBase(options.base ?? (await baseFor(tree)), platform, options, async (base) =>
        writeImage({
          root,
          built,
          compiled,
          command,
          port,
          base,
          layout: await openLayout(output.folder),
          tag: output.tag,
          record: { source, parameters: { build, command, port }, version },
          progress: onLine,
          signal
        })
      )
      return { ok: true, image, leftOut } as const
    })
  } catch (cause) {
    const reason = reasonOf(cause)
    if (reason === undefined || signal.aborted) throw cause
    return { ok: false, reason, message: errorText(cause, "this machine's disk") }
  }
}
