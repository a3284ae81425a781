import { BuildFailed, type Program, programOf, programOfStart, type Start } from "@maxcloud/builder"
import { InstanceFailed } from "../Instance.ts"
import type { wordsOf } from "../words.ts"

/** A folder that runs: how it is started, and what it needs for it. */
export interface ProgramPlace {
  readonly folder: string
  /** @default found in the folder as it is */
  readonly start?: Start | undefined
  /** Of the `dev` script of a folder that runs in place: what is added so that its tool listens on the port; `{port}` stands for it. */
  readonly portArguments?: ReadonlyArray<string>
  /** Folders that come first on the PATH. @default its packages' programs */
  readonly path?: ReadonlyArray<string>
  /** Environment variables, unless the config says others. */
  readonly environment?: Readonly<Record<string, string>>
  /** Of the developer who runs it: the folders of the PATH, and HOME. */
  readonly shell?: { readonly path: ReadonlyArray<string>; readonly home: string | undefined }
}

/** What is run in a folder: the command of the config, or else what the folder itself says. */
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
