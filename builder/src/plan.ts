import { join } from "node:path"
import { denoRecipe } from "./deno/deno.ts"
import { dockerfileIn } from "./dockerfile.ts"
import { firstFile, isFile } from "./files.ts"
import { goRecipe } from "./go.ts"
import type { Command } from "./model.ts"
import { type BuildInput, invalid, nothingToRun } from "./model.ts"
import { frameworkOf, isForDevelopment } from "./node/frameworks.ts"
import { type Installation, installationOf } from "./node/managers.ts"
import { type PackageJson, readPackageJson } from "./node/packageJson.ts"
import { buildScriptOf } from "./node/scripts.ts"
import { otherLanguage } from "./otherLanguages.ts"
import { pythonRecipe } from "./python/python.ts"
import type { Recipe } from "./recipe.ts"
import { entryPointIn, startScript } from "./start.ts"

/** The steps of a build, determined only from the folder: planning runs nothing and writes nothing. */
export interface BuildPlan {
  readonly kind: "node" | "site" | "recipe" | "image"
  /** The Dockerfile in the service's folder. If set, nothing else runs. */
  readonly dockerfile?: string
  /** For languages other than JavaScript. */
  readonly recipe?: Recipe
  /** `Next.js`, `Node.js`, `static site`. */
  readonly name: string
  readonly packageJson: PackageJson | undefined
  readonly installation: Installation | undefined
  readonly build: Command | undefined
  /** The config's output folder of the build, relative to the service's folder. */
  readonly output: string | undefined
  /** One line per step, to print. */
  readonly steps: ReadonlyArray<string>
}

const lineOfShell = (line: string, folder: string, bin: ReadonlyArray<string>): Command => ({
  file: "sh",
  args: ["-c", line],
  folder,
  path: bin,
  label: line
})

const planOf = (recipe: Recipe, { build }: BuildInput): BuildPlan => ({
  kind: "recipe",
  recipe,
  name: recipe.name,
  packageJson: undefined,
  installation: undefined,
  build: recipe.build,
  output: typeof build === "object" ? build.output : undefined,
  steps: [
    ...recipe.install
      .map((each) => `install: ${each.label} (${recipe.lockfile})`)
      .filter((value) => !/: (python3 -m venv|relocate|get Deno|begin at|deno cache)/.test(value)),
    ...[...recipe.assets, recipe.build].flatMap((each) => (each === undefined ? [] : [`build: ${each.label}`]))
  ]
})

/**
 * Whether the package.json determines how the service runs, instead of being a tool for a project in another language, for styles or only for the
 * `maxcloud` command.
 */
const isNodeProject = async (folder: string, packageJson: PackageJson): Promise<boolean> => {
  const start = startScript(packageJson)
  if (start !== undefined && !isForDevelopment(start)) return true
  const framework = frameworkOf(packageJson)
  if (framework !== undefined && framework.isBundler !== true) return true
  if ((await entryPointIn(folder, packageJson)) !== undefined) return true
  const isBuilt = framework !== undefined || buildScriptOf(packageJson) !== undefined
  return isBuilt && (await firstFile(folder, ["index.html", "public/index.html"])) !== undefined
}

/** The steps of the `build` script in a package.json next to a project in another language. */
const assetsOf = async (input: BuildInput, packageJson: PackageJson | undefined): Promise<ReadonlyArray<Command>> => {
  const script = buildScriptOf(packageJson)
  if (packageJson === undefined || script === undefined || input.build !== undefined) return []
  if ((input.package ?? ".") !== ".") return []
  const installation = await installationOf(input.folder, packageJson, true)
  return installation === undefined ? [] : [installation.install, installation.script(script, ".")]
}

/** The recipe for languages other than JavaScript; undefined for JavaScript. Fails with the fix for languages that can't be built. */
const recipeOf = async (input: BuildInput, packageJson: PackageJson | undefined): Promise<Recipe | undefined> => {
  const folder = join(input.folder, input.package ?? ".")
  // Deno reads a package.json too, so its own check decides.
  if (packageJson !== undefined) {
    const deno = await denoRecipe(input)
    if (deno !== undefined) return deno
  }
  if (packageJson !== undefined && (await isNodeProject(folder, packageJson))) return undefined
  const recipe = (await goRecipe(input)) ?? (await pythonRecipe(input))
  if (recipe !== undefined) {
    const assets = await assetsOf(input, packageJson)
    return { ...recipe, assets, drop: assets.length === 0 ? recipe.drop : [...recipe.drop, "node_modules"] }
  }
  const deno = packageJson === undefined ? await denoRecipe(input) : undefined
  if (deno !== undefined) return deno
  if (input.build !== undefined || input.hasCommand === true || (await isFile(folder, "index.html"))) return undefined
  const other = await otherLanguage(folder)
  if (other !== undefined) throw nothingToRun(other)
  return undefined
}

const planOfImage = (dockerfile: string): BuildPlan => ({
  kind: "image",
  dockerfile,
  name: "Dockerfile",
  packageJson: undefined,
  installation: undefined,
  build: undefined,
  output: undefined,
  steps: [`build: an image from ${dockerfile}`]
})

/** The service's folder in the snapshot, and its build. */
export const planBuild = async (input: BuildInput): Promise<BuildPlan> => {
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  const dockerfile = await dockerfileIn(folder, input.build)
  if (dockerfile !== undefined) return planOfImage(dockerfile)
  const packageJson = await readPackageJson(folder)
  const recipe = await recipeOf(input, packageJson)
  if (recipe !== undefined) return planOf(recipe, input)
  const rootPackage = inside === "." ? packageJson : await readPackageJson(input.folder)
  const { build: setting } = input
  const script = buildScriptOf(packageJson)
  const isBuilt = setting !== false && (setting !== undefined || script !== undefined)
  const installation =
    rootPackage === undefined ? undefined : await installationOf(input.folder, rootPackage, isBuilt, inside)
  const written = typeof setting === "string" ? setting : typeof setting === "object" ? setting.command : undefined
  const output = typeof setting === "object" ? setting.output : undefined
  const bin = [...new Set([inside === "." ? "node_modules/.bin" : `${inside}/node_modules/.bin`, "node_modules/.bin"])]
  const build =
    setting === false
      ? undefined
      : written !== undefined
        ? lineOfShell(written, inside, bin)
        : script === undefined
          ? undefined
          : (installation?.script(script, inside) ?? {
              file: "npm",
              args: ["run", script],
              folder: inside,
              label: `npm run ${script}`
            })
  const framework = packageJson === undefined ? undefined : frameworkOf(packageJson)
  const isSite =
    packageJson === undefined && (await firstFile(folder, ["index.html", "public/index.html"])) !== undefined
  if (packageJson === undefined && input.package !== undefined)
    throw invalid(`There is no package.json in ${input.package}. Correct \`source\` in the config.`)
  return {
    kind: isSite ? "site" : "node",
    name: framework?.name ?? (isSite ? "static site" : "Node.js"),
    packageJson,
    installation,
    build,
    output,
    steps: [
      ...(installation === undefined
        ? []
        : [
            `install: ${installation.install.label}${installation.lockfile === undefined ? " (no lockfile)" : ` (${installation.lockfile})`}`
          ]),
      ...(build === undefined ? [] : [`build: ${build.label}`])
    ]
  }
}
