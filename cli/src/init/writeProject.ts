import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { configText, type Format } from "./configText.ts"
import { type Found, findServices } from "./findServices.ts"
import { addIgnoreLines } from "./ignoreLines.ts"
import { nameOf } from "./nameOf.ts"
import { isEmptyFolder, starterFiles, starterFolder } from "./starter.ts"

export interface Project {
  /** Existing files. Empty if the folder was empty. */
  readonly found: ReadonlyArray<Found>
  /** The existing config, which stays unchanged. */
  readonly kept: string | undefined
  /** The path or URL of the JSON Schema for editors, if the existing config doesn't name one. */
  readonly schemaFor: string | undefined
  readonly format: Format
  /** Written or extended files, relative to the folder. */
  readonly written: ReadonlyArray<string>
  readonly ignored: ReadonlyArray<string>
}

const schemaFile = "node_modules/@maxcloud/sdk/config.schema.json"

/** The JSON Schema for a config in `folder`: a path into the SDK that is installed or that npm will install; else a URL. */
const schemaOf = (folder: string): string => {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, schemaFile))) return relative(folder, join(at, schemaFile)).replace(/^(?!\.)/, "./")
    if (dirname(at) === at) break
  }
  return existsSync(join(folder, "package.json"))
    ? `./${schemaFile}`
    : "https://unpkg.com/@maxcloud/sdk/config.schema.json"
}

/** An existing YAML or JSON config that names no schema. It isn't rewritten. */
const namesNoSchema = async (file: string): Promise<boolean> =>
  /\.(?:ya?ml|json)$/.test(file) && !(await readFile(file, "utf8")).includes("$schema")

/** A TypeScript config needs an npm package, which projects in other languages don't need otherwise. */
const usualFormat = (isEmpty: boolean, here: ReadonlyArray<string>): Format =>
  isEmpty || here.includes("package.json") ? "ts" : "yaml"

const formatOf = (config: string): Format => {
  if (config.endsWith(".json")) return "json"
  return /\.ya?ml$/.test(config) ? "yaml" : "ts"
}

/** Writes a config and its files into the folder (absolute path). Overwrites nothing. Safe to repeat. */
export const writeProject = async (folder: string, wanted: Format | undefined): Promise<Project> => {
  const { configNames } = await import("@maxcloud/sdk/internal")
  await mkdir(folder, { recursive: true })
  const here = await readdir(folder)
  const kept = configNames.find((configName) => here.includes(configName))
  const isEmpty = await isEmptyFolder(folder)
  const format = kept === undefined ? (wanted ?? usualFormat(isEmpty, here)) : formatOf(kept)
  const found = isEmpty || kept !== undefined ? [] : await findServices(folder)
  const files: Array<readonly [string, string]> = []
  if (kept === undefined) {
    const services = isEmpty
      ? [{ name: starterFolder, source: `./${starterFolder}`, isExample: true }]
      : found.map(({ name, source }) => ({ name, source, isExample: false }))
    if (isEmpty) files.push(...starterFiles)
    const text = configText(format, { app: nameOf(folder), services, schema: schemaOf(folder) })
    files.push([`maxcloud.config.${format}`, text])
  }
  const written: Array<string> = []
  for (const [path, content] of files) {
    if (existsSync(join(folder, path))) continue
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content, { flag: "wx" })
    written.push(path)
  }
  const ignored = await addIgnoreLines(folder)
  if (ignored.length > 0) written.push(".gitignore")
  const schemaFor = kept !== undefined && (await namesNoSchema(join(folder, kept))) ? schemaOf(folder) : undefined
  return { found, kept, schemaFor, format, written, ignored }
}
