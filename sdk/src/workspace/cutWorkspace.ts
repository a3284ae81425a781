import { lstat, readdir } from "node:fs/promises"
import { isAbsolute, join, posix, relative, sep } from "node:path"
import { SourceInvalid } from "../errors.ts"
import { findWorkspace, type Member, type Workspace } from "./findWorkspace.ts"
import { makeIsPublic, namesElsewhere, ownOrPublic } from "./ownPackages.ts"
import { type Dependency, dependenciesOf, type PackageJson, pathOfDependency, readPackageJson } from "./packageJson.ts"

/** The parts of a workspace for a snapshot. Paths are relative to its root, separated by `/`. */
export interface Cut {
  /** Absolute. */
  readonly root: string
  /** The service's folder. */
  readonly package: string
  /** Completely included folders: the service, and the packages and folders that it needs. */
  readonly folders: ReadonlyArray<string>
  /** Single files: those at the root for installing and building, and packed dependencies. */
  readonly files: ReadonlyArray<string>
  /** Left-out packages. Only the part that package managers check against the lockfile is included. */
  readonly absent: ReadonlyArray<string>
}

/** Files at a workspace's root for installing and building its packages. */
const rootFile =
  /^(?:package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|bun\.lockb?|bunfig\.toml|\.npmrc|\.yarnrc|\.yarnrc\.yml|\.pnpmfile\.[cm]?js|turbo\.jsonc?|nx\.json|lerna\.json|project\.json|tsconfig(?:\.[\w-]+)?\.json|jsconfig\.json|babel\.config\.\w+|\.babelrc|\.swcrc|\.browserslistrc|\.nvmrc|\.node-version|\.tool-versions)$/
const rootFolders = ["patches", ".yarn/releases", ".yarn/plugins", ".yarn/patches"]

const kindOf = (path: string): Promise<"file" | "folder" | undefined> =>
  lstat(path).then(
    (stats) => (stats.isDirectory() ? "folder" : stats.isFile() ? "file" : undefined),
    () => undefined
  )

const leaves = (path: string) => path === ".." || path.startsWith("../")

/** Collects a package's dependencies within its workspace. */
const makeClosure = (workspace: Workspace, service: string) => {
  const { members, root } = workspace
  const byName = new Map(
    members.flatMap((member) =>
      member.packageJson.name === undefined ? [] : [[member.packageJson.name, member] as const]
    )
  )
  const byFolder = new Map(members.map((member) => [member.folder, member]))
  const isPublic = makeIsPublic(root)
  const folders = new Set<string>()
  const files = new Set<string>()
  const waiting: Array<Member> = []

  const add = (member: Member) => {
    if (member.folder === "" || folders.has(member.folder)) return
    folders.add(member.folder)
    waiting.push(member)
  }

  const refuse = (from: string, { field, name, written }: Dependency, why: string, fix: string) =>
    new SourceInvalid({
      folder: join(root, service),
      detail: `${join(root, from, "package.json")}: ${field}.${name} is "${written}", ${why}: ${fix}`
    })

  const addPath = async (from: string, dependency: Dependency, written: string) => {
    const path = posix.normalize(posix.join(from, written)).replace(/\/$/, "")
    if (isAbsolute(written) || written.startsWith("~") || leaves(path)) {
      throw refuse(from, dependency, `outside of the workspace ${root}`, "move it inside, or publish it")
    }
    const member = byFolder.get(path)
    if (member !== undefined) return add(member)
    if (path === ".") return
    const kind = await kindOf(join(root, path))
    if (kind === undefined) throw refuse(from, dependency, "which doesn't exist", "correct the path")
    if (kind === "file") return void files.add(path)
    add({ folder: path, packageJson: (await readPackageJson(join(root, path))) ?? {} })
  }

  /** `workspace:*`, `workspace:^1`, `workspace:other@*`, `workspace:../other`. */
  const addDeclared = async (from: string, dependency: Dependency, range: string) => {
    if (/^\.\.?\//.test(range)) return addPath(from, dependency, range)
    const alias = /^(.+)@[^@]*$/.exec(range)?.[1]
    const wanted = alias ?? dependency.name
    const member = byName.get(wanted)
    if (member !== undefined) return add(member)
    if (wanted === workspace.rootPackage?.name) return
    const fix = "correct the name, or add its folder to the workspace's packages"
    throw refuse(from, dependency, `but the workspace ${root} has no package ${wanted}`, fix)
  }

  const addDependencies = async (from: string, packageJson: PackageJson) => {
    for (const dependency of dependenciesOf(packageJson)) {
      const path = pathOfDependency(dependency.written)
      const member = byName.get(dependency.name)
      if (path !== undefined) await addPath(from, dependency, path)
      else if (dependency.written.startsWith("workspace:")) {
        await addDeclared(from, dependency, dependency.written.slice("workspace:".length))
      } else if (member !== undefined && !namesElsewhere(dependency.written)) {
        const why = await isPublic(from, dependency, member)
        if (why !== undefined) throw refuse(from, dependency, why, ownOrPublic(dependency, member))
        add(member)
      }
    }
  }

  return async () => {
    const own = byFolder.get(service)
    if (own !== undefined) add(own)
    if (workspace.rootPackage !== undefined) await addDependencies("", workspace.rootPackage)
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await addDependencies(next.folder, next.packageJson)
    }
    return { folders: [...folders].sort(), files: [...files] }
  }
}

