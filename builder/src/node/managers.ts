import { createHash } from "node:crypto"
import { lockfilesOf, type PackageManager } from "@maxcloud/config-schema"
import { isFile, readText } from "../files.ts"
import type { Command } from "../model.ts"
import type { PackageJson } from "./packageJson.ts"

/** How to install the dependencies of a Node project, and how to remove those for development again. */
export interface Installation {
  readonly manager: PackageManager
  /** The lockfile; undefined if there is none. */
  readonly lockfile: string | undefined
  readonly install: Command
  /** undefined if there are no development packages, or the manager can't remove them. */
  readonly prune: Command | undefined
  /** Runs a script or a shell line with the packages' programs on the PATH. */
  readonly script: (name: string, folder: string) => Command
  /** Equal for folders with the same `node_modules`; undefined if it depends on more than lockfile and names (workspaces, own install scripts, local packages). */
  readonly cacheKey: string | undefined
}

const ownInstallScripts = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"]
/** Packages and patches in the folder itself. */
const localPackages = /"link": true|\b(file|link|portal|patch|workspace):|patchedDependencies/

const pinned = (packageJson: PackageJson, manager: string): string | undefined => {
  const [name, version] = (packageJson.packageManager ?? "").split("+")[0]?.split("@") ?? []
  return name === manager && version !== undefined && /^\d+(\.\d+){0,2}$/.test(version) ? version : undefined
}

