import { readdir, readFile } from "node:fs/promises"
import { basename } from "node:path"
import { listeningPorts } from "./listeningPorts.ts"

/**
 * The program that listens on a port of this machine, such as `node (process 4711)`, if the system reveals it (Linux,
 * own processes).
 */
export const portHolder = async (port: number): Promise<string | undefined> => {
  const entries = await readdir("/proc").catch((): ReadonlyArray<string> => [])
  for (const pid of entries.filter((entry) => /^\d+$/.test(entry)).map(Number)) {
    if (!(await listeningPorts([pid])).includes(port)) continue
    // Not `comm`, where Node only puts the thread's name.
    const [program = ""] = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0")
    return `${program === "" ? "a program" : basename(program)} (process ${pid})`
  }
  return undefined
}
