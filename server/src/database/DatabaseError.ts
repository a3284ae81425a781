import { Data } from "effect"

/** The database cannot be used: `message` says why and what to do. */
export class DatabaseError extends Data.TaggedError("DatabaseError")<{
  readonly reason: "locked" | "permission" | "diskFull" | "unreachable" | "migration" | "restoring" | "failed"
  readonly message: string
  readonly cause?: unknown
}> {}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined

/** Tells by a system's error code or a program's output what went wrong with `path`. */
export const explain = (what: string, path: string, error: unknown, output = ""): DatabaseError => {
  if (error instanceof DatabaseError) return error
  const text = `${output}\n${error instanceof Error ? error.message : String(error)}`
  const code = codeOf(error)
  if (code === "ENOSPC" || code === "EDQUOT" || text.includes("No space left on device")) {
    return new DatabaseError({
      reason: "diskFull",
      message: `${what}: the disk of ${path} is full. Free some space (the database needs about 100 MB) and start again.`,
      cause: error
    })
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || /Permission denied|Read-only file/.test(text)) {
    return new DatabaseError({
      reason: "permission",
      message: `${what}: ${path} cannot be written by this user. Give the data folder to it, or choose another data folder.`,
      cause: error
    })
  }
  const detail = text.trim().split("\n").slice(-3).join(" ")
  return new DatabaseError({ reason: "failed", message: `${what}: ${detail}`, cause: error })
}
