import { glob, readFile } from "node:fs/promises"
import { dirname, join, relative, sep } from "node:path"
import { type PackageJson, readPackageJson } from "./packageJson.ts"

/** A package of a workspace. */
export interface Member {
  /** Relative to the workspace's root, separated by `/`. */
  readonly folder: string
  readonly packageJson: PackageJson
}

/** A workspace of npm, pnpm, Yarn or Bun. */
export interface Workspace {
  /** Absolute. */
  readonly root: string
  readonly rootPackage: PackageJson | undefined
  readonly members: ReadonlyArray<Member>
}

/** The package patterns of the workspace that a folder declares; empty if it declares none. */
const patternsOf = async (folder: string, packageJson: PackageJson | undefined): Promise<ReadonlyArray<string>> => {
  const pnpm = await readFile(join(folder, "pnpm-workspace.yaml"), "utf8").catch(() => undefined)
  // Few folders have one, and the parser is large.
  if (pnpm !== undefined) return (await import("./pnpmWorkspace.ts")).pnpmPatterns(pnpm)
  const declared = packageJson?.workspaces
  if (declared === undefined) return []
  return "packages" in declared ? (declared.packages ?? []) : Array.isArray(declared) ? declared : []
}

const foldersOf = async (root: string, pattern: string): Promise<ReadonlyArray<string>> => {
  const cleaned = pattern
    .split("/")
    .filter((part, index) => part !== "" && !(part === "." && index === 0))
    .join("/")
  const folders: Array<string> = []
  const found = glob(`${cleaned === "" ? "" : `${cleaned}/`}package.json`, {
    cwd: root,
    exclude: (name) => name === "node_modules" || name === ".git"
  })
  for await (const file of found) folders.push(dirname(file).split(sep).join("/"))
  return folders
}

const membersOf = async (root: string, patterns: ReadonlyArray<string>): Promise<ReadonlyArray<Member>> => {
  const folders = new Set<string>()
  for (const pattern of patterns) {
    const isLeftOut = pattern.startsWith("!")
    for (const folder of await foldersOf(root, isLeftOut ? pattern.slice(1) : pattern)) {
      if (isLeftOut) folders.delete(folder)
      else if (folder !== "." && !folder.startsWith("../")) folders.add(folder)
    }
  }
  const members: Array<Member> = []
  for (const folder of [...folders].sort()) {
    const packageJson = await readPackageJson(join(root, folder))
    if (packageJson !== undefined) members.push({ folder, packageJson })
  }
  return members
}

/** The workspace that `root` (absolute) declares; undefined if it declares none. */
export const workspaceAt = async (root: string): Promise<Workspace | undefined> => {
  const rootPackage = await readPackageJson(root)
  const patterns = await patternsOf(root, rootPackage)
  return patterns.length === 0 ? undefined : { root, rootPackage, members: await membersOf(root, patterns) }
}

/** The workspace with `folder` (absolute) as a package; undefined if there is none, or `folder` is a workspace's root. */
export const findWorkspace = async (folder: string): Promise<Workspace | undefined> => {
  for (let root = dirname(folder); ; root = dirname(root)) {
    const workspace = await workspaceAt(root)
    const inside = relative(root, folder).split(sep).join("/")
    if (workspace?.members.some((member) => member.folder === inside) === true) return workspace
    if (dirname(root) === root) return undefined
  }
}
