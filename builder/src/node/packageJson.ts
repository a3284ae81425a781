import { Option, Schema } from "effect"
import { readExactText } from "../files.ts"
import { invalid } from "../model.ts"

const Names = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const Texts = Schema.Record({ key: Schema.String, value: Schema.String })

const PackageJson = Schema.parseJson(
  Schema.Struct({
    main: Schema.optional(Schema.Unknown),
    dependencies: Schema.optional(Names),
    devDependencies: Schema.optional(Names),
    optionalDependencies: Schema.optional(Names),
    overrides: Schema.optional(Schema.Unknown),
    resolutions: Schema.optional(Schema.Unknown),
    pnpm: Schema.optional(Schema.Unknown),
    trustedDependencies: Schema.optional(Schema.Unknown),
    workspaces: Schema.optional(Schema.Unknown),
    packageManager: Schema.optional(Schema.String),
    scripts: Schema.optional(Texts)
  })
)
export type PackageJson = typeof PackageJson.Type

const decode = Schema.decodeUnknownOption(PackageJson)

/** undefined if the folder has none. */
export const readPackageJson = async (folder: string, shown = "package.json"): Promise<PackageJson | undefined> => {
  const text = await readExactText(folder, "package.json", shown)
  if (text === undefined) return undefined
  const decoded = decode(text)
  if (Option.isNone(decoded))
    throw invalid(`The ${shown} of the source isn't valid JSON, or a field in it has the wrong type. Correct it.`)
  return decoded.value
}

/** Whether the package has this dependency, of any kind. */
export const dependsOn = (packageJson: PackageJson, name: string): boolean =>
  name in (packageJson.dependencies ?? {}) || name in (packageJson.devDependencies ?? {})