const rootFilesOf = async (root: string): Promise<ReadonlyArray<string>> =>
  (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && rootFile.test(entry.name))
    .map((entry) => entry.name)

const rootFoldersOf = async (root: string): Promise<ReadonlyArray<string>> => {
  const there = await Promise.all(
    rootFolders.map(async (rootFolder) => [rootFolder, await kindOf(join(root, rootFolder))] as const)
  )
  return there.filter(([, kind]) => kind === "folder").map(([folder]) => folder)
}

/** Without a workspace, folders that package.json references outside the source can't be included. */
const checkAlone = async (folder: string): Promise<void> => {
  const packageJson = await readPackageJson(folder)
  if (packageJson === undefined || packageJson.workspaces !== undefined) return
  for (const { field, name, written } of dependenciesOf(packageJson)) {
    const refuse = (why: string) =>
      new SourceInvalid({
        folder,
        detail: `${join(folder, "package.json")}: ${field}.${name} is "${written}", ${why}: put both packages into one workspace (\`workspaces\` in a package.json above them, or pnpm-workspace.yaml), or publish it`
      })
    const path = pathOfDependency(written)
    if (path !== undefined && (isAbsolute(path) || path.startsWith("~") || leaves(posix.normalize(path)))) {
      throw refuse("outside of the source folder")
    }
    if (written.startsWith("workspace:") && (await kindOf(join(folder, "pnpm-workspace.yaml"))) === undefined) {
      throw refuse("but the folder belongs to no workspace")
    }
  }
}

/**
 * Paths that left-out packages reference. Yarn installs for the whole workspace, so it reads packed dependencies, and the package.json of folders.
 */
const namedByAbsent = async ({ members, root }: Workspace, isTaken: (path: string) => boolean) => {
  const named = { files: new Set<string>(), folders: new Set<string>() }
  if ((await kindOf(join(root, "yarn.lock"))) === undefined) return named
  const isMember = new Set(members.map((member) => member.folder))
  for (const { folder, packageJson } of members.filter((member) => !isTaken(member.folder))) {
    for (const { written } of dependenciesOf(packageJson)) {
      const path = pathOfDependency(written)
      const place = path === undefined ? ".." : posix.normalize(posix.join(folder, path)).replace(/\/$/, "")
      if (path === undefined || isAbsolute(path) || leaves(place) || place === "." || isMember.has(place)) continue
      const kind = await kindOf(join(root, place))
      if (kind === "file") named.files.add(place)
      else if (kind === "folder" && (await readPackageJson(join(root, place))) !== undefined) named.folders.add(place)
    }
  }
  return named
}

/**
 * Cuts out the part of a workspace that a source folder (absolute) needs: its direct and indirect dependencies, including those for its build,
 * and the files at the root. undefined if it isn't part of a workspace. Throws `SourceInvalid` if something can't be included.
 */
export const cutWorkspace = async (folder: string): Promise<Cut | undefined> => {
  if ((await readPackageJson(folder)) === undefined) return undefined
  const workspace = await findWorkspace(folder)
  if (workspace === undefined) {
    await checkAlone(folder)
    return undefined
  }
  const { members, root } = workspace
  const service = relative(root, folder).split(sep).join("/")
  const { files, folders } = await makeClosure(workspace, service)()
  const isTaken = (path: string) => folders.some((value) => path === value || path.startsWith(`${value}/`))
  const named = await namedByAbsent(workspace, isTaken)
  return {
    root,
    package: service,
    folders: [...folders, ...(await rootFoldersOf(root))],
    files: [...(await rootFilesOf(root)), ...files, ...named.files].filter((file) => !isTaken(file)),
    absent: [...members.map((member) => member.folder), ...named.folders].filter((value) => !isTaken(value))
  }
}
