import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { faultInText, type SystemFault, systemFaultOf } from "../host/systemFault.ts"
import { DatabaseError } from "./DatabaseError.ts"
import { stateOf } from "./sqlState.ts"
import { wayBack } from "./wayBack.ts"

/** A starting or stopping Postgres's messages to clients that connect meanwhile. */
const passing =
  /the database system is |terminating (connection|background worker|walreceiver)|administrator command|lock file "/

const aboutFiles =
  /invalid page|checksum|could not locate|checkpoint record|control file|could not (open|read|access|stat|find)|incompatible with server|invalid (magic|record|resource manager)|corrupt|requested timeline|is not a valid data directory|database subdirectory|relation mapping file|unexpected (data|end|zero)|bogus/i

const detailMark = "DETAIL:  "

/** With the detail that follows it. */
const sentence = (line: string, next = "") => {
  const said = line.slice(line.search(/(?:PANIC|FATAL): {2}/)).replace(":  ", ": ")
  const at = next.indexOf(detailMark)
  if (at < 0) return said
  const detail = next.slice(at + detailMark.length)
  return `${said} (${detail.endsWith(".") ? detail.slice(0, -1) : detail})`
}

const saidWith = (severity: "PANIC" | "FATAL", lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.flatMap((line, at) =>
    line.includes(`${severity}:  `) && !passing.test(line) ? [sentence(line, lines[at + 1])] : []
  )

/**
 * Postgres's own log lines about why it exited, the decisive line first: a PANIC, or else a FATAL, with its detail.
 * Lines after it (`startup process was terminated`, `database system is shut down`) are only consequences.
 */
const decisiveLines = (log: string): ReadonlyArray<string> => {
  const lines = log.split("\n")
  // Before it has a log of its own it says so in plain words.
  const early = lines
    .filter((line) => /^(but )?could not open file /.test(line))
    .map((line) => `FATAL: ${line.replace("but ", "")}`)
  return [...saidWith("PANIC", lines), ...saidWith("FATAL", lines), ...early]
}

/** Excludes a full disk and the like: somebody can fix that without a backup. */
const isOfFiles = (fault: SystemFault | undefined) =>
  fault === undefined || fault.kind === "damaged" || fault.kind === "diskFails"

/** The decisive line of a log, if it's about damaged or missing files. */
export const damageIn = (log: string): string | undefined =>
  decisiveLines(log).find(
    (decisiveLine) =>
      aboutFiles.test(decisiveLine) &&
      isOfFiles(faultInText(decisiveLine)) &&
      !decisiveLine.includes("Permission denied")
  )

/** Postgres's own message, if it reports damaged files. */
export const damageOf = (error: unknown): string | undefined => {
  const fault = systemFaultOf(error)
  if (fault?.from !== "database" || !isOfFiles(fault)) return undefined
  return error instanceof Error && stateOf(error) === undefined && error.cause !== undefined
    ? damageOf(error.cause)
    : String(error instanceof Error ? error.message : error)
}

export const damaged = (folder: string, line: string) =>
  new DatabaseError({ reason: "damaged", message: `The database in ${folder} is damaged. Postgres says: ${line}.` })

/** A Postgres that drops its connections gives the reason only in its log. */
const damageInLogOf = (folder: string, { reason }: DatabaseError) => {
  const log = join(folder, "postgres.log")
  return reason === "unreachable" && existsSync(log) ? damageIn(readFileSync(log, "utf8")) : undefined
}

/** Adds the way to recover to an error about damaged files. Other errors stay unchanged. */
export const withWayBack =
  (dataDir: string, backupFolder: string | undefined) =>
  (error: DatabaseError): DatabaseError => {
    if (error.message.includes(`--data-dir ${dataDir}`)) return error
    const folder = join(dataDir, "postgres")
    const line = damageOf(error) ?? damageInLogOf(folder, error)
    if (error.reason !== "damaged" && line === undefined) return error
    const { message } = line === undefined ? error : damaged(folder, line)
    return new DatabaseError({
      reason: "damaged",
      message: `${message} ${wayBack(dataDir, backupFolder)}`,
      cause: error
    })
  }
