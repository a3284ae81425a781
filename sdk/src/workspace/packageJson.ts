import { join } from "node:path"
import { Either, Schema } from "effect"
import { utf8Text } from "../utf8File.ts"

const Dependencies = Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

const PackageJson = Schema.parseJson(
  Schema.Struct({
    name: Schema.optional(Schema.String),
    version: Schema.optional(Schema.Unknown),
    dependencies: Dependencies,
    devDependencies: Dependencies,
    optionalDependencies: Dependencies,
    workspaces: Schema.optional(
      Schema.Union(
        Schema.Array(Schema.String),
        Schema.Struct({ packages: Schema.optional(Schema.Array(Schema.String)) })
      )
    )
  })
)
export type PackageJson = typeof PackageJson.Type

const decode = Schema.decodeUnknownEither(PackageJson)

/** The package.json of a folder; undefined if it's missing or unreadable, which the package manager then reports. */
export const readPackageJson = async (folder: string): Promise<PackageJson | undefined> => {
  const text = await utf8Text(join(folder, "package.json"))
  return text === undefined ? undefined : Either.getOrUndefined(decode(text))
}

const fields = ["dependencies", "devDependencies", "optionalDependencies"] as const

export interface Dependency {
  readonly field: (typeof fields)[number]
  readonly name: string
  readonly written: string
}

export const dependenciesOf = (packageJson: PackageJson): ReadonlyArray<Dependency> =>
  fields.flatMap((field) =>
    Object.entries(packageJson[field] ?? {}).flatMap(([name, written]) =>
      typeof written === "string" ? [{ field, name, written }] : []
    )
  )

/** The path that a dependency has instead of a version. */
export const pathOfDependency = (written: string): string | undefined => {
  const named =
    /^(?:file|link|portal):(.*)$/.exec(written)?.[1] ?? (/^(?:\.\.?|~)?\//.test(written) ? written : undefined)
  // Yarn appends the requester: portal:../lib::locator=…
  return named?.split("::")[0]
}

/** The included part of a left-out package's package.json: the fields that are checked against the lockfile, and nothing that runs. */
const keptKeys = new Set([
  "name",
  "version",
  "private",
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "dependenciesMeta",
  "bundleDependencies",
  "bundledDependencies",
  "workspaces",
  "bin"
])

const decodeObject = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

export const withoutScripts = (text: string | undefined): string => {
  const all = Either.getOrElse(decodeObject(text), () => ({}))
  return `${JSON.stringify(Object.fromEntries(Object.entries(all).filter(([key]) => keptKeys.has(key))), null, 2)}\n`
}
