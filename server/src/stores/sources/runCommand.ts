import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { access } from "node:fs/promises"
import { delimiter, dirname, isAbsolute, join } from "node:path"
import type { Command } from "@maxcloud/builder"
import { endProcesses } from "../../base/host/endProcesses.ts"
import { hostEnvironment } from "../../base/host/hostEnvironment.ts"
import { markerName } from "../../base/host/processTable.ts"
import { closedTo, mayRead, type UnprivilegedUser } from "../../base/host/sourceUser.ts"
import { startProgram } from "../../base/host/startProgram.ts"
import { followBuildProgram, notStarted } from "./followBuildProgram.ts"

/** Settings that name folders and files of the server's user. */
const ownFiles =
  /^(npm_config_(cache|store_dir|userconfig|globalconfig)|yarn_cache_folder|pip_(config_file|cert|find_links)|(requests|curl)_ca_bundle|uv_(cache_dir|find_links)|gomodcache|gocache)$/i

/** Those among them with read-only files. A build may have them if its user can read the files. */
const onlyRead = /^(pip|requests|curl)_/i

/** The user that builds if the server is root, with a home that's removed after the build. */
export interface Installer extends UnprivilegedUser {
  readonly home: string
}

export interface RunOptions {
  readonly environment: NodeJS.ProcessEnv
  /** Its network settings, from `openBuildNetwork`. */
  readonly network: Readonly<Record<string, string>>
  readonly nodeFolder: string
  readonly marker: string
  readonly installer?: Installer | undefined
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** The environment of a command: from the server's own only what an installer may see. */
const environmentOf = (root: string, command: Command, options: RunOptions): Record<string, string> => {
  const { installer, nodeFolder } = options
  const isOpen = (path: string) =>
    installer === undefined || (existsSync(path) && closedTo(installer, path) === undefined)
  const host = Object.entries(hostEnvironment("installer", options.environment)).filter(
    ([name, value]) =>
      !ownFiles.test(name) ||
      installer === undefined ||
      (onlyRead.test(name) && isAbsolute(value) && existsSync(value) && mayRead(installer, value))
  )
  const { PATH: path = "", ...rest } = Object.fromEntries(host)
  const own = [
    nodeFolder,
    dirname(process.execPath),
    ...path.split(delimiter),
    "/usr/local/go/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/bin"
  ]
  return {
    ...rest,
    ...options.network,
    ...(installer === undefined ? {} : { HOME: installer.home, TMPDIR: installer.home }),
    CI: "true",
    NEXT_TELEMETRY_DISABLED: "1",
    ASTRO_TELEMETRY_DISABLED: "1",
    NUXT_TELEMETRY_DISABLED: "1",
    YARN_NODE_LINKER: "node-modules",
    YARN_ENABLE_TELEMETRY: "0",
    COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    ...Object.fromEntries(
      Object.entries(command.env ?? {}).map(([name, value]) => [name, value.replaceAll("{root}", root)])
    ),
    PATH: [...(command.path ?? []).map((value) => join(root, value)), ...own.filter(isOpen)].join(delimiter),
    [markerName]: options.marker
  }
}

const onPath = async (name: string, path: string): Promise<boolean> => {
  for (const folder of path.split(delimiter)) {
    const isThere = await access(join(folder, name)).then(
      () => true,
      () => false
    )
    if (folder !== "" && isThere) return true
  }
  return false
}

/** Runs a command of a build in the tree `root`, and stops everything it started, also if the signal is aborted. */
export const runCommand = async (root: string, command: Command, options: RunOptions): Promise<void> => {
  const { installer, marker, onLine, signal } = options
  const environment = environmentOf(root, command, options)
  const isThere = command.npx === undefined || (await onPath(command.file, environment["PATH"] ?? ""))
  const [file, args] = isThere
    ? ([command.file, command.args] as const)
    : (["npx", ["--yes", "--package", command.npx ?? "", "--", command.file, ...command.args]] as const)
  signal.throwIfAborted()
  const install = `Install ${file} on this machine${installer === undefined ? "" : ", where all users may run it"}.`
  const child = await startProgram(
    () =>
      spawn(file, [...args], {
        ...(installer === undefined ? {} : { uid: installer.uid, gid: installer.gid }),
        cwd: join(root, command.folder ?? "."),
        env: environment,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      }),
    { signal }
  ).catch((cause) => {
    signal.throwIfAborted()
    throw notStarted(command.label, install, cause)
  })
  await followBuildProgram(child, {
    signal,
    onLine,
    end: () => void endProcesses((entry) => entry.marker === marker || entry.group === child.pid, 1_000),
    label: command.label,
    install
  })
}
