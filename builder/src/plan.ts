import { join } from "node:path"
import { dockerfileIn } from "./dockerfile.ts"
import { firstFile } from "./files.ts"
import { goRecipe } from "./go.ts"
import type { Command } from "./model.ts"
import { type BuildInput, invalid } from "./model.ts"
import { frameworkOf } from "./node/frameworks.ts"
import { type Installation, installationOf } from "./node/managers.ts"
import { type PackageJson, readPackageJson } from "./node/packageJson.ts"
import { pythonRecipe } from "./python/python.ts"
import type { Recipe } from "./recipe.ts"

/** What a build will do, read from the folder alone: nothing is run, nothing is written. */
export interface BuildPlan {
  readonly kind: "node" | "site" | "recipe" | "image"
  /** The file in the service's folder by which its image is made; then nothing else is done. */
  readonly dockerfile?: string
  /** Of another language than JavaScript. */
  readonly recipe?: Recipe
  /** `Next.js`, `Node.js`, `static site`. */
  readonly name: string
  readonly packageJson: PackageJson | undefined
  readonly installation: Installation | undefined
  readonly build: Command | undefined
  /** The folder that the build leaves, as the config says it; relative to the service's folder. */
  readonly output: string | undefined
  /** One line for each step, for people. */
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
      .map((_) => `install: ${_.label} (${recipe.lockfile})`)
      .filter((_) => !/: (python3 -m venv|relocate)/.test(_)),
    ...(recipe.build === undefined ? [] : [`build: ${recipe.build.label}`])
  ]
})

const planOfImage = (dockerfile: string): BuildPlan => ({
  kind: "image",
  dockerfile,
  name: "Dockerfile",
  packageJson: undefined,
  installation: undefined,
  build: undefined,
  output: undefined,
  steps: [`build: an image, by ${dockerfile}`]
})

/** The folder of the service in the snapshot, and how it is built. */
export const planBuild = async (input: BuildInput): Promise<BuildPlan> => {
  const inside = input.package ?? "."
  const folder = join(input.folder, inside)
  const dockerfile = await dockerfileIn(folder, input.build)
  if (dockerfile !== undefined) return planOfImage(dockerfile)
  const packageJson = await readPackageJson(folder)
  if (packageJson === undefined) {
    const recipe = (await goRecipe(input)) ?? (await pythonRecipe(input))
    if (recipe !== undefined) return planOf(recipe, input)
  }
  const rootPackage = inside === "." ? packageJson : await readPackageJson(input.folder)
  const { build: setting } = input
  const isBuilt = setting !== false && (setting !== undefined || packageJson?.scripts?.["build"] !== undefined)
  const installation = rootPackage === undefined ? undefined : await installationOf(input.folder, rootPackage, isBuilt)
  const written = typeof setting === "string" ? setting : typeof setting === "object" ? setting.command : undefined
  const output = typeof setting === "object" ? setting.output : undefined
  const bin = [...new Set([inside === "." ? "node_modules/.bin" : `${inside}/node_modules/.bin`, "node_modules/.bin"])]
  const build =
    setting === false
      ? undefined
      : written !== undefined
        ? lineOfShell(written, inside, bin)
        : packageJson?.scripts?.["build"] === undefined
          ? undefined
          : (installation?.script("build", inside) ?? {
              file: "npm",
              args: ["run", "build"],
              folder: inside,
              label: "npm run build"
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
