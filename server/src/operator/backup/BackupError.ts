import { Data } from "effect"

/** A backup cannot be made or restored: `message` says why and what to do. Nothing was changed where it says nothing else. */
export class BackupError extends Data.TaggedError("BackupError")<{
  readonly reason: "setting" | "database" | "key" | "file" | "target" | "space"
  readonly message: string
  readonly cause?: unknown
}> {}
