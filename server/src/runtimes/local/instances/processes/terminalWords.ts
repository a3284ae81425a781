import { existsSync } from "node:fs"
import type { ExecRequest } from "../../../port/Runtime.ts"

const scriptProgram = "/usr/bin/script"

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** The arguments that run a program in a terminal, if one is wanted. util-linux's `script` creates it, because Node can't. */
export const withTerminal = ({ command, terminal }: ExecRequest): readonly [string, ...Array<string>] => {
  const [file = "", ...args] = command
  return terminal === undefined || process.platform !== "linux" || !existsSync(scriptProgram)
    ? [file, ...args]
    : [
        scriptProgram,
        "--quiet",
        "--flush",
        "--return",
        "--command",
        `stty rows ${terminal.rows} columns ${terminal.columns}; exec ${command.map(quoted).join(" ")}`,
        "/dev/null"
      ]
}
