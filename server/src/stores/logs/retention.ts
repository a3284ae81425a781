import { type ChunkName, parseChunkName } from "./chunk.ts"
import { timeOf } from "./LogLine.ts"
import type { ObjectStore } from "./ObjectStore.ts"
import type { Removed } from "./organizationRoom.ts"

export interface Retention {
  /** How many days lines are kept. */
  readonly days: number
  /** Compressed bytes that an organization's lines may take. The oldest are removed. */
  readonly bytesPerOrganization: number
}

interface Kept extends ChunkName {
  readonly folder: string
}

const chunksOf = async (store: ObjectStore, organization: string): Promise<ReadonlyArray<Kept>> => {
  const chunks: Array<Kept> = []
  for (const namespace of (await store.list(organization)).folders) {
    for (const service of (await store.list(`${organization}/${namespace}`)).folders) {
      const folder = `${organization}/${namespace}/${service}`
      for (const day of (await store.list(folder)).folders) {
        for (const name of (await store.list(`${folder}/${day}`)).files) {
          const chunk = parseChunkName(day, name)
          if (chunk !== undefined) chunks.push({ ...chunk, folder })
        }
      }
    }
  }
  return chunks.sort((a, b) => a.to - b.to)
}

/** Removes an organization's chunks beyond the retention or quota, oldest first, and records the gap for readers. */
export const retainOrganization = async (
  store: ObjectStore,
  organization: string,
  { bytesPerOrganization, days }: Retention,
  now: number
): Promise<Removed> => {
  const chunks = await chunksOf(store, organization)
  const oldest = now - days * 86_400_000
  let bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
  const removed: Array<Kept> = []
  const cuts = new Map<string, { readonly before: string; readonly reason: "days" | "bytes" }>()
  for (const chunk of chunks) {
    const old = chunk.to < oldest
    if (!old && bytes <= bytesPerOrganization) break
    bytes -= chunk.bytes
    removed.push(chunk)
    cuts.set(chunk.folder, { before: timeOf(chunk.to), reason: old ? "days" : "bytes" })
  }
  // Write this before the removal: after a crash we may report a cut that hasn't happened, but we never hide one.
  for (const [folder, cut] of cuts) await store.put(`${folder}/cut.json`, Buffer.from(JSON.stringify(cut)))
  for (const { folder, key } of removed) await store.delete(`${folder}/${key}`)
  return { left: bytes, removed: removed.reduce((sum, chunk) => sum + chunk.bytes, 0) }
}
