import { Data } from "effect"

/**
 * Couldn't make or restore a backup: `message` says why and how to fix it. Nothing has changed unless it says otherwise.
 */
export class BackupError extends Data.TaggedError("BackupError")<{
  readonly reason: "setting" | "database" | "key" | "file" | "target" | "space"
  readonly message: string
  readonly cause?: unknown
}> {}
