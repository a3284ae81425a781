import { readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { removeTree } from "../../base/host/removeTree.ts"

const decodeDigests = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ digest: Schema.String })))

/** Snapshots that a deployment or a service names. Image digests are among them, and do no harm. */
const named = (organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select distinct m[1] as digest from (
        select spec::text as spec from deployments where organization_id = ${organizationId}
        union all select spec::text from services where organization_id = ${organizationId}
      ) s, regexp_matches(s.spec, 'sha256:([0-9a-f]{64})', 'g') m`
    return new Set(decodeDigests(rows).map((decodeDigest) => decodeDigest.digest))
  })

const namesIn = (folder: string) =>
  readdir(folder).catch((cause: NodeJS.ErrnoException): ReadonlyArray<string> => {
    if (cause.code === "ENOENT") return []
    throw cause
  })

/**
 * Removes an organization's source snapshots from this machine's disk if no deployment names them, and nobody has sent or
 * requested them for `days` days. Returns how many.
 */
export const collectSources = (dataDir: string, organizationId: OrganizationId, days: number) =>
  Effect.gen(function* () {
    const own = join(dataDir, "sources", organizationId)
    const archives = yield* Effect.tryPromise(() => namesIn(join(own, "archives")))
    if (archives.length === 0) return 0
    const kept = yield* named(organizationId)
    const before = Date.now() - days * 86_400_000
    return yield* Effect.tryPromise(async () => {
      let removed = 0
      for (const name of archives) {
        const hex = name.slice(0, -".tar.gz".length)
        if (!name.endsWith(".tar.gz") || kept.has(hex)) continue
        const archive = join(own, "archives", name)
        const { mtimeMs } = await stat(archive)
        if (mtimeMs >= before) continue
        // Delete the archive last: after a crash, it leads to the leftovers.
        for (const made of ["built", "folders"]) await removeTree(join(own, made, hex))
        await rm(archive, { force: true })
        removed++
      }
      return removed
    })
  })
