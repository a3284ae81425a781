import { randomBytes } from "node:crypto"
import { chmod, chown, mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import type { SourceDigest } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { removeTree } from "../../base/host/removeTree.ts"
import { endAllOf, sourceUsers, type UnprivilegedUser } from "../../base/host/sourceUser.ts"

export const sourcesIn = (dataDirectory: string): string => join(dataDirectory, "sources")

/** The folders of an organization's snapshot. */
export const foldersOf = (root: string, organizationId: OrganizationId, digest: SourceDigest) => {
  const own = join(root, organizationId)
  const hex = digest.slice("sha256:".length)
  return {
    own,
    archive: join(own, "archives", `${hex}.tar.gz`),
    /** One for each way to build the snapshot: `app/`, and `built.json`, which says how to run it. */
    built: join(own, "built", hex),
    dependencies: join(own, "dependencies"),
    damaged: join(own, "damaged"),
    /** A new name for something unfinished. */
    unfinished: async () => {
      for (const name of ["archives", "built", "dependencies", "unfinished"])
        await mkdir(join(own, name), { recursive: true, mode: 0o700 })
      return join(own, "unfinished", randomBytes(8).toString("hex"))
    }
  }
}

/** As root: others may traverse to what's theirs, and list nothing; only services to the folders of snapshots. */
export const openWay = async (root: string, own: string, service: UnprivilegedUser): Promise<void> => {
  for (const path of [root, own, join(own, "unfinished")]) await chmod(path, 0o711)
  await chown(join(own, "built"), 0, service.gid)
  await chmod(join(own, "built"), 0o710)
}

/** Removes unfinished files of an earlier run of the server. */
export const removeUnfinished = async (dataDirectory: string): Promise<void> => {
  const root = sourcesIn(dataDirectory)
  for (const organization of await readdir(root)) {
    const unfinished = join(root, organization, "unfinished")
    const left = await readdir(unfinished).catch(() => [])
    // Installations of an earlier run may still be running, and root is about to remove what they write.
    if (left.length > 0) for (const user of sourceUsers(dataDirectory)?.installers ?? []) await endAllOf(user)
    await removeTree(unfinished)
  }
}
