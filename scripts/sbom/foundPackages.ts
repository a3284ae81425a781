import { readFileSync, realpathSync } from "node:fs"
import { dirname, join, sep } from "node:path"
import { Schema } from "effect"

const Names = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })

/** The fields of a `package.json` that this code reads. */
const Manifest = Schema.parseJson(
  Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    description: Schema.optional(Schema.String),
    license: Schema.optional(Schema.String),
    dependencies: Names,
    optionalDependencies: Names
  })
)

export interface FoundPackage {
  readonly name: string
  readonly version: string
  readonly description: string | undefined
  readonly license: string | undefined
  readonly folder: string
  /** The names of all its dependencies. */
  readonly dependencies: ReadonlyArray<string>
  readonly optionalDependencies: ReadonlyArray<string>
}

export const keyOf = ({ name, version }: Pick<FoundPackage, "name" | "version">) => `${name}@${version}`

const textOf = (file: string) => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}

export const packageIn = (folder: string): FoundPackage | undefined => {
  const text = textOf(join(folder, "package.json"))
  // Some packages have a nested `package.json` that only sets the module format of a folder.
  if (text === undefined || !/"version"\s*:/.test(text)) return undefined
  const manifest = Schema.decodeUnknownSync(Manifest)(text)
  const optionalDependencies = Object.keys(manifest.optionalDependencies)
  return {
    name: manifest.name,
    version: manifest.version,
    description: manifest.description,
    license: manifest.license,
    folder,
    dependencies: Object.keys(manifest.dependencies).filter((name) => !optionalDependencies.includes(name)),
    optionalDependencies
  }
}

/** The package of a file. */
const ownerOf = (file: string): FoundPackage => {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const found = packageIn(folder)
    if (found !== undefined) return found
  }
  throw new Error(`${file} belongs to no package. Bundle only files of the workspace and of its dependencies.`)
}

/** Resolves a dependency like Node: in `node_modules` of the package's folder and of its parents. */
const dependencyOf = ({ folder }: FoundPackage, name: string): FoundPackage | undefined => {
  for (let above = folder; above !== dirname(above); above = dirname(above)) {
    if (above.endsWith(`${sep}node_modules`)) continue
    const target = join(above, "node_modules", ...name.split("/"))
    if (textOf(join(target, "package.json")) !== undefined) return packageIn(realpathSync(target))
  }
  return undefined
}

/** The other packages in a bundle, by name and version. */
export const bundledPackages = (own: FoundPackage, files: ReadonlyArray<string>) => {
  const found = new Map<string, FoundPackage>()
  for (const file of files) {
    const owner = ownerOf(realpathSync(file))
    if (owner.folder !== own.folder) found.set(keyOf(owner), owner)
  }
  return found
}

/**
 * The packages that a package manager installs beside a package: its direct and transitive dependencies, in the versions of the workspace's
 * lockfile. Platform-specific builds are included only for this machine's platform, because others aren't installed here.
 */
export const installedPackages = (own: FoundPackage) => {
  const found = new Map<string, FoundPackage>()
  const visit = (from: FoundPackage) => {
    for (const name of [...from.dependencies, ...from.optionalDependencies]) {
      const dependency = dependencyOf(from, name)
      if (dependency === undefined) {
        if (from.optionalDependencies.includes(name)) continue
        throw new Error(`${keyOf(from)} depends on ${name}, which isn't installed. Run \`pnpm install\`.`)
      }
      if (found.has(keyOf(dependency))) continue
      found.set(keyOf(dependency), dependency)
      visit(dependency)
    }
  }
  visit(own)
  return found
}
