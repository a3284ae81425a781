import { createHash, randomBytes } from "node:crypto"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { BuildFailed, type BuildHost, build, type Command, startSchema } from "@maxcloud/builder"
import { Option, Schema } from "effect"
import { exists } from "../../base/host/exists.ts"
import { removeTree } from "../../base/host/removeTree.ts"
import type { makeBuildAs } from "./buildAs.ts"
import { type CachePlace, makeDependencyCache } from "./dependencyCache.ts"
import { openBuildNetwork } from "./openBuildNetwork.ts"
import { type Installer, runCommand } from "./runCommand.ts"
import { type BuiltSource, SourceError, type SourceToBuild } from "./SourceStore.ts"
import type { SourceImages } from "./sourceImages.ts"
import { type Depth, damageCode, treeFault, writeTreeFiles } from "./treeFiles.ts"
import { makeReadOnly } from "./trees.ts"

/** Increase it when builds of the same source change, so that builds of an older server are rebuilt. */
const version = 1

/** Shorter than the deadline of a deployment, which would otherwise fail first, with a less useful reason. */
const limitMs = 9 * 60_000

type How = Omit<SourceToBuild, "digest">

/** The name of a snapshot built in this way, by this Node: native modules are built for one major version. */
export const variantOf = ({ build, hasCommand, package: inside }: How): string =>
  createHash("sha256")
    .update(JSON.stringify([version, process.versions.node.split(".")[0], build, inside, hasCommand === true]))
    .digest("hex")
    .slice(0, 16)

const Stored = Schema.parseJson(
  Schema.Union(
    Schema.Struct({ image: Schema.String.pipe(Schema.pattern(/^sha256:[0-9a-f]{64}$/)), kind: Schema.String }),
    Schema.Struct({
      folder: Schema.String,
      start: Schema.optional(startSchema),
      path: Schema.Array(Schema.String),
      environment: Schema.Record({ key: Schema.String, value: Schema.String }),
      kind: Schema.String,
      isListed: Schema.optional(Schema.Boolean)
    })
  )
)

const decodeStored = Schema.decodeUnknownSync(Stored)

/** The list of the files in `app/`, which `built.json` is part of. */
const listOf = (place: string) => join(place, "files")

/**
 * The fault of `buildSource`'s result in `place`; `gone` if it's missing. `hasImage`: is the image still in the
 * container engine's store?
 */
export const builtFault = async (
  place: string,
  depth: Depth,
  hasImage: (id: string) => Promise<boolean>
): Promise<string | undefined> => {
  if (!(await exists(place))) return "gone"
  try {
    const text = await readFile(join(place, "built.json"), "utf8")
    const stored = Schema.decodeUnknownOption(Stored)(text)
    if (Option.isNone(stored)) return "built.json can't be read"
    if ("image" in stored.value) return (await hasImage(stored.value.image)) ? undefined : "gone"
    // An older server has written no list.
    if (stored.value.isListed !== true) return (await exists(join(place, "app"))) ? undefined : "its files are missing"
    return await treeFault(join(place, "app"), listOf(place), depth, text)
  } catch (cause) {
    const code = damageCode(cause)
    if (code === undefined) throw cause
    return `it can't be read (${code})`
  }
}

/** Reads `buildSource`'s result in `place`. */
export const readBuilt = async (place: string): Promise<BuiltSource> => {
  const stored = decodeStored(await readFile(join(place, "built.json"), "utf8"))
  if ("image" in stored) return stored
  const { environment, folder, kind, path, start } = stored
  const app = join(place, "app")
  return { folder: join(app, folder), start, environment, kind, path: path.map((value) => join(app, value)) }
}

export interface Place extends CachePlace {
  /** The unpacked snapshot, in the box. The build's result goes into `done` beside it. */
  readonly tree: string
  readonly marker: string
  readonly node: string
  /** As root: runs commands as another user. */
  readonly buildAs: ReturnType<typeof makeBuildAs> | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly images: SourceImages
  /** The final place of the result. */
  readonly place: string
}

const toSourceError = (cause: unknown, timeLimit: AbortSignal): unknown => {
  if (timeLimit.aborted)
    return new SourceError({
      reason: "build",
      message: `The build took more than ${limitMs / 60_000} minutes and was stopped. Build less, or build an image elsewhere and set \`image\`.`
    })
  if (!(cause instanceof BuildFailed)) return cause
  return new SourceError({ reason: cause.reason === "unavailable" ? "unavailable" : "build", message: cause.message })
}

/** Builds the tree in its box: `done/app`, read-only, unless it builds an image, and `done/built.json`. */
export const buildSource = async (
  place: Place,
  how: How,
  { ending, progress }: { readonly ending: AbortSignal; readonly progress: (line: string) => void }
): Promise<void> => {
  const { box, tree } = place
  const timeLimit = AbortSignal.timeout(limitMs)
  const signal = AbortSignal.any([ending, timeLimit])
  const marker = `${place.marker}/build-${randomBytes(8).toString("hex")}`
  const host: BuildHost = {
    progress,
    image: (dockerfile, context) =>
      place.images.build({
        dockerfile,
        context,
        box,
        place: place.place,
        fresh: place.fresh,
        signal,
        onLine: progress
      }),
    remove: removeTree,
    commands: async (use) => {
      await using network = await openBuildNetwork(place.environment, box)
      const withInstaller = (installer?: Installer) =>
        use((command: Command) =>
          runCommand(tree, command, {
            environment: place.environment,
            network: network.environment,
            nodeFolder: place.node,
            marker,
            installer,
            signal,
            onLine: progress
          })
        )
      await (place.buildAs === undefined ? withInstaller() : place.buildAs(box, tree, withInstaller))
    },
    cache: makeDependencyCache(place)
  }
  const done = join(box, "done")
  const app = join(done, "app")
  let text: string
  try {
    await mkdir(done, { mode: 0o755 })
    const built = await build({ folder: tree, ...how }, app, host)
    text = JSON.stringify({ ...built, isListed: true })
    await writeFile(join(done, "built.json"), text, { mode: 0o600 })
  } catch (cause) {
    throw toSourceError(cause, timeLimit)
  }
  if (!(await exists(app))) return
  await makeReadOnly(app, place.open)
  // Moving a folder into another requires the right to write to it.
  await chmod(app, 0o555)
  await writeTreeFiles(app, listOf(done), text)
}
