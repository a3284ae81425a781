import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { OrganizationId } from "@maxcloud/sdk/api"

const ifThere = <A>(found: Promise<A>, or: A) =>
  found.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return or
    throw cause
  })

/** Bytes of an organization's source snapshots in this data folder, packed as they were uploaded. */
export const sourceBytesOf = async (dataDirectory: string, organizationId: OrganizationId): Promise<number> => {
  const folder = join(dataDirectory, "sources", organizationId, "archives")
  let bytes = 0
  for (const name of await ifThere(readdir(folder), [])) {
    bytes += await ifThere(
      stat(join(folder, name)).then((found) => found.size),
      0
    )
  }
  return bytes
}
