import type { ExitCode } from "../errors/exitCodes.ts"

/** Exit codes of `server backup` and `server restore`, by cause. */
export const backupExits: Readonly<Record<"setting" | "database" | "key" | "file" | "target" | "space", ExitCode>> = {
  setting: 2,
  database: 3,
  key: 1,
  file: 1,
  target: 1,
  space: 1
}
