import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { notInImage } from "../../../port/Runtime.ts"
import { InstanceFailed } from "../Instance.ts"
import { starterPrograms } from "./starterPrograms.ts"

/** Paths of the starter, and of its input file, inside the container. */
export const starterPath = "/.maxcloud/starter"
export const startFilePath = "/.maxcloud/start"

/** Folder for the secrets of running containers: memory that is never written to disk, if the system has such a folder. */
export const secretsRoot = (id: string) => join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `maxcloud-${id}`)

const isKnown = (architecture: string): architecture is keyof typeof starterPrograms => architecture in starterPrograms

/**
 * Writes the starter for the engine's architecture (in Go's naming) into the data folder, unless it is there and intact, and
 * returns its path.
 */
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
  const program = Buffer.from(starterPrograms[architecture].join(""), "base64")
  const there = await readFile(file).catch(() => undefined)
  if (there?.equals(program) === true) return file
  // Rename it into place: a running file can't be written to.
  const draft = `${file}.${randomBytes(4).toString("hex")}.new`
  await writeFile(draft, program, { mode: 0o555 })
  await rename(draft, file)
  return file
}

/**
 * The starter's input: words and variables, each terminated by NUL, so that a value may contain any other byte. `stays`: the
 * starter runs the program as its child and is the container's init process.
 */
export const startFile = (
  words: ReadonlyArray<string>,
  variables: ReadonlyMap<string, string>,
  stays = false
): Buffer => {
  const count = `${words.length}${stays ? "+" : ""}`
  const entries = [count, ...words, ...[...variables].map(([name, value]) => `${name}=${value}`)]
  if (entries.some((entry) => entry.includes("\0")))
    throw new InstanceFailed({
      reason: "CannotStart",
      message: "An argument of the command or the value of a variable contains a NUL character. Remove it.",
      retryable: false
    })
  return Buffer.from(`${entries.join("\0")}\0`, "utf8")
}

const said =
  /^maxcloud-starter: (.*): (no such file or directory|permission denied|exec format error|argument list too long|cannot be run)$/m

interface Found {
  readonly reason: DiagnosisCode
  /** Follows `Couldn't run the command in IMAGE: `. */
  readonly what: string
  readonly fix?: string
}

/** How each line of the starter begins. */
export const starterName = "maxcloud-starter: "

const shown = (name: string) => name.slice(0, 200)

/** Longer than any path. A program could write such a line too. */
const lookedOfLine = 5_000

/** The starter's errors about an existing file that can't run. The groups are the names. */
const ofFiles: ReadonlyArray<readonly [pattern: RegExp, found: (program: string, other: string) => Found]> = [
  [
    /^(.*): interpreter with a carriage return: (.*): no such file or directory$/,
    (program, interpreter) => ({
      reason: "CommandNotFound",
      what: `the script ${program} has Windows line endings, so its interpreter is read as "${interpreter}\\r".`,
      fix: "Save the script with LF line endings (`dos2unix FILE`, and `*.sh text eol=lf` in .gitattributes), build the image again, and deploy."
    })
  ],
  [
    /^(.*): interpreter (.*): no such file or directory$/,
    (program, interpreter) => ({
      reason: "CommandNotFound",
      what: `the interpreter ${interpreter} of the script ${program} isn't in the image.`,
      fix: `Install ${interpreter} in the image, or name another in the script's first line (\`#!/bin/sh\`).`
    })
  ],
  [
    /^(.*): its loader: no such file or directory$/,
    (program) => ({
      reason: "CommandNotFound",
      what: `${program} exists, but its dynamic loader isn't in the image.`,
      fix: "Link the program statically (Go: `CGO_ENABLED=0`), or build it for the C library of the image: glibc on Debian, musl on Alpine."
    })
  ],
  [
    /^(.*): interpreter (?:with a carriage return: )?(.*): exec format error$/,
    (program, interpreter) => ({
      reason: "WrongPlatform",
      what: `the interpreter ${interpreter} of the script ${program} is built for another kind of machine (exec format error).`
    })
  ],
  [
    /^(.*): neither a program nor a script with #!: exec format error$/,
    (program) => ({
      reason: "CommandNotExecutable",
      what: `${program} is neither a program nor a script that starts with \`#!\`.`,
      fix: "Start the script with a line such as `#!/bin/sh`, or name its interpreter in the command (`sh FILE`)."
    })
  ],
  [
    /^(.*): exec format error$/,
    (program) => ({
      reason: "WrongPlatform",
      what: `${program} is built for another kind of machine (exec format error).`
    })
  ],
  [
    /^(.*): no such file or directory$/,
    (program) => ({ reason: "CommandNotFound", what: `${program}: no such file or directory.` })
  ]
]

const foundIn = (program: string, why: string | undefined): Found => {
  const line = `${program.slice(0, lookedOfLine)}: ${why}`
  return (
    ofFiles.flatMap(([pattern, foundOf]) => {
      const [, name, other = ""] = pattern.exec(line) ?? []
      return name === undefined ? [] : [foundOf(shown(name), shown(other))]
    })[0] ?? { reason: "CommandNotExecutable", what: `${shown(program)}: ${why}.` }
  )
}

/** What `maxcloud exec` prints instead of the starter's line. */
export const execFailure = (line: string, command: ReadonlyArray<string>, service: string): string | undefined => {
  const [, program, why] = said.exec(line) ?? []
  if (program === undefined) return undefined
  if (program === command[0] && why === "no such file or directory") return notInImage(program, service)
  const { fix, what } = foundIn(program, why)
  return `Couldn't run the program in ${service}: ${what}${fix === undefined ? "" : ` ${fix}`}`
}

/** Why the starter couldn't run the program, from the container's standard error. */
export const starterFailure = (code: number | null, errorOutput: string, image: string): InstanceFailed | undefined => {
  if (code !== 126 && code !== 127) return undefined
  const [, program, why] = said.exec(errorOutput) ?? []
  if (program === undefined) return undefined
  const { fix, reason, what } = foundIn(program, why)
  return new InstanceFailed({
    reason,
    message: `Couldn't run the command in ${image}: ${what}`,
    retryable: false,
    ...(fix === undefined ? {} : { fix })
  })
}
