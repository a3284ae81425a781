import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { Option, Schema } from "effect"
import { BuildFailed } from "../model.ts"

const Package = Schema.parseJson(
  Schema.Struct({
    name: Schema.optional(Schema.String),
    main: Schema.optional(Schema.Unknown),
    bin: Schema.optional(Schema.Unknown)
  })
)
const decode = Schema.decodeUnknownOption(Package)

/** npm records each installed path in this file, which reveals an empty one. */
const Installed = Schema.parseJson(
  Schema.Struct({
    packages: Schema.Record({
      key: Schema.String,
      value: Schema.Struct({ link: Schema.optional(Schema.Boolean), optional: Schema.optional(Schema.Boolean) })
    })
  })
)
const decodeInstalled = Schema.decodeUnknownOption(Installed)

const broken = (where: string, what: string) =>
  new BuildFailed({
    reason: "unavailable",
    message: `The package manager reported success, but ${where} ${what}. The disk may have been full: free some space and deploy again.`
  })

const isEmpty = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile() && found.size === 0,
    () => false
  )

const checkPackage = async (place: string, shown: string): Promise<void> => {
  const text = await readFile(join(place, "package.json"), "utf8").catch(() => undefined)
  if (text === undefined) return
  const found = decode(text.replace(/^\uFEFF/, ""))
  if (Option.isNone(found)) throw broken(`${shown}/package.json`, text === "" ? "is empty" : "isn't valid JSON")
  const { bin, main } = found.value
  // Some packages have an empty main on purpose, because they only contain types. No package has an empty program.
  const programs = typeof bin === "string" ? [bin] : typeof bin === "object" && bin !== null ? Object.values(bin) : []
  for (const file of programs)
    if (typeof file === "string" && (await isEmpty(join(place, file)))) throw broken(`${shown}/${file}`, "is empty")
  if (typeof main === "string" && (await isEmpty(join(place, main))) && (await allEmpty(place)))
    throw broken(shown, "only has empty files")
}

/** Whether all files beside package.json are empty. */
const allEmpty = async (place: string): Promise<boolean> => {
  let files = 0
  for (const entry of await readdir(place, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "package.json") continue
    files++
    if (!(await isEmpty(join(place, entry.name)))) return false
  }
  return files > 0
}

/**
 * Checks installed packages before they are cached for others: on a full disk, npm exits with 0 and leaves most files empty.
 * Every package must have a readable package.json, and programs that aren't empty.
 */
export const verifyPackages = async (modules: string): Promise<void> => {
  let empty = 0
  let files = 0
  const look = async (folder: string, shown: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (!entry.isDirectory() || entry.name === ".bin" || entry.name === ".cache") continue
      const place = join(folder, entry.name)
      const name = `${shown}/${entry.name}`
      if (entry.name === ".pnpm") {
        for (const one of await readdir(place))
          await look(join(place, one, "node_modules"), `${name}/${one}/node_modules`)
      } else if (entry.name.startsWith("@")) await look(place, name)
      else if (!entry.name.startsWith(".")) {
        await checkPackage(place, name)
        for (const file of await readdir(place, { withFileTypes: true })) {
          if (!file.isFile()) continue
          files++
          if (await isEmpty(join(place, file.name))) empty++
        }
        await look(join(place, "node_modules"), `${name}/node_modules`)
      }
    }
  }
  await look(modules, "node_modules")
  // A few empty files are normal (markers, type stubs), a third of all isn't.
  if (files > 20 && empty > files / 3) throw broken(`${empty} of ${files} files in node_modules`, "are empty")
  const text = await readFile(join(modules, ".package-lock.json"), "utf8").catch(() => undefined)
  const installed = text === undefined ? undefined : decodeInstalled(text)
  if (installed === undefined) return
  if (Option.isNone(installed)) throw broken("node_modules/.package-lock.json", "isn't valid JSON")
  for (const [path, { link, optional }] of Object.entries(installed.value.packages)) {
    if (link === true || optional === true || !path.startsWith("node_modules/") || path.split("/").includes(".."))
      continue
    const place = join(modules, "..", path, "package.json")
    if (await isEmpty(place)) throw broken(`${path}/package.json`, "is empty")
    if ((await stat(place).catch(() => undefined)) === undefined) throw broken(`${path}/package.json`, "is missing")
  }
}
