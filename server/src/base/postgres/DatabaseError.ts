import { Data } from "effect"
import { faultInText, faultText, type SystemFault, systemFaultOf } from "../host/systemFault.ts"

/** The database is unusable: `message` says why and how to fix it. */
export class DatabaseError extends Data.TaggedError("DatabaseError")<{
  readonly reason:
    | "locked"
    | "permission"
    | "diskFull"
    | "unreachable"
    | "migration"
    | "restoring"
    | "damaged"
    | "failed"
  readonly message: string
  readonly cause?: unknown
}> {}

const reasonOf = ({ kind }: SystemFault) =>
  kind === "diskFull" || kind === "diskQuota"
    ? "diskFull"
    : kind === "permission" || kind === "diskReadOnly"
      ? "permission"
      : "failed"

/** The cause of a database failure: its own fault or the machine's, or else that it doesn't answer. */
export const databaseWords = (cause: unknown): string => {
  const fault = systemFaultOf(cause)
  if (fault === undefined) return "The database doesn't answer. Send the request again."
  return faultText(fault, fault.kind === "permission" ? "the database" : undefined)
}

/** Turns a system's error code or a program's output into the error about `path`. */
export const explain = (what: string, path: string, error: unknown, output = ""): DatabaseError => {
  if (error instanceof DatabaseError) return error
  const text = `${output}\n${error instanceof Error ? error.message : String(error)}`
  const fault = systemFaultOf(error) ?? faultInText(text)
  if (fault !== undefined && fault.kind !== "permission") {
    return new DatabaseError({ reason: reasonOf(fault), message: `${what}. ${faultText(fault, path)}`, cause: error })
  }
  if (fault !== undefined || text.includes("Permission denied")) {
    return new DatabaseError({
      reason: "permission",
      message: `${what}: this user can't write ${path}. Give the data folder to the user, or choose another data folder.`,
      cause: error
    })
  }
  const detail = text.trim().split("\n").slice(-3).join(" ")
  return new DatabaseError({ reason: "failed", message: `${what}: ${detail}`, cause: error })
}
