import { createHash } from "node:crypto"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { firstFile, isFile, namesIn, readText } from "./files.ts"
import { type BuildInput, nothingToRun } from "./model.ts"
import type { Recipe } from "./recipe.ts"

const binary = ".maxcloud/app"
const caches = ".maxcloud/go"

const isMain = async (folder: string): Promise<boolean> => {
  for (const name of (await namesIn(folder)).filter((text) => text.endsWith(".go") && !text.endsWith("_test.go")))
    if (/^package main\b/m.test((await readText(folder, name)) ?? "")) return true
  return false
}

const mostFolders = 2_000

/** The packages with a program below a folder, in the form for `go build`: those of the module, and of a workspace's other modules. */
const programsBelow = async (folder: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  const waiting = [""]
  for (let at = 0; at < waiting.length && at < mostFolders; at++) {
    const inside = waiting[at] ?? ""
    if (inside !== "" && (await isMain(join(folder, inside)))) found.push(`./${inside}`)
    if (inside.split("/").length > 3) continue
    for (const entry of await readdir(join(folder, inside), { withFileTypes: true }))
      if (entry.isDirectory() && !/^(?:[._].*|vendor|testdata|node_modules)$/.test(entry.name))
        waiting.push(inside === "" ? entry.name : `${inside}/${entry.name}`)
  }
  return found
}

/** The package with the program: the module's root, or the one in `cmd`, or the only one. */
const programOf = async (folder: string): Promise<string> => {
  if (await isMain(folder)) return "."
  const all = await programsBelow(folder)
  const inCmd = all.filter((text) => text.startsWith("./cmd/"))
  const found = inCmd.length > 0 ? inCmd : all
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const path = /^module\s+(\S+)/m.exec((await readText(folder, "go.mod")) ?? "")?.[1] ?? ""
  const module = path
    .replace(/\/v\d+$/, "")
    .split("/")
    .at(-1)
  const meant =
    found.find((value) => /\/(server|api|web|app)$/.test(value)) ?? found.find((text) => text.endsWith(`/${module}`))
  if (meant !== undefined) return meant
  throw nothingToRun(
    only === undefined
      ? 'The Go module has no `package main` to run. Use the folder of another module as `source`, or set `build: "go build -o .maxcloud/app ./path"` in the config.'
      : `The Go module has several programs: ${shown(found)}. Choose one in the config, such as \`build: "go build -o .maxcloud/app ${only}"\`.`
  )
}

const shown = (names: ReadonlyArray<string>): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ")

/** The recipe of a Go module; undefined if the folder isn't one. */
export const goRecipe = async (input: BuildInput): Promise<Recipe | undefined> => {
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  if ((await firstFile(folder, ["go.mod", "go.work"])) === undefined) return undefined
  const written =
    typeof input.build === "string" ? input.build : typeof input.build === "object" ? input.build.command : undefined
  const at = `{root}/${inside === "." ? "" : `${inside}/`}${caches}`
  const env = { GOMODCACHE: `${at}/mod`, GOCACHE: `${at}/build`, GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local" }
  const args = ["build", "-trimpath", "-o", binary]
  const sums = await Promise.all(["go.mod", "go.sum", "go.work", "go.work.sum"].map((name) => readText(folder, name)))
  return {
    name: "Go",
    install: [],
    lockfile: "go.sum",
    assets: [],
    build:
      written === undefined
        ? { file: "go", args: [...args, await programOf(folder)], label: "go build", folder: inside, env }
        : { file: "sh", args: ["-c", written], label: written, folder: inside, env },
    // The source's own command may have left anything at this path.
    cache:
      written === undefined
        ? {
            key: createHash("sha256")
              .update(JSON.stringify(["go", process.platform, process.arch, sums]))
              .digest("hex"),
            folder: caches,
            afterBuild: true
          }
        : undefined,
    drop: [caches],
    shape: async (folder) => {
      if (await isFile(folder, binary)) return { start: { file: `./${binary}`, args: [] } }
      throw nothingToRun(
        `The build didn't create a program at ${binary}. Make it write there, or set \`command\` in the config.`
      )
    },
    environment: {},
    path: []
  }
}
