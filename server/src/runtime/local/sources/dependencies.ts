import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { access, readFile } from "node:fs/promises"
import { delimiter, dirname, join } from "node:path"
import { Option, Schema } from "effect"
import { hostEnvironment } from "../../../host/hostEnvironment.ts"
import { endProcesses } from "../instances/endProcesses.ts"
import { markerName } from "../instances/processTable.ts"
import { closedTo, type UnprivilegedUser } from "../instances/sourceUser.ts"
import { SourceError } from "./SourceStore.ts"

const Names = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const PackageJson = Schema.parseJson(
  Schema.Struct({
    dependencies: Schema.optional(Names),
    optionalDependencies: Schema.optional(Names),
    overrides: Schema.optional(Schema.Unknown),
    resolutions: Schema.optional(Schema.Unknown),
    pnpm: Schema.optional(Schema.Unknown),
    workspaces: Schema.optional(Schema.Unknown),
    packageManager: Schema.optional(Schema.String),
    scripts: Schema.optional(Names)
  })
)
type PackageJson = typeof PackageJson.Type

/** How the production dependencies of a folder are installed. */
export interface Installation {
  readonly manager: "npm" | "pnpm" | "yarn"
  readonly args: ReadonlyArray<string>
  /** What `npx` runs where the manager itself is not on the PATH. */
  readonly fallback: string | undefined
  /** Equal for folders that get the same `node_modules`; undefined where more than lockfile and names decide (workspaces, scripts of its own, local packages). */
  readonly cacheKey: string | undefined
}

const read = (folder: string, name: string): Promise<string | undefined> =>
  readFile(join(folder, name), "utf8").catch(() => undefined)

const ownInstallScripts = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"]
/** Packages and patches that come from the folder itself. */
const localPackages = /"link": true|\b(file|link|portal|patch|workspace):|patchedDependencies/

const pinned = (packageJson: PackageJson, manager: string): string | undefined => {
  const [name, version] = (packageJson.packageManager ?? "").split("+")[0]?.split("@") ?? []
  return name === manager && version !== undefined && /^\d+(\.\d+){0,2}$/.test(version) ? version : undefined
}

/** What has to be installed in the folder, read from its package.json and lockfile; undefined where nothing has to. */
export const installationOf = async (folder: string): Promise<Installation | undefined> => {
  const packageText = await read(folder, "package.json")
  if (packageText === undefined) return undefined
  const decoded = Schema.decodeUnknownOption(PackageJson)(packageText)
  if (Option.isNone(decoded))
    throw new SourceError({ reason: "invalid", message: "The package.json of the source is no valid JSON." })
  const packageJson = decoded.value
  const { dependencies = {}, optionalDependencies = {}, scripts = {} } = packageJson
  const isWorkspace = packageJson.workspaces !== undefined || (await read(folder, "pnpm-workspace.yaml")) !== undefined
  if (Object.keys(dependencies).length + Object.keys(optionalDependencies).length === 0 && !isWorkspace)
    return undefined

  const npmrc = [await read(folder, ".npmrc"), await read(folder, ".yarnrc.yml")]
  const cacheKey = (manager: string, lock: string) => {
    const given = `${lock}${JSON.stringify([dependencies, optionalDependencies, packageJson.pnpm])}`
    if (isWorkspace || ownInstallScripts.some((name) => name in scripts) || localPackages.test(given)) return undefined
    const { node = "" } = process.versions
    const platform = [process.platform, process.arch, node.split(".")[0]]
    const { overrides, pnpm, resolutions } = packageJson
    const wanted = [manager, platform, dependencies, optionalDependencies, overrides, resolutions, pnpm, npmrc, lock]
    return createHash("sha256").update(JSON.stringify(wanted)).digest("hex")
  }

  const npmLock = (await read(folder, "package-lock.json")) ?? (await read(folder, "npm-shrinkwrap.json"))
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier"]
  if (npmLock !== undefined)
    return {
      manager: "npm",
      args: ["ci", "--omit=dev", ...quiet],
      fallback: undefined,
      cacheKey: cacheKey("npm", npmLock)
    }
  const pnpmLock = await read(folder, "pnpm-lock.yaml")
  if (pnpmLock !== undefined)
    return {
      manager: "pnpm",
      // The data folder may lie in a workspace of the user's own.
      args: ["install", "--prod", "--frozen-lockfile", ...(isWorkspace ? [] : ["--ignore-workspace"])],
      fallback: `pnpm@${pinned(packageJson, "pnpm") ?? "10"}`,
      cacheKey: cacheKey("pnpm", pnpmLock)
    }
  const yarnLock = await read(folder, "yarn.lock")
  if (yarnLock !== undefined) {
    const classic = yarnLock.includes("# yarn lockfile v1")
    return {
      manager: "yarn",
      args: classic
        ? ["install", "--production", "--frozen-lockfile", "--non-interactive"]
        : ["workspaces", "focus", "--all", "--production"],
      fallback: classic ? "yarn@1" : `@yarnpkg/cli-dist@${pinned(packageJson, "yarn") ?? "4"}`,
      cacheKey: cacheKey("yarn", yarnLock)
    }
  }
  // Without a lockfile what is installed changes by the day, so it is not kept for others.
  return {
    manager: "npm",
    args: ["install", "--omit=dev", "--no-package-lock", ...quiet],
    fallback: undefined,
    cacheKey: undefined
  }
}

