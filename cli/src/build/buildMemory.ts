import { createHash } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import { arch } from "node:os"
import { join } from "node:path"
import { Effect, Option, Schema } from "effect"
import { replaceFile } from "../input/replaceFile.ts"
import type { ServiceSource } from "./serviceSource.ts"

const mostEntries = 1_000
const mostBytes = 1024 * 1024
/** After that, a build looks whether the base image has changed. */
const rememberedMs = 24 * 3_600_000

const Remembered = Schema.Record({
  key: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/)),
  value: Schema.Struct({ digest: Schema.String.pipe(Schema.pattern(/^sha256:[0-9a-f]{64}$/)), at: Schema.Int })
})
const decode = Schema.decodeUnknownOption(Schema.parseJson(Remembered))

export interface BuiltFrom extends Omit<ServiceSource, "folder"> {
  /** Of the source's snapshot. */
  readonly snapshot: string
  /** The service's folder in the snapshot of a workspace. */
  readonly package: string | undefined
  readonly base: string | undefined
  /** The registry's host and the repository. */
  readonly place: string
  readonly version: string
}

/** Everything that decides about an image; undefined if that can't be known: a layout on disk may change. */
export const keyOf = (from: BuiltFrom): string | undefined => {
  if (from.base?.startsWith("oci:") === true) return undefined
  const { base, build, command, package: cut, place, port, snapshot, version } = from
  const all = [snapshot, cut ?? null, build ?? null, command ?? null, port, base ?? null, place, version]
  return createHash("sha256")
    .update(JSON.stringify([...all, process.version, arch()]))
    .digest("hex")
}

const fileIn = (cache: string) => join(cache, "images.json")

const read = async (file: string): Promise<typeof Remembered.Type> => {
  try {
    if ((await stat(file)).size > mostBytes) return {}
    return Option.getOrElse(decode(await readFile(file, "utf8")), () => ({}))
  } catch {
    return {}
  }
}

/** The digest of the image that an earlier build on this machine made. It only saves time, and may be deleted. */
export const rememberedImage = (cache: string, key: string, now: number): Effect.Effect<string | undefined> =>
  Effect.map(
    Effect.promise(() => read(fileIn(cache))),
    (found) => {
      const entry = found[key]
      return entry !== undefined && entry.at <= now && now - entry.at < rememberedMs ? entry.digest : undefined
    }
  )

export const rememberImage = (cache: string, key: string, digest: string, now: number): Effect.Effect<void> =>
  replaceFile({
    file: fileIn(cache),
    isPrivate: false,
    failed: (cause) => cause,
    edit: Effect.map(
      Effect.promise(() => read(fileIn(cache))),
      (found) => {
        const others = Object.entries(found).filter(([each, { at }]) => each !== key && now - at < rememberedMs)
        return JSON.stringify(Object.fromEntries([...others.slice(1 - mostEntries), [key, { digest, at: now }]]))
      }
    )
  }).pipe(Effect.ignore)
