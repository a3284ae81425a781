import { readdir, readFile } from "node:fs/promises"
import { listeningPorts } from "./runtime/local/instances/listeningPorts.ts"

/** The program that listens on a port of this machine, such as `node (process 4711)`, where the system tells (Linux, own processes). */
export const portHolder = async (port: number): Promise<string | undefined> => {
  const entries = await readdir("/proc").catch((): ReadonlyArray<string> => [])
  for (const pid of entries.filter((_) => /^\d+$/.test(_)).map(Number)) {
    if (!(await listeningPorts([pid])).includes(port)) continue
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a program")
    return `${name.trim()} (process ${pid})`
  }
  return undefined
}
