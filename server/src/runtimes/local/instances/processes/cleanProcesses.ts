import { rm } from "node:fs/promises"
import { endProcesses } from "../../../../base/host/endProcesses.ts"
import { type ProcessEntry, processTable } from "../../../../base/host/processTable.ts"
import { removeTree } from "../../../../base/host/removeTree.ts"
import { endAllOf, type UnprivilegedUser } from "../../../../base/host/sourceUser.ts"
import { bootId, type InstanceRecords } from "../InstanceRecords.ts"

/**
 * Stops the processes that an earlier run of the server left, found by pid with start time or by marker, and returns how many
 * instances. `homes`: the folder with their private folders.
 */
export const cleanProcesses = async (
  records: InstanceRecords,
  dataDirectoryId: string,
  homes: string,
  user: UnprivilegedUser | undefined
): Promise<number> => {
  const boot = bootId()
  const recorded = records.all()
  const left = recorded.filter((record) => record.kind === "process")
  // The engine's clients are stopped here too, and counted with their containers.
  const clients = new Set(
    recorded.flatMap(({ id, kind }) => (kind === "container" ? [`${dataDirectoryId}/${id}`] : []))
  )
  const known = new Map(
    left.flatMap((record) =>
      record.boot === boot && record.pid !== undefined && record.startTime !== undefined
        ? [[record.pid, record.startTime] as const]
        : []
    )
  )
  const isKnown = (entry: ProcessEntry) => known.get(entry.pid) === entry.startTime
  const isMine = (entry: ProcessEntry) => isKnown(entry) || (entry.marker?.startsWith(`${dataDirectoryId}/`) ?? false)
  const found = new Set(
    (await processTable())
      .filter((entry) => isMine(entry) && !entry.zombie)
      .filter((entry) => entry.marker === undefined || !clients.has(entry.marker))
      .map((entry) => entry.marker ?? `${dataDirectoryId}/${left.find((record) => record.pid === entry.pid)?.id}`)
  )
  // Nobody sends them requests any more, and new instances wait for them, so they get only a short grace period to write.
  const graceMs = Math.min(2_000, Math.max(0, ...left.map((record) => record.graceMs)))
  await endProcesses(isMine, found.size > 0 && left.length === 0 ? 2_000 : graceMs)
  for (const record of left) records.remove(record.id)
  // Kill hidden children too: nothing may write while root removes what they wrote.
  if (user !== undefined) await endAllOf(user)
  // Without root, a read-only folder in a service's home (such as Go's module cache) would keep the server from starting.
  await (user === undefined ? removeTree(homes) : rm(homes, { recursive: true, force: true }))
  return found.size
}
