import { Data } from "effect"
import type { ExitCode } from "./exitCodes.ts"

/** The command line cannot be understood. Exit code 2. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string; readonly fix?: string }> {}

/** The command failed, for a reason that `tag` names. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly tag: string
  readonly exit: ExitCode
  readonly message: string
  /** Lines below the message: places, the last log lines. */
  readonly details?: ReadonlyArray<string>
  readonly fix?: string
  /** Fields of its own in the answer of `--json`. */
  readonly data?: Readonly<Record<string, unknown>>
}> {}

/** The command has said all itself and only its exit code remains (`plan --exit-code`). */
export class ExitWith extends Data.TaggedError("ExitWith")<{
  /** Our own exit code, or that of the program that the command ran (`exec`). */
  readonly exit: number
}> {}
