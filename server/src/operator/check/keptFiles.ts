import { createReadStream } from "node:fs"
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { errorText } from "../../base/host/systemFault.ts"
import { errorCode } from "../../base/node/errorCode.ts"
import { decodeRecord } from "../../runtimes/local/logs/logRecord.ts"
import { decodeChunk } from "../../stores/logs/chunk.ts"
import { SourceError } from "../../stores/sources/SourceStore.ts"
import { readSnapshot } from "../../stores/sources/snapshotArchive.ts"
import { type CheckFinding, type CheckPart, partOf } from "./CheckPart.ts"

const orNone = (error: unknown): [] => {
  if (errorCode(error) === "ENOENT") return []
  throw error
}

/** Absolute paths of all files below a folder; none if it doesn't exist. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(orNone)
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

/** The problem that a check finds in a file; undefined: none, or the file was deleted meanwhile. */
const faultOf = (look: Promise<string | undefined>): Promise<string | undefined> =>
  look.catch((error) => (errorCode(error) === "ENOENT" ? undefined : `Couldn't read it: ${errorText(error)}`))

/** The digest is that of the files in it: one snapshot can be packed in several ways. */
const archiveFault = (path: string, digest: string): Promise<string | undefined> =>
  readSnapshot(path).then(
    (found) => (found === `sha256:${digest}` ? undefined : `Its digest is ${found}.`),
    (error) => {
      if (error instanceof SourceError) return error.message
      throw error
    }
  )

const archive = /\/archives\/([0-9a-f]{64})\.tar\.gz$/

/** Compares every source archive with the digest in its name. */
export const checkSources = async (dataDir: string): Promise<CheckPart> => {
  const findings: Array<CheckFinding> = []
  let checked = 0
  const root = join(dataDir, "sources")
  const organizations = await readdir(root).catch(orNone)
  for (const organization of organizations) {
    for await (const where of filesBelow(join(root, organization, "archives"))) {
      const digest = archive.exec(where)?.[1]
      if (digest === undefined) continue
      checked++
      const fault = await faultOf(archiveFault(where, digest))
      if (fault === undefined) continue
      findings.push({
        where,
        message: fault,
        fix: "The next `maxcloud deploy` of its app uploads it again. The server keeps this copy beside it."
      })
    }
  }
  return partOf("sources", "archives", checked, findings)
}

/**
 * Lines that no server can have written. The last one may be incomplete because of a kill, or because it's still being
 * written.
 */
const strangeLines = async (path: string): Promise<string | undefined> => {
  const { size } = await stat(path)
  if (size === 0) return undefined
  let strange = 0
  let first = 0
  let number = 0
  let last = true
  for await (const line of createInterface({ input: createReadStream(path, { end: size - 1 }), crlfDelay: Infinity })) {
    number++
    last = decodeRecord(line) !== undefined
    if (last) continue
    strange++
    if (first === 0) first = number
  }
  const found = last ? strange : strange - 1
  return found === 0 ? undefined : `${found} of its lines can't be read. The first is line ${first}.`
}

const chunkFault = async (path: string): Promise<string | undefined> => {
  const body = await readFile(path)
  return decodeChunk(body).then(
    () => undefined,
    (error) => `Couldn't unpack it: ${error instanceof Error ? error.message : String(error)}`
  )
}

/** Checks every line and chunk of logs in the data folder. */
export const checkLogs = async (dataDir: string): Promise<CheckPart> => {
  const findings: Array<CheckFinding> = []
  let checked = 0
  const look = async (folder: string, ending: string, fault: (path: string) => Promise<string | undefined>) => {
    for await (const where of filesBelow(join(dataDir, folder))) {
      if (!where.endsWith(ending)) continue
      checked++
      const message = await faultOf(fault(where))
      const fix =
        "You don't have to do anything: these lines are lost, and all others are readable. Check the disk that lost them."
      if (message !== undefined) findings.push({ where, message, fix })
    }
  }
  await look("logs", ".jsonl", strangeLines)
  await look("cluster-logs", ".zst", chunkFault)
  return partOf("logs", "files", checked, findings)
}
