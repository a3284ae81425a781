import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import type { LayerMemory } from "@maxcloud/oci"
import { Effect, Option, Schema } from "effect"
import { cacheFolder } from "../input/cacheFolder.ts"

const mostEntries = 5_000
const mostRepositories = 5
const mostBytes = 4 * 1024 * 1024

const Digest = Schema.String.pipe(Schema.pattern(/^sha256:[a-f0-9]{64}$/))
const Kept = Schema.Struct({
  /** By the version of zlib and the digest of the unpacked content. */
  layers: Schema.Record({ key: Schema.String, value: Schema.Struct({ digest: Digest, size: Schema.Int }) }),
  /** Repositories that have a blob, by the registry's host and the blob's digest. */
  repositories: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) })
})
const decode = Schema.decodeUnknownOption(Schema.parseJson(Kept))

/** What earlier pushes learned. It only saves time: nothing depends on it, and it may be deleted. */
export interface PushMemory extends LayerMemory {
  readonly repositoriesOf: (host: string, digest: string) => ReadonlyArray<string>
  readonly stored: (host: string, digest: string, repository: string) => void
  /** Writes it for the next push, which may lose what another one writes at the same time. */
  readonly save: Effect.Effect<void>
}

/** `$XDG_CACHE_HOME/maxcloud/push.json`, by default below `~/.cache`. */
export const memoryFile = (env: Readonly<Record<string, string | undefined>>): string =>
  join(cacheFolder(env, join(homedir(), ".cache")), "push.json")

const read = async (file: string) => {
  try {
    return (await stat(file)).size > mostBytes ? Option.none() : decode(await readFile(file, "utf8"))
  } catch {
    return Option.none()
  }
}

/** The newest entries of a map. */
const newest = <A>(map: ReadonlyMap<string, A>) => Object.fromEntries([...map].slice(-mostEntries))

/** Puts an entry at the end, where the newest are. */
const renewed = <A>(map: Map<string, A>, key: string, value: A) => {
  map.delete(key)
  map.set(key, value)
}

export const readPushMemory = (file: string): Effect.Effect<PushMemory> =>
  Effect.map(
    Effect.promise(() => read(file)),
    (found): PushMemory => {
      const { layers, repositories } = Option.getOrElse(found, () => ({ layers: {}, repositories: {} }))
      const layersByContent = new Map(Object.entries(layers))
      const repositoriesByBlob = new Map(Object.entries(repositories))
      // Another version may compress to other bytes.
      const contentKey = (diffId: string) => `${process.versions["zlib"]} ${diffId}`
      return {
        find: (diffId) => layersByContent.get(contentKey(diffId)),
        keep: (diffId, packed) => renewed(layersByContent, contentKey(diffId), packed),
        repositoriesOf: (host, digest) => repositoriesByBlob.get(`${host} ${digest}`) ?? [],
        stored: (host, digest, repository) => {
          const key = `${host} ${digest}`
          const others = (repositoriesByBlob.get(key) ?? []).filter((each) => each !== repository)
          renewed(repositoriesByBlob, key, [repository, ...others].slice(0, mostRepositories))
        },
        save: Effect.promise(async () => {
          const text = JSON.stringify({ layers: newest(layersByContent), repositories: newest(repositoriesByBlob) })
          const temporary = `${file}.${process.pid}`
          await mkdir(dirname(file), { recursive: true, mode: 0o700 })
          try {
            await writeFile(temporary, text, { mode: 0o600 })
            await rename(temporary, file)
          } finally {
            await rm(temporary, { force: true })
          }
        }).pipe(Effect.catchAllCause(() => Effect.void))
      }
    }
  )
