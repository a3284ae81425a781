import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Option, Schema } from "effect"

const InstanceRecord = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literal("process", "container"),
  /** Absent until it is spawned: anything that died between this record and its pid is found by its marker. */
  pid: Schema.optional(Schema.Int),
  startTime: Schema.optional(Schema.String),
  /** A pid with its start time identifies a process only within the same boot. */
  boot: Schema.String,
  graceMs: Schema.Number
})
export type InstanceRecord = typeof InstanceRecord.Type

const decode = Schema.decodeUnknownOption(Schema.parseJson(InstanceRecord))

/** Identifies this boot of the machine; empty if unknown. */
export const bootId = (): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return ""
  }
}

/**
 * A file for each running instance, `<folder>/<id>.json`, written before it is spawned. Synchronous: nothing may happen between
 * the record and the spawn, and writing a small file takes less time than waking a thread.
 */
export const makeInstanceRecords = (folder: string) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let damaged = 0
  const fileOf = (id: string) => join(folder, `${id}.json`)
  return {
    folder,
    write: (record: InstanceRecord): void => {
      const file = fileOf(record.id)
      writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    remove: (id: string): void => rmSync(fileOf(id), { force: true }),
    /** The number of invalid record files so far. We can't tell which instances they belonged to. */
    damaged: () => damaged,
    /**
     * Removes invalid records (half a file after a power failure): their process is found by its marker, their container by its
     * label.
     */
    all: (): ReadonlyArray<InstanceRecord> =>
      readdirSync(folder).flatMap((name) => {
        const record = name.endsWith(".json") ? decode(readFileSync(join(folder, name), "utf8")) : Option.none()
        if (Option.isSome(record)) return record.value
        damaged++
        rmSync(join(folder, name), { force: true, recursive: true })
        return []
      })
  }
}
export type InstanceRecords = ReturnType<typeof makeInstanceRecords>
