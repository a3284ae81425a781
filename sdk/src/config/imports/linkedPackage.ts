import { readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { Option, Schema } from "effect"

/** A package's npm name, and an optional path after it: `@scope/name/file`. */
const packageName = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*(?=\/|$)/i

/** The package of an import: `@acme/shared` for `@acme/shared/env`. undefined if no package can have such a name. */
export const packageOf = (specifier: string): { readonly name: string; readonly inside: string } | undefined => {
  const name = packageName.exec(specifier)?.[0]
  // `~/shared` looks like a package called `~`, but no package is.
  return name === undefined || name.startsWith("~") ? undefined : { name, inside: specifier.slice(name.length + 1) }
}

const decode = Schema.decodeUnknownOption(
  Schema.parseJson(
    Schema.Struct({
      main: Schema.optional(Schema.Unknown),
      exports: Schema.optional(Schema.Unknown),
      scripts: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
    })
  )
)

/** A package in a `node_modules`. */
export interface InstalledPackage {
  readonly name: string
  /** The absolute path of the real folder, with links resolved. */
  readonly folder: string
  /** Whether it links to sources outside every `node_modules`: a package of the workspace, or a `file:` dependency. */
  readonly isLinked: boolean
  readonly hasExports: boolean
  readonly hasMain: boolean
  readonly hasBuild: boolean
}

/** The package that this name resolves to from `file` (absolute). */
export const installedPackage = (name: string, file: string): InstalledPackage | undefined => {
  for (let at = dirname(file); ; at = dirname(at)) {
    try {
      const folder = realpathSync(join(at, "node_modules", name))
      const manifest = Option.getOrUndefined(decode(readFileSync(join(folder, "package.json"), "utf8")))
      return {
        name,
        folder,
        isLinked: !folder.split("/").includes("node_modules"),
        hasExports: manifest?.exports !== undefined,
        hasMain: typeof manifest?.main === "string",
        hasBuild: manifest?.scripts?.["build"] !== undefined
      }
    } catch {
      if (dirname(at) === at) return undefined
    }
  }
}