/** Install scripts that a build doesn't need: git hooks, and 300 MB of a browser for tests. */
const skipped = { CYPRESS_INSTALL_BINARY: "0", HUSKY: "0", PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1" }

const command = (file: string, args: ReadonlyArray<string>, npx?: string): Command => ({
  file,
  args,
  label: `${file} ${args.filter((arg) => !quiet.includes(arg)).join(" ")}`,
  env: skipped,
  ...(npx === undefined ? {} : { npx })
})

const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--non-interactive"]

/** The facts that determine a manager's commands. */
interface Wanted {
  readonly packageJson: PackageJson
  readonly forBuild: boolean
  readonly isWorkspace: boolean
  /** The workspace package to install. */
  readonly inside: string
  /** The folder's settings files, in a fixed order. */
  readonly settings: ReadonlyArray<string | undefined>
}

const namedPackages = ({ forBuild, packageJson }: Wanted) => [
  packageJson.dependencies ?? {},
  forBuild ? (packageJson.devDependencies ?? {}) : {},
  packageJson.optionalDependencies ?? {}
]

const ifNotBuilt = ({ forBuild }: Wanted, ...args: ReadonlyArray<string>) => (forBuild ? [] : args)

const ofPackage = ({ inside, isWorkspace }: Wanted, ...args: ReadonlyArray<string>) =>
  isWorkspace && inside !== "." ? args : []

const ofNpm = (wanted: Wanted) => ofPackage(wanted, `--workspace=${wanted.inside}`, "--include-workspace-root")

const pruned = ({ forBuild, isWorkspace, packageJson }: Wanted, prune: Command) =>
  forBuild && Object.keys(packageJson.devDependencies ?? {}).length > 0 && !isWorkspace ? prune : undefined

const script = (file: string, npx?: string) => (name: string, at: string) => ({
  ...command(file, ["run", name], npx),
  folder: at
})

const cacheKey = (wanted: Wanted, manager: string, lock: string) => {
  const { forBuild, packageJson, settings } = wanted
  const named = namedPackages(wanted)
  const given = `${lock}${JSON.stringify([named, packageJson.pnpm])}`
  if (packageJson.workspaces !== undefined || /^packages:/m.test(settings[2] ?? "")) return undefined
  if (ownInstallScripts.some((name) => name in (packageJson.scripts ?? {})) || localPackages.test(given))
    return undefined
  const { node = "" } = process.versions
  const platform = [process.platform, process.arch, node.split(".")[0]]
  const { overrides, pnpm, resolutions, trustedDependencies } = packageJson
  const parts = [
    forBuild ? "build" : "production",
    manager,
    platform,
    named,
    overrides,
    resolutions,
    pnpm,
    trustedDependencies,
    settings,
    lock
  ]
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex")
}

const ofNpmLock = (wanted: Wanted, lockfile: string, lock: string): Installation => {
  return {
    manager: "npm",
    lockfile,
    install: command("npm", ["ci", ...ifNotBuilt(wanted, "--omit=dev"), ...ofNpm(wanted), ...quiet.slice(0, 3)]),
    prune: pruned(wanted, command("npm", ["prune", "--omit=dev", "--ignore-scripts", ...quiet.slice(0, 3)])),
    script: script("npm"),
    cacheKey: cacheKey(wanted, "npm", lock)
  }
}

const ofPnpmLock = (wanted: Wanted, pnpmLock: string): Installation => {
  const npx = `pnpm@${pinned(wanted.packageJson, "pnpm") ?? "10"}`
  // The data folder may be inside the user's workspace.
  const own = wanted.isWorkspace ? [] : ["--ignore-workspace"]
  return {
    manager: "pnpm",
    lockfile: "pnpm-lock.yaml",
    install: command(
      "pnpm",
      [
        ...["install", ...ifNotBuilt(wanted, "--prod"), "--frozen-lockfile", ...own],
        // The root, and the package with the workspace packages that it needs.
        ...ofPackage(wanted, "--filter={.}", `--filter={./${wanted.inside}}...`)
      ],
      npx
    ),
    prune: pruned(wanted, command("pnpm", ["prune", "--prod", "--ignore-scripts", ...own], npx)),
    script: script("pnpm", npx),
    cacheKey: cacheKey(wanted, "pnpm", pnpmLock)
  }
}

const ofYarnLock = (wanted: Wanted, yarnLock: string): Installation => {
  const classic = yarnLock.includes("# yarn lockfile v1")
  const npx = classic ? "yarn@1" : `@yarnpkg/cli-dist@${pinned(wanted.packageJson, "yarn") ?? "4"}`
  return {
    manager: "yarn",
    lockfile: "yarn.lock",
    install: classic
      ? command("yarn", ["install", "--frozen-lockfile", `--production=${!wanted.forBuild}`, "--non-interactive"], npx)
      : command(
          "yarn",
          wanted.forBuild ? ["install", "--immutable"] : ["workspaces", "focus", "--all", "--production"],
          npx
        ),
    prune: pruned(
      wanted,
      classic
        ? command(
            "yarn",
            [
              "install",
              "--frozen-lockfile",
              "--production",
              "--ignore-scripts",
              "--prefer-offline",
              "--non-interactive"
            ],
            npx
          )
        : command("yarn", ["workspaces", "focus", "--all", "--production"], npx)
    ),
    script: script("yarn", npx),
    cacheKey: cacheKey(wanted, "yarn", yarnLock)
  }
}

const ofBunLock = (wanted: Wanted, lockfile: string, lock: string): Installation => {
  return {
    manager: "bun",
    lockfile,
    install: command(
      "bun",
      [
        "install",
        "--frozen-lockfile",
        ...ifNotBuilt(wanted, "--production"),
        ...ofPackage(wanted, "--filter=.", `--filter=./${wanted.inside}`)
      ],
      "bun@1"
    ),
    prune: pruned(
      wanted,
      command("bun", ["install", "--frozen-lockfile", "--production", "--ignore-scripts"], "bun@1")
    ),
    script: script("bun", "bun@1"),
    cacheKey: cacheKey(wanted, "bun", lock)
  }
}

const withoutLock = (wanted: Wanted): Installation => {
  // Without a lockfile, the installed versions change daily, so they aren't cached for others.
  return {
    manager: "npm",
    lockfile: undefined,
    install: command("npm", [
      "install",
      ...ifNotBuilt(wanted, "--omit=dev"),
      ...ofNpm(wanted),
      "--no-package-lock",
      ...quiet.slice(0, 3)
    ]),
    prune: pruned(
      wanted,
      command("npm", ["prune", "--omit=dev", "--ignore-scripts", "--no-package-lock", ...quiet.slice(0, 3)])
    ),
    script: script("npm"),
    cacheKey: undefined
  }
}

/**
 * How to install the folder's dependencies, by its lockfile; undefined if it has none. For a build, development packages are installed too, and removed
 * afterwards. `inside` is the workspace package to install. npm, pnpm and Bun don't install dependencies of other packages only.
 */
export const installationOf = async (
  folder: string,
  packageJson: PackageJson,
  forBuild: boolean,
  inside = "."
): Promise<Installation | undefined> => {
  const wanted: Wanted = {
    packageJson,
    forBuild,
    inside,
    isWorkspace: packageJson.workspaces !== undefined || (await isFile(folder, "pnpm-workspace.yaml")),
    settings: await Promise.all([".npmrc", ".yarnrc.yml", "pnpm-workspace.yaml"].map((name) => readText(folder, name)))
  }
  if (namedPackages(wanted).every((namedPackage) => Object.keys(namedPackage).length === 0) && !wanted.isWorkspace)
    return undefined

  for (const lockfile of lockfilesOf.npm) {
    const lock = await readText(folder, lockfile)
    if (lock !== undefined) return ofNpmLock(wanted, lockfile, lock)
  }
  const pnpmLock = await readText(folder, "pnpm-lock.yaml")
  if (pnpmLock !== undefined) return ofPnpmLock(wanted, pnpmLock)
  const yarnLock = await readText(folder, "yarn.lock")
  if (yarnLock !== undefined) return ofYarnLock(wanted, yarnLock)
  for (const lockfile of lockfilesOf.bun) {
    if (await isFile(folder, lockfile)) return ofBunLock(wanted, lockfile, (await readText(folder, lockfile)) ?? "")
  }
  return withoutLock(wanted)
}
