import type { OciError, OciReason } from "@maxcloud/oci"
import type { ExitCode } from "../errors/exitCodes.ts"
import { CommandFailed } from "../errors/failure.ts"

const exits: Readonly<Record<OciReason, readonly [tag: string, exit: ExitCode]>> = {
  invalid: ["ImageInvalid", 2],
  platform: ["WrongPlatform", 2],
  tooLarge: ["ImageTooLarge", 2],
  missing: ["ImageNotFound", 5],
  disk: ["DiskFailed", 1],
  engine: ["EngineUnavailable", 1],
  refused: ["RegistryRefused", 4],
  away: ["RegistryUnreachable", 3],
  registry: ["RegistryFailed", 1]
}

/** The failure of a command that reads or pushes an image. */
export const pushFailure = ({ fix, message, reason }: OciError): CommandFailed => {
  const [tag, exit] = exits[reason]
  return new CommandFailed({ tag, exit, message, ...(fix === undefined ? {} : { fix }) })
}
