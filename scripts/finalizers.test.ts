import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { parse } from "@babel/parser"
import { describe, expect, it } from "@effect/vitest"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

type Tree = Readonly<Record<string, unknown>>
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value)

const childrenOf = (node: Tree): ReadonlyArray<readonly [key: string, child: Tree]> =>
  Object.entries(node).flatMap(([key, value]) =>
    key === "loc"
      ? []
      : (Array.isArray(value) ? value : [value]).filter(isTree).map((child): readonly [string, Tree] => [key, child])
  )

const isModule = (value: unknown) =>
  isTree(value) &&
  value["type"] === "Identifier" &&
  ["Effect", "Layer", "Scope", "Stream"].includes(String(value["name"]))

/** `name` of `Effect.name`. */
const memberOf = (node: unknown): string =>
  isTree(node) && node["type"] === "MemberExpression" && isModule(node["object"]) && isTree(node["property"])
    ? String(node["property"]["name"])
    : ""

/** Does this argument of the call run uninterruptibly? */
const uninterruptible = (member: string, index: number, count: number): boolean => {
  if (member === "acquireUseRelease") return index !== 1
  if (["ensuring", "onError", "onExit", "onInterrupt"].includes(member)) return index === count - 1
  return ["acquireRelease", "addFinalizer", "finalizer", "uninterruptible"].includes(member)
}

/** Timeouts that never fire, because they are in a finalizer, or in a value of the same file that a finalizer uses. */
const timeoutsThatNeverFire = (name: string, text: string): ReadonlyArray<string> => {
  const { program } = parse(text, { sourceType: "module", plugins: ["typescript"] })
  const declared = new Map<string, Tree>()
  const found = new Set<string>()

  const look = (node: Tree, seen: ReadonlySet<Tree>): void => {
    const { callee, name: word, start, type } = node
    // These make their argument interruptible again.
    if (type === "CallExpression" && isTree(callee) && callee["name"] === "endWithin") return
    if (type === "CallExpression" && memberOf(callee) === "interruptible") return
    const member = memberOf(node)
    if (/^timeout/.test(member))
      found.add(`${name}:${text.slice(0, Number(start)).split("\n").length}: Effect.${member}`)
    const named = type === "Identifier" ? declared.get(String(word)) : undefined
    if (named !== undefined && !seen.has(named)) look(named, new Set([...seen, named]))
    for (const [key, child] of childrenOf(node)) if (key !== "property" || node["computed"] === true) look(child, seen)
  }
  const visit = (node: Tree, use: (node: Tree) => void): void => {
    use(node)
    for (const [, child] of childrenOf(node)) visit(child, use)
  }
  const all: unknown = program
  if (!isTree(all)) return []
  visit(all, ({ id, init, type }) => {
    // Ignore the timeouts inside a service that a finalizer names.
    if (type === "VariableDeclarator" && isTree(id) && isTree(init) && init["type"] !== "YieldExpression")
      declared.set(String(id["name"]), init)
  })
  visit(all, ({ arguments: given, callee }) => {
    const member = memberOf(callee)
    if (!Array.isArray(given)) return
    given.forEach((argument, index) => {
      if (isTree(argument) && uninterruptible(member, index, given.length)) look(argument, new Set())
    })
  })
  return [...found]
}

const sources = ["server", "cli", "sdk", "builder", "oci"].flatMap((name) => {
  const folder = join(root, name, "src")
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((text) => text.endsWith(".ts") && !text.endsWith(".test.ts"))
    .map((value) => join(folder, value))
})

describe("timeouts in finalizers", () => {
  it("are found by this check", () => {
    const find = (text: string) => timeoutsThatNeverFire("a.ts", text)
    expect(find('Effect.addFinalizer(() => close.pipe(Effect.timeoutOption("1 second")))')).toHaveLength(1)
    expect(find('Effect.acquireRelease(open, (_) => _.close.pipe(Effect.timeout("1 second")))')).toHaveLength(1)
    expect(find('const end = Effect.timeout(close, "1 s")\nwork.pipe(Effect.ensuring(end))')).toHaveLength(1)
    expect(find('Effect.acquireUseRelease(open, (_) => Effect.timeout(_.work, "1 s"), (_) => _.close)')).toHaveLength(0)
    expect(find('Effect.ensuring(Effect.timeout(work, "1 s"), close)')).toHaveLength(0)
    expect(find('Effect.addFinalizer(() => close.pipe(endWithin("1 second")))')).toHaveLength(0)
    expect(
      find('Effect.acquireRelease(Effect.fork(Effect.interruptible(Effect.timeout(work, "1 s"))), end)')
    ).toHaveLength(0)
  })

  it("use endWithin, because a timeout never fires there", () => {
    const found = sources.flatMap((path) => {
      const text = readFileSync(path, "utf8")
      return text.includes("Effect.timeout") ? timeoutsThatNeverFire(relative(root, path), text) : []
    })
    expect(found, "use endWithin (server/src/base/node/endWithin.ts)").toStrictEqual([])
  })
})
