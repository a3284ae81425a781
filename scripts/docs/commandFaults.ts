import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Either } from "effect"
import { splitCommand } from "../../cli/src/splitCommand.ts"
import { commandsOf, type ShellCommand } from "./shell.ts"

const root = join(import.meta.dirname, "../..")
const json = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"))

/** Other projects' programs that the pages use. We don't check their arguments. */
const foreign = new Set([
  ...["bao", "gh", "git", "go", "jq", "kubectl", "node", "openssl", "pg_dump", "podman", "python3"],
  ...[
    "bash",
    "cat",
    "cd",
    "cp",
    "date",
    "echo",
    "export",
    "grep",
    "head",
    "mkdir",
    "rm",
    "sleep",
    "tail",
    "test",
    "tr",
    "umask"
  ]
])

/** Other projects' packages that a page may install. */
const installed = new Set(["effect", "vitest"])

const maxcloudFault = async (words: ReadonlyArray<string>): Promise<string | undefined> => {
  if (words.includes("--help") || words.includes("--version")) return undefined
  const { entry, rest } = splitCommand(words)
  if (entry === undefined) return "no such command"
  const { default: command } = await entry.load()
  const end = rest.indexOf("--")
  const parsed = await Effect.runPromise(Effect.either(command.check(rest)))
  return Either.isLeft(parsed) ? `${parsed.left.message}${end === -1 ? "" : " (after --)"}` : undefined
}

/** The arguments of maxcloud, if this command runs it, also through npm: `npx maxcloud`, `npm run maxcloud --`. */
const maxcloudIn = ({ program, words }: ShellCommand): ReadonlyArray<string> | undefined => {
  if (program === "maxcloud") return words
  const at = words.indexOf("maxcloud")
  if (program === "npx") return at === -1 ? undefined : words.slice(at + 1)
  if (program === "npm" && words[0] === "run" && at !== -1) {
    return words.slice(at + 1).filter((word, index) => index > 0 || word !== "--")
  }
  return undefined
}

const npmFault = (words: ReadonlyArray<string>): string | undefined => {
  const [verb = "", ...rest] = words
  const names = rest.filter((word) => !word.startsWith("-"))
  if (verb === "init" || verb === "pkg" || verb === "ci" || verb === "start" || verb === "test") return undefined
  if (verb === "run") return Object.hasOwn(json("package.json").scripts, names[0] ?? "") ? undefined : "no such script"
  if (verb !== "i" && verb !== "install") return `this check doesn't know "npm ${verb}"`
  // Only a page whose own test installs the package names a version.
  const ours = names.filter((name) => !/.@\d/.test(name))
  const unknown = ours.filter(
    (name) => !installed.has(name) && !/^@maxcloud\/(?:cli|sdk|server|synth|config-schema)$/.test(name)
  )
  return unknown.length === 0 ? undefined : `no package ${unknown.join(", ")}`
}

interface OpenApiOperation {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string; readonly required?: boolean }>
}
const paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>> = json("docs/openapi.json").paths

/** The operation of a request. The most specific path wins: `/services/secrets-import` before `/services/{id}`. */
const operationAt = (method: string, pathname: string): OpenApiOperation | undefined =>
  Object.entries(paths)
    .filter(([path, methods]) => {
      const pattern = path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{[^}]*\}/g, "[^/]+")
      return new RegExp(`^${pattern}$`).test(pathname) && Object.hasOwn(methods, method.toLowerCase())
    })
    .toSorted(([one], [other]) => one.split("{").length - other.split("{").length)[0]?.[1][method.toLowerCase()]

const curlFault = (words: ReadonlyArray<string>): string | undefined => {
  const after = (flag: string) => words[words.indexOf(flag) + 1]
  const method = words.includes("-X") ? (after("-X") ?? "") : words.includes("-d") ? "POST" : "GET"
  const url = words.find((word) => /^https?:/.test(word))
  if (url === undefined) return "it has no URL"
  const { hostname, pathname, searchParams } = new URL(url)
  // A service's own URL.
  if (hostname.endsWith(".localhost")) return undefined
  if (pathname === "/api/openapi.json") return undefined
  const operation = operationAt(method, decodeURIComponent(pathname))
  if (operation === undefined) return `the API has no ${method} ${decodeURIComponent(pathname)}`
  const known = new Set(operation.parameters?.filter((each) => each.in === "query").map((each) => each.name))
  const unknown = [...searchParams.keys()].filter((name) => !known.has(name))
  return unknown.length === 0 ? undefined : `${method} ${pathname} has no parameter ${unknown.join(", ")}`
}

const faultOf = async (command: ShellCommand): Promise<string | undefined> => {
  const ours = maxcloudIn(command)
  if (ours !== undefined) return maxcloudFault(ours)
  if (command.program === "npm") return npmFault(command.words)
  if (command.program === "curl") return curlFault(command.words)
  if (command.program === "npx" && !command.words.includes("maxcloud")) return undefined
  return foreign.has(command.program) || command.program.startsWith(".venv/bin/")
    ? undefined
    : `this check doesn't know the program ${command.program}`
}

/** Mistakes in the commands of a statement: unknown names, flags and arguments, found without running them. */
export const faultsOf = async (statement: string): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = []
  for (const command of commandsOf(statement)) {
    const fault = await faultOf(command)
    if (fault !== undefined) faults.push(`${command.program} ${command.words.join(" ")}: ${fault}`)
  }
  return faults
}
