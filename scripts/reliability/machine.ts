import { execFileSync } from "node:child_process"
import { availableParallelism, cpus, totalmem } from "node:os"

/** The date, machine and commit of a measurement. */
export const measuredHere = () => ({
  date: new Date().toISOString().slice(0, 10),
  machine: `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  commit: execFileSync("git", ["rev-parse", "--short=12", "HEAD"], {
    cwd: import.meta.dirname,
    encoding: "utf8"
  }).trim()
})
