import type { OrganizationId } from "@maxcloud/sdk/api"
import { bytesText } from "../../base/words/bytesText.ts"
import { SourceError } from "./SourceStore.ts"

/** Room for one upload, which grows with it. */
export interface Room {
  /** Fails if the organization would exceed its quota, with all its other uploads. */
  readonly take: (bytes: number) => void
  /** Releases the room: the upload failed, or is counted on disk now. `kept`: bytes that stayed there. */
  readonly leave: (kept: number) => void
}

/**
 * Counts running uploads against their organizations' quotas, byte by byte, so that concurrent ones can't exceed a quota
 * together. The bytes on disk are read when an organization's first upload begins and cached until its last one has
 * ended.
 */
export const makeSourceRoom = (stored: (organizationId: OrganizationId) => Promise<number>) => {
  const counts = new Map<OrganizationId, { uploads: number; bytes: Promise<{ used: number }> }>()
  return async (organizationId: OrganizationId, most: number | undefined): Promise<Room> => {
    if (most === undefined) return { take: () => undefined, leave: () => undefined }
    const count = counts.get(organizationId) ?? { uploads: 0, bytes: stored(organizationId).then((used) => ({ used })) }
    counts.set(organizationId, count)
    count.uploads++
    let own = 0
    const end = () => {
      count.uploads--
      if (count.uploads === 0) counts.delete(organizationId)
    }
    const bytes = await count.bytes.catch((cause) => {
      end()
      throw cause
    })
    return {
      take: (more) => {
        if (bytes.used + more > most) {
          throw new SourceError({
            reason: "overQuota",
            message: `The organization may keep ${bytesText(most)} of source snapshots, and this one doesn't fit beside the ${bytesText(bytes.used - own)} that it has. Snapshots that no deployment uses are deleted after a day. Run \`maxcloud destroy\` for an app that you no longer need, or ask the server's operator for a higher quota.`
          })
        }
        bytes.used += more
        own += more
      },
      leave: (kept) => {
        bytes.used += kept - own
        end()
      }
    }
  }
}
