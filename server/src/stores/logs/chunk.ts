import { randomBytes } from "node:crypto"
import { promisify } from "node:util"
import { zstdCompress, zstdDecompress } from "node:zlib"
import { Option, Schema } from "effect"
import { compareLines, type LogLine, millisOf, sameLine } from "./LogLine.ts"

/**
 * A chunk contains lines of one service, sorted, as zstd of JSON lines. The first one lists the instances:
 * `{"v":1,"instances":[[uid,name,revision]]}`; each other is a line: `[index of its instance, time, n, line]`, with a 1
 * at the end if it was cut. Chunks never change.
 */
const Header = Schema.parseJson(
  Schema.Struct({
    v: Schema.Literal(1),
    instances: Schema.Array(Schema.Tuple(Schema.String, Schema.String, Schema.String))
  })
)
const decodeHeader = Schema.decodeUnknownOption(Header)
const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** A chunk's properties in its name: times in epoch milliseconds, `from` rounded down and `to` up. */
export interface ChunkName {
  /** Folder (the day of `to`) and file. */
  readonly key: string
  readonly from: number
  readonly to: number
  readonly bytes: number
}

export interface Chunk {
  readonly key: string
  readonly body: Uint8Array
}

const digits = 13
const fileName = /^(\d{13})-(\d{13})-([0-9a-z]{1,8})-[0-9a-f]{12}\.zst$/

export const dayOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** The prefix of the names of chunks that end at `millis` or later: they sort by their ends. */
export const startAfterOf = (millis: number): string => String(Math.max(0, Math.trunc(millis))).padStart(digits, "0")

/** undefined if the name isn't a chunk's. */
export const parseChunkName = (day: string, name: string): ChunkName | undefined => {
  const match = fileName.exec(name)
  return match === null
    ? undefined
    : {
        key: `${day}/${name}`,
        to: Number(match[1]),
        from: Number(match[2]),
        bytes: Number.parseInt(match[3] ?? "0", 36)
      }
}

/** At least one line. Duplicates are stored once. */
export const encodeChunk = async (unsorted: ReadonlyArray<LogLine>): Promise<Chunk> => {
  const lines = unsorted.toSorted(compareLines)
  const indexes = new Map<string, number>()
  const instances: Array<readonly [string, string, string]> = []
  const rows: Array<string> = []
  let previous: LogLine | undefined
  for (const line of lines) {
    if (previous !== undefined && sameLine(previous, line)) continue
    previous = line
    let index = indexes.get(line.uid)
    if (index === undefined) {
      index = instances.push([line.uid, line.instance, line.revision]) - 1
      indexes.set(line.uid, index)
    }
    rows.push(JSON.stringify([index, line.t, line.n, line.line, ...(line.truncated ? [1] : [])]))
  }
  const text = `${JSON.stringify({ v: 1, instances })}\n${rows.join("\n")}\n`
  const body = await compress(text)
  const from = millisOf(lines[0]?.t ?? "")
  const to = millisOf(previous?.t ?? "") + 1
  const name = `${startAfterOf(to)}-${startAfterOf(from)}-${body.length.toString(36)}-${randomBytes(6).toString("hex")}.zst`
  return { key: `${dayOf(to)}/${name}`, body }
}

const decodeRow = (row: string, instances: ReadonlyArray<readonly [string, string, string]>): LogLine | undefined => {
  const value: unknown = JSON.parse(row)
  if (!Array.isArray(value)) return undefined
  const [index, t, n, line, cut]: ReadonlyArray<unknown> = value
  const instance = typeof index === "number" ? instances[index] : undefined
  if (instance === undefined || typeof t !== "string" || typeof n !== "number" || typeof line !== "string")
    return undefined
  return { t, n, uid: instance[0], instance: instance[1], revision: instance[2], line, truncated: cut === 1 }
}

/** The lines of a chunk, sorted. Rejects if it's broken. */
export const decodeChunk = async (body: Uint8Array): Promise<ReadonlyArray<LogLine>> => {
  const [head = "", ...rows] = (await decompress(body)).toString("utf8").split("\n")
  const header = decodeHeader(head)
  if (Option.isNone(header)) throw new Error("it doesn't begin like a chunk of log lines")
  return rows.flatMap((row) => (row === "" ? [] : (decodeRow(row, header.value.instances) ?? [])))
}
