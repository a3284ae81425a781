import { execFile } from "node:child_process"
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"
import { Data, Effect } from "effect"
import { hostEnvironment } from "../../../base/host/hostEnvironment.ts"
import { errorText } from "../../../base/host/systemFault.ts"

/** The program of CNCF Distribution on this machine. */
export interface RegistryProgram {
  readonly path: string
  /** The major version: 2 takes certificates, 3 takes a JWK set. */
  readonly major: 2 | 3
  /** As the program writes it, such as `2.8.2+ds1`. */
  readonly version: string
}

/** The registry can't be started. `message` says why and what to do. */
export class RegistryProgramError extends Data.TaggedError("RegistryProgramError")<{ readonly message: string }> {}

/** How an operator gets the program. */
export const howToInstall =
  "Install it with `apt-get install docker-registry`, or with `go install github.com/distribution/distribution/v3/cmd/registry@v3.0.0`"

/** Debian's package, then the name in version 3. */
const names = ["docker-registry", "registry"]
/** Debian installs servers where a user's PATH may not point. */
const moreFolders = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/bin"]
const versionMs = 10_000

/** What the program's environment has besides `hostEnvironment`. Version 3 would send traces to this machine. */
export const registryVariables = { OTEL_TRACES_EXPORTER: "none" }

const isExecutable = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false
  )

/** `docker-registry github.com/docker/distribution 2.8.2+ds1`, `registry github.com/distribution/distribution/v3 v3.0.0`. */
const versionLine = / github\.com\/(?:docker|distribution)\/distribution(?:\/v\d{1,3})? v?((\d{1,3})\.\S{1,60})$/m

const ask = async (path: string): Promise<RegistryProgram> => {
  const { stdout } = await promisify(execFile)(path, ["--version"], {
    env: { ...hostEnvironment("registry"), ...registryVariables },
    timeout: versionMs,
    maxBuffer: 64 * 1024
  })
  const [, version = "", major] = versionLine.exec(stdout) ?? []
  if (major !== "2" && major !== "3") throw new Error("It isn't CNCF Distribution 2 or 3.")
  return { path, major: major === "2" ? 2 : 3, version }
}

const candidates = () => {
  const folders = [...(hostEnvironment("registry")["PATH"] ?? "").split(delimiter), ...moreFolders]
  return names.flatMap((name) => [...new Set(folders)].map((folder) => join(folder, name)))
}

/** The first program on the `PATH` that is CNCF Distribution; undefined: none is. */
const onPath = async (): Promise<RegistryProgram | undefined> => {
  for (const path of candidates()) {
    if (!(await isExecutable(path))) continue
    const program = await ask(path).catch(() => undefined)
    if (program !== undefined) return program
  }
  return undefined
}

/** The program of the setting: `auto`, or its path. Undefined if there is none on the `PATH`. */
export const findRegistryProgram = (
  setting: string
): Effect.Effect<RegistryProgram | undefined, RegistryProgramError> =>
  setting === "auto"
    ? Effect.promise(onPath)
    : Effect.tryPromise({
        try: () => ask(setting),
        catch: (cause) =>
          new RegistryProgramError({
            message: `MAXCLOUD_REGISTRY_PROGRAM: ${setting} can't be used. ${errorText(cause, setting)} ${howToInstall}, or set it to "auto" or "off".`
          })
      })
