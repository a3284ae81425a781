import { join } from "node:path"
import { firstFile, namesIn, readText } from "../files.ts"
import { type BuildFailed, nothingToRun, type Start } from "../model.ts"
import { procfileOf } from "../procfile.ts"
import { entryPointIn, sourceEntryIn, startScript } from "../start.ts"
import { frameworkOf, isForDevelopment, isNextStart, type Shape, type Site } from "./frameworks.ts"
import type { PackageJson } from "./packageJson.ts"
import { productionScript, withoutBuild } from "./scripts.ts"

/** Folders where builds put a site, by convention. */
const siteFolders = [
  ...["dist", "build", "out", "public", "_site", "www", "build/client", "dist/client"],
  ...["docs/.vitepress/dist", ".vitepress/dist", "docs/.vuepress/dist", "doc_build", "storybook-static"]
]

/** The folder of a built site, or of a source that is a site. */
const siteIn = async (folder: string, wasBuilt: boolean): Promise<string | undefined> => {
  const built = wasBuilt
    ? await firstFile(
        folder,
        siteFolders.map((siteFolder) => `${siteFolder}/index.html`)
      )
    : undefined
  if (built !== undefined) return built.slice(0, -"/index.html".length)
  return await firstFile(folder, ["index.html", "public/index.html"]).then((found) =>
    found === undefined ? undefined : found === "index.html" ? "." : "public"
  )
}

const nothing = async (folder: string, wasBuilt: boolean): Promise<BuildFailed> => {
  const names = (await namesIn(folder)).filter((name) => name !== "node_modules").slice(0, 12)
  const what = wasBuilt ? "The build left nothing that starts" : "Couldn't find out how it starts"
  return nothingToRun(
    `${what}: there is no \`start\` script, no index.js, server.js or main.js, and no index.html (found: ${names.join(", ") || "nothing"}). Set \`command: ["node", "path/to/server.js"]\` in the config, \`build: { command: "npm run build", output: "dist" }\` for a site, or \`image\` instead of \`source\`; or add a Dockerfile.`
  )
}

/** How to run a Node project, or a folder of files, after its build. */
export const nodeShape = async (
  folder: string,
  packageJson: PackageJson | undefined,
  { output, wasBuilt }: { readonly output: string | undefined; readonly wasBuilt: boolean }
): Promise<Shape | Site> => {
  const script = startScript(packageJson)
  const written = wasBuilt ? withoutBuild(script, packageJson) : script
  if (output !== undefined) {
    const inside = join(folder, output)
    const program = await entryPointIn(inside)
    if ((await firstFile(inside, ["index.html"])) !== undefined && program === undefined) return { site: output }
    if (written !== undefined && !isForDevelopment(written)) return { start: written }
    if (program !== undefined) return { start: within(program, output) }
    return { site: output }
  }
  const framework = packageJson === undefined ? undefined : frameworkOf(packageJson)
  const shape = wasBuilt ? await framework?.shape?.(folder) : undefined
  const own = isForDevelopment(written) || (isNextStart(written) && typeof shape === "object") ? undefined : written
  if (own !== undefined) return { start: own }
  if (typeof shape === "string") throw nothingToRun(shape)
  if (shape !== undefined) return shape
  const forProduction = productionScript(packageJson) ?? (await fromProcfile(folder))
  if (forProduction !== undefined) return { start: forProduction }
  const program = await entryPointIn(folder, packageJson)
  const built = wasBuilt ? await siteIn(folder, true) : undefined
  // A bundler's project has browser code at its root that looks like a program.
  if (built !== undefined && built !== "." && (program === undefined || framework?.isBundler === true))
    return { site: built }
  if (program !== undefined && !(await isOfPage(folder, program))) return { start: program }
  const site = built ?? (await siteIn(folder, false))
  if (site !== undefined) return { site }
  const source = await sourceEntryIn(folder, packageJson)
  if (source !== undefined) return { start: source }
  throw await nothing(folder, wasBuilt)
}

/** A Procfile's program. `npm start` there means the start script, which was already checked. */
const fromProcfile = async (folder: string): Promise<Start | undefined> => {
  const line = await procfileOf(folder)
  return line === undefined || /^(?:npm|yarn|pnpm|bun)\s/.test(line) ? undefined : { script: line }
}

/** Whether it is a browser script of the page beside it. */
const isOfPage = async (folder: string, program: Start): Promise<boolean> => {
  const [file = ""] = "file" in program ? program.args : []
  const page = (await readText(folder, "index.html")) ?? ""
  const tags = page
    .split(/<script\b/i)
    .slice(1, 100)
    .map((part) => part.slice(0, 500).split(">")[0] ?? "")
  return tags.some((tag) => /\ssrc=["']?([^"'\s]+)/.exec(tag)?.[1]?.replace(/^\.?\//, "") === file)
}

const within = (start: Start, folder: string): Start =>
  "file" in start ? { ...start, args: start.args.map((arg) => `${folder}/${arg}`) } : start
