import { randomBytes } from "node:crypto"
import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { removeTree } from "../../base/host/removeTree.ts"
import { errorText } from "../../base/host/systemFault.ts"
import { dependencyNotes } from "../../stores/sources/dependencyCache.ts"
import type { CacheEntry, ClearedCache } from "./CacheEntry.ts"
import { OperatorError } from "./OperatorError.ts"

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String }))
)
const decodeDigests = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ organization_id: Schema.String, digest: Schema.String }))
)

/**
 * Digests that services should run, and those of the serving revisions, by `<organization>/<digest>`. Some are of
 * images.
 */
const running = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql`
    select distinct o.organization_id, m[1] as digest from (
      select organization_id, spec::text as written from services
      union all select organization_id, manifest::text from runtime_objects where kind = 'Service'
      union all select r.organization_id, r.manifest::text from runtime_objects r join runtime_objects s
        on s.organization_id = r.organization_id and s.namespace = r.namespace and s.kind = 'Service'
          and s.status ->> 'latestReady' = r.name
        where r.kind = 'Revision'
    ) o, regexp_matches(o.written, 'sha256:([0-9a-f]{64})', 'g') m`
  return new Set(decodeDigests(rows).map((decodeDigest) => `${decodeDigest.organization_id}/${decodeDigest.digest}`))
})

const orGone =
  <A>(or: A) =>
  (cause: NodeJS.ErrnoException): A => {
    if (cause.code !== "ENOENT") throw cause
    return or
  }
/** Never follows a link: anybody who can write here may have made it, and its target may be outside of the cache. */
const namesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  const found = await lstat(folder).catch(orGone(undefined))
  return found?.isDirectory() === true ? readdir(folder).catch(orGone([])) : []
}

const bytesOf = async (path: string): Promise<number> => {
  const found = await lstat(path).catch(orGone(undefined))
  if (found === undefined) return 0
  if (!found.isDirectory()) return found.size
  let bytes = 0
  for (const name of await namesIn(path)) bytes += await bytesOf(join(path, name))
  return bytes
}

interface Place extends CacheEntry {
  readonly path: string
}

const placesOf = async (
  root: string,
  organization: CacheEntry["organization"],
  runs: ReadonlySet<string>
): Promise<ReadonlyArray<Place>> => {
  const own = join(root, organization.id)
  if ((await namesIn(own)).length === 0) return []
  // A build keeps a folder there as long as it runs.
  const builds = (await namesIn(join(own, "unfinished"))).length > 0
  const names: Array<readonly [CacheEntry["kind"], string]> = [
    ...(await namesIn(join(own, "dependencies")))
      .filter((text) => !text.includes("."))
      .map((name) => ["dependencies", name] as const),
    ...(await namesIn(join(own, "damaged"))).map((name) => ["damaged", name] as const)
  ]
  for (const digest of await namesIn(join(own, "built")))
    for (const variant of await namesIn(join(own, "built", digest))) names.push(["built", `${digest}/${variant}`])
  const places: Array<Place> = []
  for (const [kind, name] of names) {
    const path = join(own, kind, name)
    const found = await lstat(path).catch(orGone(undefined))
    if (found === undefined) continue
    const time = kind === "damaged" ? found.ctime : found.mtime
    const isRunning = kind === "built" && runs.has(`${organization.id}/${name.split("/")[0]}`)
    const inUse = isRunning || (kind !== "damaged" && builds)
    places.push({ organization, kind, name, bytes: await bytesOf(path), at: time.toISOString(), inUse, path })
  }
  return places
}

const entryOf = ({ path: _, ...entry }: Place): CacheEntry => entry

const onDisk = <A>(dataDir: string, use: () => Promise<A>) =>
  Effect.tryPromise({
    try: use,
    catch: (cause) =>
      new OperatorError({
        reason: "disk",
        message: `Couldn't read or change the cache in ${join(dataDir, "sources")}. ${errorText(cause, dataDir)} Run this as the user who runs the server.`,
        cause
      })
  })

const places = (dataDir: string, organization: string | undefined) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const all = decodeOrganizations(yield* sql`select id, name from organizations order by name`)
    const wanted =
      organization === undefined ? all : all.filter((each) => each.name === organization || each.id === organization)
    if (organization !== undefined && wanted.length === 0) {
      return yield* new OperatorError({
        reason: "organization",
        message: `The organization "${organization}" doesn't exist.`,
        organizations: all.map((each) => each.name)
      })
    }
    const runs = yield* running
    return yield* onDisk(dataDir, async () => {
      const found: Array<Place> = []
      for (const one of wanted) found.push(...(await placesOf(join(dataDir, "sources"), one, runs)))
      return found.toSorted((a, b) => b.bytes - a.bytes)
    })
  })

/**
 * Everything that the server in this data folder has built and installed, for one organization or for all, the largest
 * first.
 */
export const listCache = (dataDir: string, organization?: string) =>
  Effect.map(places(dataDir, organization), (place) => place.map(entryOf))

/** Removes entries that no service runs from and no build uses. A server that needs one again makes it again. */
export const clearCache = (dataDir: string, organization?: string) =>
  Effect.gen(function* () {
    const all = yield* places(dataDir, organization)
    const gone = all.filter((each) => !each.inUse)
    yield* onDisk(dataDir, async () => {
      for (const { kind, organization: owner, path } of gone) {
        const unfinished = join(dataDir, "sources", owner.id, "unfinished")
        await mkdir(unfinished, { recursive: true, mode: 0o700 })
        // Rename it first, in one step, so that nobody ever finds half of it.
        const leaving = join(unfinished, `gone-${randomBytes(8).toString("hex")}`)
        const isMoved = await rename(path, leaving).then(() => true, orGone(false))
        if (kind === "dependencies")
          for (const ending of dependencyNotes) await rm(`${path}.${ending}`, { force: true })
        if (isMoved) await removeTree(leaving)
      }
    })
    return { removed: gone.map(entryOf), kept: all.filter((each) => each.inUse).map(entryOf) } satisfies ClearedCache
  })
