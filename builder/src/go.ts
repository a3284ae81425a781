import { createHash } from "node:crypto"
import { join } from "node:path"
import { isFile, namesIn, readText } from "./files.ts"
import { type BuildInput, nothingToRun } from "./model.ts"
import type { Recipe } from "./recipe.ts"

const binary = ".maxcloud/app"
const caches = ".maxcloud/go"

const isMain = async (folder: string): Promise<boolean> => {
  for (const name of (await namesIn(folder)).filter((_) => _.endsWith(".go") && !_.endsWith("_test.go")))
    if (/^package main\b/m.test((await readText(folder, name)) ?? "")) return true
  return false
}

/** The package with the program: the module's root, or the one in `cmd`. */
const programOf = async (folder: string): Promise<string> => {
  if (await isMain(folder)) return "."
  const found: Array<string> = []
  for (const name of await namesIn(join(folder, "cmd")))
    if (await isMain(join(folder, "cmd", name))) found.push(`./cmd/${name}`)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const server = found.find((_) => /\/(server|api|web|app)$/.test(_))
  if (server !== undefined) return server
  throw nothingToRun(
    `Nothing says which program of the Go module to run: ${found.length === 0 ? "there is no package main at its root or in cmd/" : `there are ${found.join(", ")}`}. Write \`build: "go build -o .maxcloud/app ./cmd/server"\` in the config.`
  )
}

/** How a Go module is built; undefined if the folder is none. */
export const goRecipe = async (input: BuildInput): Promise<Recipe | undefined> => {
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  if (!(await isFile(folder, "go.mod"))) return undefined
  const written =
    typeof input.build === "string" ? input.build : typeof input.build === "object" ? input.build.command : undefined
  const at = `{root}/${inside === "." ? "" : `${inside}/`}${caches}`
  const env = { GOMODCACHE: `${at}/mod`, GOCACHE: `${at}/build`, GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local" }
  const args = ["build", "-trimpath", "-o", binary]
  const sums = `${await readText(folder, "go.mod")}${(await readText(folder, "go.sum")) ?? ""}`
  return {
    name: "Go",
    install: [],
    lockfile: "go.sum",
    build:
      written === undefined
        ? { file: "go", args: [...args, await programOf(folder)], label: "go build", folder: inside, env }
        : { file: "sh", args: ["-c", written], label: written, folder: inside, env },
    // What a command of the source's own has left may be anything.
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
        `The build has left no program at ${binary}. Let it write there, or write \`command\` in the config.`
      )
    },
    environment: {},
    path: []
  }
}
