import { existsSync } from "node:fs"
import { mkdir, rename, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { InstanceFailed } from "../Instance.ts"
import { starterPrograms } from "./starterPrograms.ts"

/** Where a container has its starter, and the file that the starter reads. */
export const starterPath = "/.maxcloud/starter"
export const startFilePath = "/.maxcloud/start"

/** Where secrets of containers are while they run: memory that no disk ever sees, if the system has such a folder. */
export const secretsRoot = (id: string) => join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `maxcloud-${id}`)

const isKnown = (architecture: string): architecture is keyof typeof starterPrograms => architecture in starterPrograms

/** Puts the starter for the engine's architecture (in Go's words) into the data folder and returns its path. */
export const installStarter = async (dataDirectory: string, architecture: string): Promise<string> => {
  if (!isKnown(architecture))
    throw new InstanceFailed({
      reason: "WrongPlatform",
      message: `Images can't run locally on ${architecture}. Use a machine with ${Object.keys(starterPrograms).join(" or ")}, or deploy to Kubernetes.`,
      retryable: false
    })
  const folder = join(dataDirectory, "starter")
  await mkdir(folder, { recursive: true })
  const file = join(folder, architecture)
  // Renamed into place: one that runs can't be written to.
  const draft = `${file}.${process.pid}.new`
  await writeFile(draft, Buffer.from(starterPrograms[architecture].join(""), "base64"), { mode: 0o555 })
  await rename(draft, file)
  return file
}

/** What the starter reads: words and variables, each ended by NUL, so that a value may hold anything else. */
export const startFile = (words: ReadonlyArray<string>, variables: ReadonlyMap<string, string>): Buffer => {
  const entries = [String(words.length), ...words, ...[...variables].map(([name, value]) => `${name}=${value}`)]
  if (entries.some((entry) => entry.includes("\0")))
    throw new InstanceFailed({
      reason: "CannotStart",
      message: "A word of the command or the value of a variable holds a NUL character. Remove it.",
      retryable: false
    })
  return Buffer.from(`${entries.join("\0")}\0`, "utf8")
}

const said =
  /^maxcloud-starter: (.*): (no such file or directory|permission denied|exec format error|argument list too long|cannot be run)$/m

const reasons: Readonly<Record<string, DiagnosisCode>> = {
  "exec format error": "WrongPlatform",
  "no such file or directory": "CommandNotFound"
}

/** Why the starter couldn't run the program, from what the container wrote to its standard error. */
export const starterFailure = (code: number | null, errorOutput: string, image: string): InstanceFailed | undefined => {
  if (code !== 126 && code !== 127) return undefined
  const [, program, why] = said.exec(errorOutput) ?? []
  if (program === undefined) return undefined
  return new InstanceFailed({
    reason: reasons[why ?? ""] ?? "CommandNotExecutable",
    message: `The command can't be run in ${image}: ${program.slice(0, 200)}: ${why}.`,
    retryable: false
  })
}
