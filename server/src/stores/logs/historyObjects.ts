import type { OrganizationId } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import type { HistoryKey } from "./LogHistory.ts"
import type { LinePosition } from "./LogLine.ts"
import type { ObjectStore } from "./ObjectStore.ts"
import { serviceFolder } from "./serviceFolder.ts"

const decodePositions = Schema.decodeUnknownSync(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Tuple(Schema.String, Schema.Int) }))
)

export const readText = async (store: ObjectStore, key: string): Promise<string | undefined> => {
  const bytes = await store.get(key)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8")
}

export const readPositions = async (
  store: ObjectStore,
  key: HistoryKey
): Promise<ReadonlyMap<string, LinePosition>> => {
  const kept = await readText(store, `${serviceFolder(key)}/positions.json`)
  if (kept === undefined) return new Map()
  return new Map(Object.entries(decodePositions(kept)).map(([uid, [t, n]]) => [uid, { t, n }]))
}

export const savePositions = (
  store: ObjectStore,
  key: HistoryKey,
  positions: ReadonlyMap<string, LinePosition>
): Promise<void> => {
  const record = Object.fromEntries([...positions].map(([uid, { n, t }]) => [uid, [t, n]]))
  return store.put(`${serviceFolder(key)}/positions.json`, Buffer.from(JSON.stringify(record)))
}

export const removeService = async (store: ObjectStore, key: HistoryKey): Promise<void> => {
  const folder = serviceFolder(key)
  const { files, folders } = await store.list(folder)
  for (const day of folders) {
    for (const name of (await store.list(`${folder}/${day}`)).files) await store.delete(`${folder}/${day}/${name}`)
  }
  for (const name of files) await store.delete(`${folder}/${name}`)
}

/** Services of an organization with stored objects. */
export const listServices = async (
  store: ObjectStore,
  organizationId: OrganizationId
): Promise<ReadonlyArray<HistoryKey>> => {
  const found: Array<HistoryKey> = []
  for (const namespace of (await store.list(organizationId)).folders) {
    for (const service of (await store.list(`${organizationId}/${namespace}`)).folders) {
      found.push({ organizationId, namespace, service })
    }
  }
  return found
}

async function* keysBelow(store: ObjectStore, folder: string): AsyncGenerator<string> {
  const { files, folders } = await store.list(folder)
  for (const name of files) yield `${folder}/${name}`
  for (const name of folders) yield* keysBelow(store, `${folder}/${name}`)
}

export const countObjects = async (store: ObjectStore, folder: string): Promise<number> => {
  let count = 0
  for await (const _ of keysBelow(store, folder)) count++
  return count
}
