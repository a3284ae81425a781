import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { Option, Schema } from "effect"
import type { TreeEntry } from "./tree.ts"

/** A package that an image contains. */
export interface ContainedPackage {
  readonly type: "npm" | "pypi" | "golang"
  readonly name: string
  readonly version: string
  readonly license: string | undefined
}

const Text = Schema.String.pipe(Schema.maxLength(1_000))
const Manifest = Schema.parseJson(
  Schema.Struct({ name: Text, version: Text, license: Schema.optional(Schema.Unknown) })
)
const decode = Schema.decodeUnknownOption(Manifest)
const largest = 4 * 2 ** 20
const mostFields = 1_000
const longestField = 1_000

const textOf = async (file: string): Promise<string> => {
  const found = await stat(file).catch(() => undefined)
  return found?.isFile() === true && found.size <= largest ? readFile(file, "utf8") : ""
}

/** A package.json of an installed package: `node_modules/<name>/package.json`, at any depth. */
const npmManifest = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/.][^/]*\/package\.json$/
const wheelMetadata = /(?:^|\/)site-packages\/[^/]+\.dist-info\/METADATA$/

const npmPackage = async (file: string): Promise<ContainedPackage | undefined> => {
  const found = Option.getOrUndefined(decode((await textOf(file)).replace(/^\uFEFF/, "")))
  if (found === undefined) return undefined
  const { license, name, version } = found
  return { type: "npm", name, version, license: typeof license === "string" ? license : undefined }
}

/** The header fields come first (PyPA, "Core metadata specifications"). */
const wheel = async (file: string): Promise<ContainedPackage | undefined> => {
  const head = (await textOf(file)).split(/\r?\n\r?\n/)[0] ?? ""
  const lines = head.split(/\r?\n/).slice(0, mostFields)
  const field = (name: string) =>
    lines
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1, longestField)
      .trim() || undefined
  const [name, version] = [field("Name"), field("Version")]
  return name === undefined || version === undefined
    ? undefined
    : { type: "pypi", name: name.toLowerCase().replace(/[-_.]+/g, "-"), version, license: field("License-Expression") }
}

/** The modules of a go.mod, which Go 1.17 and newer list completely. */
const goModules = async (folder: string): Promise<ReadonlyArray<ContainedPackage>> =>
  (await textOf(join(folder, "go.mod"))).split("\n").flatMap((line) => {
    const words = line.trim().split(/\s+/)
    const [name = "", version = ""] = words[0] === "require" ? words.slice(1) : words
    return name.includes(".") && /^v\d/.test(version) ? [{ type: "golang", name, version, license: undefined }] : []
  })

const keyOf = ({ name, type, version }: ContainedPackage) => `${type} ${name} ${version}`

/** The packages in a tree, each once, sorted. */
export const packagesOf = async (
  folder: string,
  entries: ReadonlyArray<TreeEntry>
): Promise<ReadonlyArray<ContainedPackage>> => {
  const found = new Map<string, ContainedPackage>()
  const add = (each: ContainedPackage | undefined) => each !== undefined && found.set(keyOf(each), each)
  for (const { content, path } of entries) {
    if (typeof content !== "string") continue
    if (npmManifest.test(path)) add(await npmPackage(content))
    else if (wheelMetadata.test(path)) add(await wheel(content))
  }
  const names = await readdir(folder)
  if (names.includes("go.mod")) for (const each of await goModules(folder)) add(each)
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/** The app's own name, version, license and description, as its package.json says them. */
export const ownPackage = async (folder: string): Promise<ContainedPackage | undefined> =>
  npmPackage(join(folder, "package.json"))
