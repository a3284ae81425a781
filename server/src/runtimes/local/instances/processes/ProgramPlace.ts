import { BuildFailed, type Program, programOf, programOfStart, type Start } from "@maxcloud/builder"
import { InstanceFailed } from "../Instance.ts"
import type { wordsOf } from "../words.ts"

/** A folder that runs: how to start it, and what it needs. */
export interface ProgramPlace {
  readonly folder: string
  /** @default derived from the folder */
  readonly start?: Start | undefined
  /**
   * For the `dev` script of a folder that runs in place: arguments that make its tool listen on the port; `{port}` stands for it.
   */
  readonly portArguments?: ReadonlyArray<string>
  /** Folders to put first on the PATH. @default its packages' programs */
  readonly path?: ReadonlyArray<string>
  /** Environment variables; the config overrides them. */
  readonly environment?: Readonly<Record<string, string>>
  /** The PATH folders and HOME of the developer who runs it. */
  readonly shell?: { readonly path: ReadonlyArray<string>; readonly home: string | undefined }
}

/** What to run in a folder: the config's command, or else what the folder itself says. */
export const programIn = async (
  { folder, portArguments = [], start }: ProgramPlace,
  { args = [], command }: ReturnType<typeof wordsOf>,
  port: number
): Promise<Program> => {
  try {
    if (start === undefined || command !== undefined) return await programOf(folder, command, args)
    return programOfStart(start, [
      ...portArguments.map((portArgument) => portArgument.replace("{port}", String(port))),
      ...args
    ])
  } catch (cause) {
    if (!(cause instanceof BuildFailed)) throw cause
    throw new InstanceFailed({ reason: "NothingToRun", message: cause.message, retryable: false })
  }
}
