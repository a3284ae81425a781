import { readdir } from "node:fs/promises"
import { basename, dirname, join, parse, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { nearest, packageManagerOf } from "@maxcloud/config-schema"
import type { ConfigIssue } from "../../errors.ts"
import { workspaceAt } from "../../workspace/findWorkspace.ts"
import { type Import, readModule } from "../moduleGraph.ts"
import { installedPackage, packageOf } from "./linkedPackage.ts"
import { makeImportResolver, writtenPath } from "./resolveImport.ts"

export interface Explained {
  readonly text: string
  readonly place: Partial<ConfigIssue>
}

const pathOf = (written: string) => (written.startsWith("file:") ? fileURLToPath(written) : written)

/** Whether Node's `wanted` (a name or an absolute path) is this import. */
const leadsTo = ({ specifier }: Import, file: string, wanted: string): boolean => {
  if (specifier === wanted) return true
  const path = writtenPath(specifier, file)
  if (path !== undefined) return path === wanted || path === `${wanted}/`
  const name = packageOf(specifier)?.name
  // Node reads the part before the first slash as the package's name.
  if (name === wanted || specifier.startsWith(`${wanted}/`)) return true
  const found = name === undefined ? undefined : installedPackage(name, file)
  return found !== undefined && (wanted.startsWith(`${found.folder}/`) || wanted.includes(`/node_modules/${name}/`))
}

const inPath = async (specifier: string, path: string): Promise<string> => {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => undefined)
  if (names === undefined) return `There is no folder ${dirname(specifier)}. Correct the path.`
  const written = basename(path)
  const stem = parse(written).name
  const near =
    nearest(written, names) ??
    nearest(
      stem,
      names.map((name) => parse(name).name)
    )
  const meant = names.find((name) => name === near || parse(name).name === near)
  return meant === undefined ? "Correct the path." : `Did you mean "${dirname(specifier)}/${meant}"?`
}

/** The fix if the workspace above `file` has a package of this name that isn't linked. */
const inWorkspace = async (name: string, file: string): Promise<string | undefined> => {
  for (let root = dirname(file); ; root = dirname(root)) {
    const workspace = await workspaceAt(root)
    const member = workspace?.members.find((member) => member.packageJson.name === name)
    if (member !== undefined) {
      const manager = packageManagerOf(await readdir(root).catch(() => []))
      const range = manager === "npm" ? "*" : "workspace:*"
      const beside = `the package.json beside ${basename(file)}`
      return `It's the workspace's package in ${member.folder}, which isn't linked here. Add "${name}": "${range}" to the dependencies of ${beside}, then run \`${manager} install\`.`
    }
    if (workspace !== undefined || dirname(root) === root) return undefined
  }
}

const ofPackage = async (specifier: string, file: string, wanted: string): Promise<string | undefined> => {
  const named = packageOf(specifier)
  if (named === undefined) return undefined
  const found = installedPackage(named.name, file)
  if (found === undefined) return (await inWorkspace(named.name, file)) ?? `Install it: npm i -D ${named.name}`
  const places = [`${found.folder}/`, `/node_modules/${named.name}/`]
  const inside = places.map((place) => wanted.split(place)[1]).find((value) => value !== undefined)
  const missing = inside ?? "the imported file"
  if (!found.isLinked)
    return `The package ${named.name} is installed, but doesn't contain ${missing}. Correct the import, or reinstall the package.`
  const folder = relative(dirname(file), found.folder) || "."
  return found.hasBuild
    ? `The package in ${folder} doesn't have ${missing}. Build it first (\`npm run build\` there), or let its package.json name its sources.`
    : `The package in ${folder} doesn't have ${missing}. Correct the import, or \`main\` and \`exports\` in its package.json.`
}

/** The fix for an import that can't be resolved. `wanted`: the name or path that Node looked for. */
const fixOf = async (specifier: string, file: string, wanted: string): Promise<string> => {
  const path = writtenPath(specifier, file)
  if (path !== undefined) return inPath(specifier, path)
  const { paths } = makeImportResolver()
  const mapped = await paths.mapped(specifier, file)
  const shown = (value: string) => relative(dirname(file), value)
  if (mapped !== undefined && mapped.file === undefined) {
    return `${shown(mapped.tsconfig)} maps it to ${mapped.places.map(shown).join(", ")}, but that file doesn't exist. Correct the import, or \`paths\` there.`
  }
  const fault = await paths.faultFor(file)
  const unread = fault === undefined ? "" : ` ${shown(fault.tsconfig)} can't be read: ${fault.message}`
  const fix = specifier.startsWith("#")
    ? "Add it to `imports` in the package.json, or to `paths` in tsconfig.json."
    : ((await ofPackage(specifier, file, wanted)) ??
      "No package has such a name, and no tsconfig.json maps it. Add it to `paths` in tsconfig.json, or write a relative path.")
  return `${fix}${unread}`
}

/** Explains Node's message about an import that it couldn't find. */
export const missingImport = async (config: string, message: string): Promise<Explained> => {
  const [, wanted = message, from] =
    /^(?:Cannot find (?:package|module)|Directory import) '(.*?)'.* imported from (.*)$/m.exec(message) ??
    /^Cannot find module '(.*?)'\nRequire stack:\n- (.*)$/m.exec(message) ??
    /^(?:Package import specifier|Invalid module) "(.*?)".* imported from (.*)$/m.exec(message) ??
    []
  const file = from === undefined ? config : pathOf(from)
  const module = await readModule(file)
  const found = module?.imports.find((value) => leadsTo(value, file, wanted))
  const specifier = found?.specifier ?? (wanted.startsWith("/") ? relative(dirname(file), wanted) : wanted)
  const written = found === undefined && wanted.startsWith("/") ? `./${specifier}` : specifier
  const text = `Can't find "${written}", which is imported here. ${await fixOf(written, file, wanted)}`
  return { text, place: { file, ...(found === undefined ? {} : { line: found.line, column: found.column }) } }
}

/** Explains Node's message about an import that a package doesn't export. */
export const notExported = async (config: string, message: string): Promise<Explained> => {
  const inside = /subpath '(.*?)' is not defined by "exports"/.exec(message)?.[1] ?? "."
  const from = message.split(" imported from ")[1]?.split("\n")[0]
  const file = from === undefined ? config : pathOf(from)
  const module = await readModule(file)
  const isMeant = ({ specifier }: Import) => {
    const named = packageOf(specifier)
    return named !== undefined && (inside === "." ? named.inside === "" : `./${named.inside}` === inside)
  }
  const found = module?.imports.find(isMeant)
  const name = found === undefined ? undefined : packageOf(found.specifier)?.name
  const own = name === undefined ? undefined : installedPackage(name, file)
  const fix = own?.isLinked
    ? `Add "${inside}" to \`exports\` in ${relative(dirname(file), join(own.folder, "package.json"))}.`
    : "Import one of the paths that its package.json exports."
  const text = `"${found?.specifier ?? inside}" isn't exported by its package. ${fix}`
  return { text, place: { file, ...(found === undefined ? {} : { line: found.line, column: found.column }) } }
}
