import { readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { Option, Schema } from "effect"

/** A package's name on npm, and what may follow it: `@scope/name/file`. */
const packageName = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*(?=\/|$)/i

/** The package that an import names: `@acme/shared/env` names `@acme/shared`. undefined: no package can have such a name. */
export const packageOf = (specifier: string): { readonly name: string; readonly inside: string } | undefined => {
  const name = packageName.exec(specifier)?.[0]
  // `~/shared` has the shape of a package called `~`, which none is.
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

/** A package as it is found in a `node_modules`. */
export interface InstalledPackage {
  readonly name: string
  /** The real folder, links followed. Absolute. */
  readonly folder: string
  /** A link to sources outside of every `node_modules`: a package of the workspace, or of a `file:` dependency. */
  readonly isLinked: boolean
  readonly hasExports: boolean
  readonly hasMain: boolean
  readonly hasBuild: boolean
}

/** The package that `file` (absolute) gets by this name. */
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