/** Settings that name folders and files of the server's user. */
const ownFiles = /^(npm_config_(cache|store_dir|userconfig|globalconfig)|yarn_cache_folder)$/i

/** Who installs, as root: a user of its own, in a home that goes with the installation. */
export interface Installer extends UnprivilegedUser {
  readonly home: string
}

/** The environment of an installation: of the server's own only what an installer may see. */
const installEnvironment = (
  server: NodeJS.ProcessEnv,
  nodeFolder: string,
  marker: string,
  installer: Installer | undefined
): Record<string, string> => {
  const host = Object.entries(hostEnvironment("installer", server)).filter(
    ([name]) => installer === undefined || !ownFiles.test(name)
  )
  const { PATH: path = "", ...rest } = Object.fromEntries(host)
  return {
    ...rest,
    PATH: [nodeFolder, dirname(process.execPath), ...path.split(delimiter), "/usr/bin", "/bin"]
      .filter((folder) => installer === undefined || (existsSync(folder) && closedTo(installer, folder) === undefined))
      .join(delimiter),
    ...(installer === undefined ? {} : { HOME: installer.home, TMPDIR: installer.home }),
    CI: "true",
    YARN_NODE_LINKER: "node-modules",
    COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
    [markerName]: marker
  }
}

const keptOutput = 16 * 1024
const shownLines = 15
const timeoutMs = 15 * 60_000

const away =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|socket hang up|\b50[234]\b/
const diskFull = /ENOSPC|no space left/

const onPath = async (name: string, path: string): Promise<boolean> => {
  for (const folder of path.split(delimiter)) {
    if (folder === "") continue
    if (
      await access(join(folder, name)).then(
        () => true,
        () => false
      )
    )
      return true
  }
  return false
}

/** Runs an installation in `folder` and ends all it started, also when `signal` is aborted. */
export const install = async (
  folder: string,
  installation: Installation,
  options: {
    readonly environment: NodeJS.ProcessEnv
    readonly nodeFolder: string
    readonly marker: string
    readonly installer?: Installer | undefined
    readonly signal?: AbortSignal
  }
): Promise<void> => {
  const { args, fallback, manager } = installation
  const { installer } = options
  const environment = installEnvironment(options.environment, options.nodeFolder, options.marker, installer)
  const isThere = fallback === undefined || (await onPath(manager, environment["PATH"] ?? ""))
  const [file, all] = isThere
    ? ([manager, args] as const)
    : (["npx", ["--yes", "--package", fallback, "--", manager, ...args]] as const)
  const child = spawn(file, [...all], {
    ...(installer === undefined ? {} : { uid: installer.uid, gid: installer.gid }),
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-keptOutput)
    })
  const ended = new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, error }))
    child.once("close", (code) => resolve({ code }))
  })
  const end = () => void endProcesses((entry) => entry.marker === options.marker || entry.group === child.pid, 1_000)
  const timer = setTimeout(() => {
    output += `\nIt took more than ${timeoutMs / 60_000} minutes.`
    end()
  }, timeoutMs)
  options.signal?.addEventListener("abort", end, { once: true })
  const { code, error } = await ended
  clearTimeout(timer)
  options.signal?.removeEventListener("abort", end)
  options.signal?.throwIfAborted()
  if (code === 0) return
  if (error)
    throw new SourceError({
      reason: "unavailable",
      message: `${file} could not be run to install the source's dependencies: ${error.message}. Install npm beside Node${installer === undefined ? "" : ", where all users may run it"}.`,
      cause: error
    })
  const lines = output.trim().split("\n").slice(-shownLines).join("\n")
  throw new SourceError({
    reason: away.test(output) || diskFull.test(output) ? "unavailable" : "invalid",
    message: `\`${manager} ${args.join(" ")}\` failed (exit code ${code}):\n${lines}`
  })
}
