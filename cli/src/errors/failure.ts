import { Data } from "effect"
import type { ExitCode } from "./exitCodes.ts"

/** The command line is invalid. Exit code 2. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string; readonly fix?: string }> {}

/** The command failed. `tag` names the reason. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly tag: string
  readonly exit: ExitCode
  readonly message: string
  /** Lines below the message, such as positions or the last log lines. */
  readonly details?: ReadonlyArray<string>
  readonly fix?: string
  /** Additional fields in the output of `--json`. */
  readonly data?: Readonly<Record<string, unknown>>
}> {}

/** The command has printed everything, and only sets its exit code (`plan --exit-code`). */
export class ExitWith extends Data.TaggedError("ExitWith")<{
  /** One of our exit codes, or that of the program that the command ran (`exec`). */
  readonly exit: number
}> {}
