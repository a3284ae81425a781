import { dirname, relative } from "node:path"
import { utf8Text } from "../utf8File.ts"
import { fileFor } from "./imports/fileFor.ts"
import { type ImportResolver, makeImportResolver, writtenPath } from "./imports/resolveImport.ts"
import { findNodes, isSyntaxNode, type Place, placeOf, readSyntax, type SyntaxNode } from "./syntaxTree.ts"

/** An import in the source text. */
export interface Import extends Place {
  readonly specifier: string
  /** Whether it runs together with the module. An `import()` doesn't. */
  readonly isStatic: boolean
}

export interface Module {
  /** Absolute. */
  readonly file: string
  readonly imports: ReadonlyArray<Import>
  /** The files of its static imports, without packages. */
  readonly files: ReadonlyArray<string>
  readonly root?: SyntaxNode
  readonly mistake?: Place & { readonly message: string }
}

const textOf = (node: unknown) => (isSyntaxNode(node) && typeof node.value === "string" ? node.value : undefined)

/** `import()` and `require()`. */
const calledSource = (node: SyntaxNode): unknown => {
  if (node.type === "ImportExpression") return node.source
  if (node.type !== "CallExpression" || !isSyntaxNode(node.callee) || !Array.isArray(node.arguments)) return undefined
  const isImport = node.callee.type === "Import" || node.callee.name === "require"
  return isImport ? node.arguments[0] : undefined
}

const importsIn = (root: SyntaxNode): ReadonlyArray<Import> => {
  const body = Array.isArray(root.body) ? root.body.filter(isSyntaxNode) : []
  const declared = body
    .filter((each) => each.importKind !== "type" && each.exportKind !== "type")
    .map((each) => ({ node: each, specifier: textOf(each.source), isStatic: true }))
  const called = findNodes(root, (one) => calledSource(one) !== undefined).map((findNode) => ({
    node: findNode,
    specifier: textOf(calledSource(findNode)),
    isStatic: false
  }))
  return [...declared, ...called].flatMap(({ isStatic, node, specifier }) =>
    specifier === undefined ? [] : [{ specifier, isStatic, ...placeOf(node) }]
  )
}

const fileOf = async (specifier: string, file: string, resolver: ImportResolver): Promise<string | undefined> => {
  const path = writtenPath(specifier, file)
  if (path !== undefined) return fileFor(path)
  return (await resolver.alias(specifier, file)) ?? resolver.missing(specifier, file)
}

const isProgram = (file: string) => /\.[cm]?[jt]s$/.test(file)

/** Reads a module; undefined if it isn't one, or can't be read. */
export const readModule = async (file: string, resolver = makeImportResolver()): Promise<Module | undefined> => {
  const text = isProgram(file) ? await utf8Text(file) : undefined
  if (text === undefined) return undefined
  const read = readSyntax(file, text)
  if ("mistake" in read) return { file, imports: [], files: [], mistake: read.mistake }
  const imports = importsIn(read.root)
  const found = await Promise.all(
    imports.filter((each) => each.isStatic).map(({ specifier }) => fileOf(specifier, file, resolver))
  )
  return { file, imports, files: found.filter((value) => value !== undefined), root: read.root }
}

/** The config and the files that it imports, each after its importers; at most 500. Doesn't read installed packages. */
export const modulesOf = async (config: string): Promise<ReadonlyMap<string, Module>> => {
  const resolver = makeImportResolver()
  const modules = new Map<string, Module>()
  const waiting = [config]
  for (let file = waiting.shift(); file !== undefined && modules.size < 500; file = waiting.shift()) {
    if (modules.has(file) || file.includes("/node_modules/")) continue
    const module = await readModule(file, resolver)
    if (module === undefined) continue
    modules.set(file, module)
    waiting.push(...module.files)
  }
  return modules
}

/** A cycle of imports reachable from the config, with its first file repeated at the end. */
export const circleOf = (config: string, modules: ReadonlyMap<string, Module>): ReadonlyArray<string> | undefined => {
  const done = new Set<string>()
  const search = (file: string, above: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    const at = above.indexOf(file)
    if (at !== -1) return [...above.slice(at), file]
    if (done.has(file)) return undefined
    done.add(file)
    for (const next of modules.get(file)?.files ?? []) {
      const circle = search(next, [...above, file])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  return search(config, [])
}

export const showCircle = (config: string, circle: ReadonlyArray<string>) =>
  circle.map((value) => relative(dirname(config), value)).join(" → ")
